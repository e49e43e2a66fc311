"""The lobe of a place is the surer the further from the border of the lobes it lies."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.measurement.lobe_confidence import confidence_at, lobe_confidence, to_other_lobe_mm
from LungNoduleAILib.model.anatomy import LLL, LUL, RLL, RUL, Anatomy
from ThoraxAILib.image.volume import Volume

MATRIX = np.diag([-2.0, -2.0, 3.0, 1.0])  # 2 x 2 x 3 mm, axes in LPS order


def chest() -> tuple[Volume, Anatomy]:
    """A right lung whose lobes meet between slices 9 and 10, and a left lung of one lobe beside it."""
    labels = np.zeros((20, 30, 40), np.uint8)
    labels[:10, :, :18], labels[10:, :, :18] = RLL, RUL
    labels[:, :, 22:] = LUL
    return Volume(np.full(labels.shape, -850, np.int16), MATRIX), Anatomy(labels)


@pytest.mark.parametrize(("k", "wanted_mm"), [(9, 3.0), (5, 15.0), (0, 30.0)])
def test_the_distance_to_the_other_lobe_is_that_between_voxels(k: int, wanted_mm: float):
    volume, anatomy = chest()
    assert to_other_lobe_mm(volume, anatomy, np.array([k, 15.0, 8.0]), RLL) == pytest.approx(wanted_mm)


def test_a_place_at_the_border_may_be_in_either_lobe_and_one_far_away_is_sure():
    volume, anatomy = chest()
    near, far = ((-16.0, -30.0, s) for s in (27.0, 0.0))
    assert lobe_confidence(volume, anatomy, near, "RLL") < 0.7
    assert lobe_confidence(volume, anatomy, far, "RLL") > 0.95
    assert confidence_at(0.0) == pytest.approx(0.5)


def test_a_lung_of_one_lobe_is_sure_and_no_lobe_has_no_confidence():
    volume, anatomy = chest()
    assert lobe_confidence(volume, anatomy, (-60.0, -30.0, 27.0), "LUL") > 0.95
    assert lobe_confidence(volume, anatomy, (0.0, 0.0, 0.0), None) is None
    assert LLL not in anatomy.labels
