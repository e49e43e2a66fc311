"""Benchmark: the mass of Lung_Dx-A0002 outlined from one click on both kernels of the scan, beside its reference boxes.

``python Testing/benchmarks/lung_kernels.py [--data ../shared/data]``; nothing is asserted. The click is the middle of
the boxes; both without a size and told the mean extent of the boxes. Extents are those of the outline along the axes of
the image, the reference's those of all boxes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from LungNoduleAILib.delineation.learned import segment_nodule
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume

FOLDER = "ct/Lung_Dx-A0002"
CORNERS = ("xmin", "xmax", "ymin", "ymax")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args().data / FOLDER
    boxes = {path.stem: box for path in (folder / "A0002").glob("*.xml") if (box := read_box(path)) is not None}
    volumes: dict[str, list[float]] = {}
    for series in sorted({path.parent for path in (folder / "Lung_Dx-A0002").rglob("*.dcm")}):
        uids = [uid for uid, _ in images(series)]
        if any(uid in boxes for uid in uids):
            reference = placed(series, boxes)
    for series in sorted({path.parent for path in (folder / "Lung_Dx-A0002").rglob("*.dcm")}):
        volume = read_volume(series)
        middle, extent = reference.mean(axis=0), np.ptp(reference, axis=0)
        for size in (None, float(extent.mean())):
            describe(volume, middle, extent, size, volumes)
    for way, (one, other) in volumes.items():
        print(f"{way}: the two kernels differ by {100 * (max(one, other) / min(one, other) - 1):.1f} %")
    return 0


def read_box(path: Path) -> list[float] | None:
    """Corners of the only box of a slice in pixels; None without one."""
    box = ElementTree.parse(path).getroot().find("object/bndbox")
    return None if box is None else [float(box.findtext(name, "nan")) for name in CORNERS]


def images(series: Path) -> Iterator[tuple[str, object]]:
    """SOP Instance UID and header of every image of a series."""
    import pydicom

    for path in sorted(series.glob("*.dcm")):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        yield str(header.SOPInstanceUID), header


def placed(series: Path, boxes: dict[str, list[float]]) -> np.ndarray:
    """All corners of the boxes of a series (n, 3) in RAS mm; slices count with half their thickness on both sides."""
    points = []
    for uid, header in images(series):
        if uid not in boxes:
            continue
        left, right, top, bottom = boxes[uid]
        x, y, z = (float(v) for v in header.ImagePositionPatient)
        row_mm, column_mm = (float(v) for v in header.PixelSpacing)
        for i, j in ((left, top), (right, bottom)):
            for half in (-0.5, 0.5):
                points.append((-(x + i * column_mm), -(y + j * row_mm), z + half * float(header.SliceThickness)))
    corners = np.array(points)
    return np.array([corners.min(axis=0), corners.max(axis=0)])


def describe(
    volume: Volume, middle: np.ndarray, extent: np.ndarray, size_mm: float | None, volumes: dict[str, list[float]]
) -> None:
    """Print one outline and keep its volume."""
    way = "one click" if size_mm is None else f"told {size_mm:.0f} mm"
    try:
        found = segment_nodule(volume, tuple(float(v) for v in middle), size_mm)
    except InputError as error:
        print(f"{volume.identity.kernel} {way}: {error}")
        return
    index = np.argwhere(found.mask.array) + found.mask.offset_kji
    half = np.array([[-0.5] * 3, [0.5] * 3])
    ras = np.concatenate([volume.ras_from_kji(index + offset) for offset in half])
    share = np.ptp(ras, axis=0) / extent
    cubic = found.mask.array.sum() * volume.voxel_mm3
    volumes.setdefault(way, []).append(float(cubic))
    print(
        f"{volume.identity.kernel} {way}: {cubic / 1000:.1f} mL, extents over those of the boxes R {share[0]:.2f}, "
        f"A {share[1]:.2f}, S {share[2]:.2f}; {' '.join(found.notes)}"
    )


if __name__ == "__main__":
    sys.exit(main())
