"""Benchmark: the mass of Lung_Dx-A0002 outlined on both kernels of the scan, beside its reference boxes.

``python Testing/benchmarks/lung_kernels.py [--data ../shared/data]``; nothing is asserted. From one click in the middle
of the boxes, both without a size and told the mean extent of the boxes; and as the whole analysis reports it, with how
much that outline overlaps the click's. Extents are those of the outline along the axes of the image, the reference's
those of all boxes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from LungNoduleAILib.analysis.analyze import analyze
from LungNoduleAILib.delineation.learned import segment_nodule
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

FOLDER = "ct/Lung_Dx-A0002"
CORNERS = ("xmin", "xmax", "ymin", "ymax")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args().data / FOLDER
    boxes = {path.stem: box for path in (folder / "A0002").glob("*.xml") if (box := read_box(path)) is not None}
    volumes: dict[str, list[float]] = {}
    every = sorted({path.parent for path in (folder / "Lung_Dx-A0002").rglob("*.dcm")})
    placed_boxes = [placed(series, boxes) for series in every if any(uid in boxes for uid, _ in images(series))]
    middle, extent = placed_boxes[-1].mean(axis=0), np.ptp(placed_boxes[-1], axis=0)
    print("the boxes span R {:.0f}, A {:.0f}, S {:.0f} mm".format(*extent))
    for series in every:
        volume = read_volume(series)
        clicks = [describe(volume, middle, extent, size, volumes) for size in (None, float(extent.mean()))]
        describe_report(volume, middle, extent, clicks[0], volumes)
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
) -> Mask | None:
    """Print the outline of a click, keep its volume, return its mask."""
    way = "one click" if size_mm is None else f"told {size_mm:.0f} mm"
    try:
        found = segment_nodule(volume, tuple(float(v) for v in middle), size_mm)
    except InputError as error:
        print(f"{volume.identity.kernel} {way}: {error}")
        return None
    volumes.setdefault(way, []).append(found.volume_mm3)
    print(
        f"{volume.identity.kernel} {way}: {found.volume_mm3 / 1000:.1f} mL, "
        f"{shares(volume, found.mask, extent)}; {' '.join(found.notes)}"
    )
    return found.mask


def describe_report(
    volume: Volume, middle: np.ndarray, extent: np.ndarray, click: Mask | None, volumes: dict[str, list[float]]
) -> None:
    """Print what the whole analysis reports nearest to the middle of the boxes, and keep its volume."""
    findings = analyze(volume, AnalysisOptions(), Progress(), Stages()).findings.findings
    if not findings:
        print(f"{volume.identity.kernel} analysis: nothing is reported")
        return
    found = min(findings, key=lambda one: float(np.linalg.norm(np.array(one.center_ras_mm) - middle)))
    mask = known(found.mask, "the mask")
    volumes.setdefault("analysis", []).append(found.volume_mm3)
    same = "" if click is None else f", Dice with the click's outline {overlap(volume, mask, click):.3f}"
    print(
        f"{volume.identity.kernel} analysis: {found.id} of {len(findings)}, confidence {found.confidence:.2f}, "
        f"{found.mean_diameter_mm:.1f} mm, {found.volume_mm3 / 1000:.1f} mL, {shares(volume, mask, extent)}{same}; "
        f"{' '.join(found.notes)}"
    )


def shares(volume: Volume, mask: Mask, extent: np.ndarray) -> str:
    """The extents of an outline over those of the boxes, in words."""
    index = np.argwhere(mask.array) + mask.offset_kji
    half = np.array([[-0.5] * 3, [0.5] * 3])
    ras = np.concatenate([volume.ras_from_kji(index + offset) for offset in half])
    share = np.ptp(ras, axis=0) / extent
    return f"extents over those of the boxes R {share[0]:.2f}, A {share[1]:.2f}, S {share[2]:.2f}"


def overlap(volume: Volume, one: Mask, other: Mask) -> float:
    """Dice of two masks on the grid of a volume."""
    whole = np.zeros((2, *volume.array.shape), bool)
    for into, mask in zip(whole, (one, other), strict=True):
        into[tuple(slice(o, o + n) for o, n in zip(mask.offset_kji, mask.array.shape, strict=True))] = mask.array
    return float(2 * (whole[0] & whole[1]).sum() / (whole[0].sum() + whole[1].sum()))


if __name__ == "__main__":
    sys.exit(main())
