"""Real chest CT: volumes, sides, verdicts and the tumors that are there."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from LungNoduleAILib.analysis.analyze import analyze
from LungNoduleAILib.anatomy.classical import ClassicalSegmenter
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import find_series, read_volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

Find = Callable[[str], Path]


def anatomy_of(volume: Volume):
    turned = volume.in_lps_order()
    return ClassicalSegmenter().segment(turned.with_array(np.ascontiguousarray(turned.array)), Progress())


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def reference_boxes(folder: Path, kernel: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Corners (RAS mm) of the tumor's box on every slice of one kernel, from Pascal VOC files named by instance."""
    import pydicom

    boxes = []
    for file in sorted(folder.rglob("*")):
        if kernel not in file.parent.name or not file.is_file():
            continue
        header = pydicom.dcmread(file, stop_before_pixels=True)
        note = folder / "A0002" / f"{header.SOPInstanceUID}.xml"
        if not note.exists():
            continue
        step = np.array([float(header.PixelSpacing[1]), float(header.PixelSpacing[0])])
        x, y, z = (float(v) for v in header.ImagePositionPatient)
        for box in ElementTree.parse(note).getroot().iter("bndbox"):
            low, high = (
                np.array([float(box.findtext(f"x{end}")), float(box.findtext(f"y{end}"))]) * step
                for end in ("min", "max")
            )
            corners = np.array([[-(x + low[0]), -(y + low[1]), z - 4], [-(x + high[0]), -(y + high[1]), z + 4]])
            boxes.append((corners.min(axis=0), corners.max(axis=0)))
    return boxes


def test_a_chest_cut_by_the_field_of_view_has_its_lung_volume(shared_data: Find):
    volume = read_volume(shared_data("ct/C3N-00247"))
    anatomy = anatomy_of(volume)
    airway_ml = float((anatomy.labels == 6).sum()) * volume.voxel_mm3 / 1000
    lungs_ml = float(anatomy.lungs.sum()) * volume.voxel_mm3 / 1000
    assert lungs_ml == pytest.approx(4456 - airway_ml, rel=0.05)
    assert 1.1 < anatomy.right_lung.sum() / anatomy.left_lung.sum() < 1.6
    assert not [note for note in anatomy.quality if note.severity == "error"]


def test_the_lungs_of_the_coarse_thorax_match_their_reference(shared_data: Find):
    import SimpleITK as sitk

    volume = read_volume(shared_data("ct/cip-ct64/ct-64.nrrd"))
    reference = sitk.GetArrayFromImage(sitk.ReadImage(str(shared_data("ct/cip-ct64/wholeLung-64.nrrd")))) > 0
    assert dice(anatomy_of(volume).lungs, volume.axis_order_to_lps().apply_array(reference)) >= 0.95


@pytest.mark.parametrize("name", ["baseline", "followup"])
def test_a_crop_of_one_lung_is_said_to_miss_the_left(shared_data: Find, name: str):
    import SimpleITK as sitk

    folder = shared_data("ct/lung-pair-elastix")
    volume = read_volume(folder / f"3DCT_lung_{name}.mha")
    anatomy = anatomy_of(volume)
    missing = [note for note in anatomy.quality if note.code == "one_lung_missing"]
    assert missing
    assert "left" in missing[0].text
    reference = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"3DCT_lung_{name}_mask.mha"))) > 0
    assert dice(anatomy.right_lung, volume.axis_order_to_lps().apply_array(reference)) >= 0.97


@pytest.mark.parametrize("kernel", ["B70f", pytest.param("B40f", marks=pytest.mark.slow)])
def test_the_large_tumor_is_reported_inside_its_reference_boxes_on_both_kernels(shared_data: Find, kernel: str):
    folder = shared_data("ct/Lung_Dx-A0002")
    series = next(s for s in find_series(folder) if s.kernel == kernel and s.usable)
    result = analyze(read_volume(folder, series.choice), AnalysisOptions(), Progress(), Stages())
    boxes = reference_boxes(folder, kernel)
    assert boxes
    places = [f.center_ras_mm for f in result.findings.findings]
    places += [n.center_ras_mm for n in result.findings.lungs.quality if n.code == "large_opacity"]
    assert any((low <= place).all() and (np.array(place) <= high).all() for place in places for low, high in boxes)


def test_the_tumor_of_the_contrast_chest_is_found(shared_data: Find):
    result = analyze(read_volume(shared_data("ct/C3N-00247")), AnalysisOptions(), Progress(), Stages())
    tumor = np.array([83.5, 193.5, -195.3])  # a spiculated nodule of about 20 mm in the right lower lobe, by eye
    assert any(np.linalg.norm(np.array(f.center_ras_mm) - tumor) < 6 for f in result.findings.findings)
    assert len(result.findings.findings) <= 9
