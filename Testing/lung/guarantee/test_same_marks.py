"""The marks of the shipped detector on a fixed image: what a calibration promises holds for these and no others."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.model.anatomy import RUL, Anatomy
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

BALLS = (
    (30, 30, 30, 3.0),
    (30, 66, 30, 5.0),
    (60, 30, 66, 8.0),
    (62, 66, 40, 2.0),
    (48, 48, 112, 17.0),
)  # k, j, i, radius; voxels of 1 mm


@pytest.fixture(scope="module")
def marks() -> list:
    pytest.importorskip("torch")
    from LungNoduleAILib.detection.learned import LearnedDetector

    shape = (96, 96, 140)
    kji = np.indices(shape)
    hu = np.full(shape, 40, dtype=np.int16)
    lung = np.all([(axis >= 8) & (axis < n - 8) for axis, n in zip(kji, shape, strict=True)], axis=0)
    hu[lung] = -860
    for *center, radius in BALLS:
        distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(kji, center, strict=True)))
        share = np.clip(radius + 0.5 - distance, 0, 1)
        hu = np.maximum(hu, (-860 + 900 * share).astype(np.int16))
    volume = Volume(hu, np.diag([-1.0, -1.0, 1.0, 1.0]))
    anatomy = Anatomy(np.where(lung, RUL, 0).astype(np.uint8), None)
    return LearnedDetector().detect(volume, anatomy, Progress())


# centre (RAS mm), diameter (mm) and heat when the shipped calibration was made
WHEN_CALIBRATED = (
    ((-111.82, -48.15, 47.73), 39.5, 0.9325),
    ((-29.77, -29.84, 29.65), 5.69, 0.9293),
    ((-39.84, -65.80, 61.67), 4.25, 0.9265),
    ((-66.00, -29.96, 60.11), 14.7, 0.8812),
    ((-29.94, -65.93, 29.89), 8.60, 0.7512),
    ((-125.65, -50.78, 95.28), 26.6, 0.0530),
)


def test_the_marks_are_those_for_which_the_shipped_calibration_was_made(marks):
    """Where this fails on purpose: raise RULES_VERSION in detection/learned.py and calibrate again."""
    assert len(marks) == len(WHEN_CALIBRATED)
    for mark, (center, diameter, heat) in zip(marks, WHEN_CALIBRATED, strict=True):
        assert mark.center_ras_mm == pytest.approx(center, abs=0.1)
        assert mark.diameter_mm == pytest.approx(diameter, rel=0.01)
        assert mark.features["heat"] == pytest.approx(heat, abs=0.005)
