"""Volumes and ejection fraction, from labels or from the motion of labeled tissue; the two differ on thick slices."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.quality import jacobian


@dataclass(frozen=True)
class Ejection:
    """End-diastolic and end-systolic volume of a cavity (mL) and the ejected fraction in percent."""

    edv_ml: float
    esv_ml: float
    ef_percent: float

    def as_json(self) -> dict[str, float]:
        """Plain numbers."""
        return asdict(self)


def volume_ml(labels: Volume, value: int) -> float:
    """Volume of one label: voxels times voxel volume (slice distance, not thickness)."""
    return float((labels.array == value).sum()) * labels.voxel_mm3 / 1000.0


def ejection_from_labels(end_diastole: Volume, end_systole: Volume, value: int) -> Ejection:
    """By counting voxels in both frames (Simpson's rule on slices); the fuller frame is end-diastole."""
    return _ejection(volume_ml(end_diastole, value), volume_ml(end_systole, value))


def ejection_from_motion(end_diastole: Volume, motion: Field, value: int) -> Ejection:
    """By integrating J over the end-diastolic cavity; ``motion`` has end-diastole as its fixed image."""
    inside = end_diastole.array == value
    edv = volume_ml(end_diastole, value)
    return _ejection(edv, edv * float(jacobian(motion)[inside].mean()) if inside.any() else 0.0)


def ejections(end_diastole: Volume, end_systole: Volume, motion: Field, parts: HeartLabels) -> dict[str, dict]:
    """Both estimates for both cavities, by part and by source."""
    values = {"LV": parts.lv} if parts.rv is None else {"LV": parts.lv, "RV": parts.rv}
    return {
        name: {
            "from_labels": ejection_from_labels(end_diastole, end_systole, value).as_json(),
            "from_motion": ejection_from_motion(end_diastole, motion, value).as_json(),
        }
        for name, value in values.items()
    }


def dice(one: np.ndarray, other: np.ndarray, value: int) -> float:
    """Overlap 2|A and B| / (|A| + |B|) of one label; nan when both lack it."""
    a, b = one == value, other == value
    total = int(a.sum()) + int(b.sum())
    return 2.0 * float((a & b).sum()) / total if total else float("nan")


def _ejection(edv_ml: float, esv_ml: float) -> Ejection:
    edv_ml, esv_ml = max(edv_ml, esv_ml), min(edv_ml, esv_ml)  # labels may be carried from end-systole
    return Ejection(edv_ml, esv_ml, 100.0 * (edv_ml - esv_ml) / edv_ml if edv_ml > 0 else float("nan"))
