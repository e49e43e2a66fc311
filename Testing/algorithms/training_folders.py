"""Tiny LUNA16, LIDC and MSD folders with known nodules, written by the tests that read them back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import SimpleITK as sitk

SHAPE = (20, 40, 44)
SPACING = (0.8, 0.9, 1.5)
ORIGIN_LPS = (-20.0, -30.0, 100.0)
AIR, NODULE = -850, 40
WALL = 3  # voxels
Ball = tuple[float, float, float, float]  # LPS x, y, z and diameter in mm
Disc = tuple[int, float, float, float]  # slice, column, row and radius in pixels


def positions_lps() -> np.ndarray:
    """LPS mm of every voxel (k, j, i, 3)."""
    k, j, i = np.indices(SHAPE)
    return np.stack([i, j, k], axis=-1) * SPACING + np.array(ORIGIN_LPS)


def ball_labels(balls: Sequence[Ball]) -> np.ndarray:
    """Balls drawn as labels 1, 2, ..."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for number, ball in enumerate(balls, start=1):
        labels[np.linalg.norm(positions_lps() - np.array(ball[:3]), axis=-1) <= ball[3] / 2] = number
    return labels


def write_image(path: Path, array: np.ndarray, origin: Sequence[float] = ORIGIN_LPS) -> Path:
    """An array on the test's grid in the format of the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    image.SetOrigin(origin)
    sitk.WriteImage(image, str(path))
    return path


def ct(balls: Sequence[Ball]) -> np.ndarray:
    """A CT with balls of soft tissue in air, and a wall at its right side."""
    array = np.where(ball_labels(balls) > 0, NODULE, AIR).astype(np.int16)
    array[..., :WALL] = NODULE
    return array


def write_luna(folder: Path, scans: dict[str, Sequence[Ball]], excluded: Sequence[tuple[str, Ball]] = (),
               tables: str = "") -> Path:
    """Scans as MetaImage in two subsets, with the challenge's tables."""
    rows = [f"{name},{','.join(map(str, ball))}" for name, balls in scans.items() for ball in balls]
    header = "seriesuid,coordX,coordY,coordZ,diameter_mm"
    (folder / tables).mkdir(parents=True, exist_ok=True)
    (folder / tables / "annotations.csv").write_text("\n".join([header, *rows]) + "\n")
    left_out = [f"{name},{','.join(map(str, ball))}" for name, ball in excluded]
    (folder / tables / "annotations_excluded.csv").write_text("\n".join([header, *left_out]) + "\n")
    for number, (name, balls) in enumerate(scans.items()):
        write_image(folder / f"subset{number % 2}" / f"{name}.mhd", ct(balls))
    return folder


def write_msd(folder: Path, cases: dict[str, Sequence[Ball]], labels: dict | None = None) -> Path:
    """Images and label maps (every ball has label 1) with a dataset.json in MSD's form."""
    entries = []
    for name, balls in cases.items():
        write_image(folder / "imagesTr" / f"{name}.nii.gz", ct(balls))
        write_image(folder / "labelsTr" / f"{name}.nii.gz", (ball_labels(balls) > 0).astype(np.uint8))
        entries.append({"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"})
    content = {"name": "Lung", "labels": labels or {"0": "background", "1": "cancer"}, "training": entries}
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def disc_pixels(disc: Disc) -> set[tuple[int, int]]:
    """Columns and rows of the pixels of a disc."""
    _, x, y, radius = disc
    reach = int(radius) + 2
    return {(i, j) for i in range(int(x) - reach, int(x) + reach + 1) for j in range(int(y) - reach, int(y) + reach + 1)
            if (i - x) ** 2 + (j - y) ** 2 <= radius**2}


def outline_of(disc: Disc) -> list[tuple[int, int]]:
    """The first pixels outside a disc, in the order in which a reader's line runs."""
    inside = disc_pixels(disc)
    around = {(i + a, j + b) for i, j in inside for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))} - inside
    return sorted(around, key=lambda pixel: np.arctan2(pixel[1] - disc[2], pixel[0] - disc[1]))


def nodule_xml(discs: Sequence[Disc], z_of_slice: Sequence[float], holes: Sequence[Disc] = (), texture: int = 5,
               calcification: int = 6) -> str:
    """One reader's nodule of discs, with ratings; ``holes`` are outlined as not included."""
    rois = "".join(_roi_xml(disc, z_of_slice, "TRUE") for disc in discs)
    rois += "".join(_roi_xml(disc, z_of_slice, "FALSE") for disc in holes)
    return ("<unblindedReadNodule><noduleID>n</noduleID><characteristics><subtlety>4</subtlety>"
            f"<calcification>{calcification}</calcification><texture>{texture}</texture></characteristics>{rois}"
            "</unblindedReadNodule>")


def _roi_xml(disc: Disc, z_of_slice: Sequence[float], included: str) -> str:
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in outline_of(disc))
    return (f"<roi><imageZposition>{z_of_slice[disc[0]]}</imageZposition><imageSOP_UID>1.2</imageSOP_UID>"
            f"<inclusion>{included}</inclusion>{edges}</roi>")


def small_nodule_xml(x: int, y: int, z: float) -> str:
    """A nodule below 3 mm: one point, no ratings."""
    return (f"<unblindedReadNodule><noduleID>s</noduleID><roi><imageZposition>{z}</imageZposition><inclusion>TRUE"
            f"</inclusion><edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap></roi></unblindedReadNodule>")


def non_nodule_xml(x: int, y: int, z: float) -> str:
    """Something that is no nodule."""
    return (f"<nonNodule><nonNoduleID>x</nonNoduleID><imageZposition>{z}</imageZposition><imageSOP_UID>1.3"
            f"</imageSOP_UID><locus><xCoord>{x}</xCoord><yCoord>{y}</yCoord></locus></nonNodule>")


def write_lidc(folder: Path, series_uid: str, readers: Sequence[Sequence[str]], dicom: ModuleType,
               xml_folder: Path | None = None) -> list[float]:
    """A DICOM series of air beside a wall, and the XML file of its readers; returns LPS z of the slices, upwards."""
    plan = dicom.SeriesPlan(count=12, step_mm=2.0, rows=40, columns=44, pixel_spacing_mm=(0.8, 0.8),
                            series_uid=series_uid)
    hu = np.full((40, 44), float(AIR))
    hu[:, :WALL] = NODULE
    dicom.write_series(folder, plan, lambda dataset, _k: dicom.set_hu(dataset, hu))
    sessions = "".join(f"<readingSession><servicingRadiologistID>r</servicingRadiologistID>{''.join(marks)}"
                       "</readingSession>" for marks in readers)
    text = ('<?xml version="1.0" encoding="UTF-8"?>\n<LidcReadMessage xmlns="http://www.nih.gov"><ResponseHeader>'
            f"<SeriesInstanceUid>{series_uid}</SeriesInstanceUid></ResponseHeader>{sessions}</LidcReadMessage>")
    target = xml_folder or folder
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{series_uid[-3:]}.xml").write_text(text, encoding="utf-8")
    return slice_positions(dicom)


def slice_positions(dicom: ModuleType) -> list[float]:
    """LPS z of the slices that write_lidc writes."""
    return [float(z) for z in dicom.origins(dicom.SeriesPlan(count=12, step_mm=2.0))[:, 2]]
