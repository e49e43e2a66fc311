"""A few thousand voxels with lungs, lobes, airway and nodules of known place, in several orientations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from LungNoduleAILib.model.anatomy import AIRWAY, LLL, LUL, RLL, RML, RUL
from LungNoduleAILib.model.findings import Finding, Findings, Lungs, QualityNote
from LungNoduleAILib.model.result import AnalysisResult
from scipy.spatial.transform import Rotation

from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import SeriesIdentity, Volume

SHAPE = (24, 30, 36)
LPS = np.diag([-1.0, -1.0, 1.0])
SERIES_UID = "1.2.826.0.1.3680043.8.498.1"


def placed(axes: np.ndarray, spacing_mm: tuple[float, ...], origin_mm: tuple[float, ...]) -> np.ndarray:
    """IJK-to-RAS matrix of unit axes (columns i, j, k), voxel size and the position of the first voxel."""
    matrix = np.eye(4)
    matrix[:3, :3] = axes @ np.diag(spacing_mm)
    matrix[:3, 3] = origin_mm
    return matrix


_OBLIQUE = Rotation.from_euler("xyz", [20, -15, 10], degrees=True).as_matrix()
GEOMETRIES = {
    "axial": placed(LPS, (0.7, 0.7, 1.25), (110.3, 95.2, -310.7)),
    "feet first": placed(np.diag([-1.0, -1.0, -1.0]), (0.7, 0.7, 1.25), (110.3, 95.2, -310.7)),
    "oblique": placed(_OBLIQUE @ LPS, (0.7, 0.8, 1.25), (-40.1, 62.9, 12.4)),
    "oblique and mirrored": placed(_OBLIQUE @ np.diag([1.0, -1.0, 1.0]), (0.7, 0.8, 1.25), (-40.1, 62.9, 12.4)),
    "sagittal": placed(np.array([[0, 0, 1.0], [1, 0, 0], [0, -1, 0]]), (0.7, 0.8, 3.0), (5.5, -60.0, 80.0)),
}


def chest_volume(ijk_to_ras: np.ndarray) -> Volume:
    """Noise around -800 HU on the test grid."""
    array = np.random.default_rng(7).normal(-800, 60, SHAPE).clip(-1000).astype(np.int16)
    return Volume(array, ijk_to_ras, identity=SeriesIdentity(series_uid=SERIES_UID))


def chest_labels() -> np.ndarray:
    """Labels as in Anatomy: three lobes on one side, two on the other, an airway between."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:10, 4:26, 3:16] = RLL
    labels[10:14, 4:26, 3:16] = RML
    labels[14:22, 4:26, 3:16] = RUL
    labels[2:12, 4:26, 20:33] = LLL
    labels[12:22, 4:26, 20:33] = LUL
    labels[10:23, 14:17, 17:19] = AIRWAY
    return labels


def nodule(volume: Volume, number: int, offset_kji: tuple[int, int, int], **changes: object) -> Finding:
    """A box-shaped nodule of 4x4x4 voxels, less one corner, at a place of the grid."""
    mask = np.ones((4, 4, 4), bool)
    mask[0, 0, 0] = False
    corners = np.array(np.meshgrid([0, 3], [0, 3], [0, 3])).reshape(3, -1).T + np.array(offset_kji)
    box = volume.ras_from_kji(corners)
    bounds = tuple(np.stack([box.min(0), box.max(0)], axis=1).ravel())
    center = volume.ras_from_kji(np.array(offset_kji) + np.argwhere(mask).mean(0))
    finding = Finding(
        id=f"Nodule_{number:02d}", center_ras_mm=tuple(center), mean_diameter_mm=8.3, long_axis_mm=9.1,
        short_axis_mm=7.5, volume_mm3=301.5, type="solid", mean_hu=-12.3, mass_mg=290.0, lobe="RUL", side="right",
        confidence=0.83, bounds_ras_mm=bounds, mask=Mask(offset_kji, mask))
    return replace(finding, **changes)


def three_nodules(volume: Volume) -> tuple[Finding, ...]:
    """Two nodules that share voxels in the right upper lobe, and a weak mass on the left without lobe."""
    return (nodule(volume, 1, (15, 8, 5)),
            nodule(volume, 2, (17, 10, 7), type="ground-glass", confidence=0.55),
            nodule(volume, 3, (5, 12, 24), id="Mass_01", kind="mass", lobe=None, side="left", confidence=0.2))


def result_on(volume: Volume, findings: tuple[Finding, ...] | None = None) -> AnalysisResult:
    """An analysis result on ``volume``; by default with three nodules."""
    findings = three_nodules(volume) if findings is None else findings
    lungs = Lungs(1234.5, 1456.7, (QualityNote("ok", "Both lungs are complete.", "info"),))
    return AnalysisResult(volume, chest_labels(), Findings(volume.identity.series_uid, lungs, findings))
