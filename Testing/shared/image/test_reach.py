"""Masks grown and shrunk in their box are the same as with distances of the whole array."""

from __future__ import annotations

import edt
import numpy as np
import pytest

from ThoraxAILib.image.reach import deeper_mm, within_mm

SPACING = np.array([2.5, 1.7, 0.9])


def masks():
    rng = np.random.default_rng(3)
    for share in (0.0, 0.001, 0.3, 0.97, 1.0):
        yield rng.random((24, 30, 36)) < share
    ball = np.linalg.norm((np.indices((24, 30, 36)).T - (8, 12, 20)) * SPACING, axis=-1).T < 12
    yield ball
    yield np.roll(ball, 9, axis=0)  # cut by the border
    yield ~ball


@pytest.mark.parametrize("reach_mm", [0.0, 0.9, 2.5, 6.0, 40.0])
def test_a_mask_grown_or_shrunk_is_that_of_all_distances(reach_mm):
    for mask in masks():
        spacing = tuple(SPACING)
        if mask.any():
            assert np.array_equal(within_mm(mask, SPACING, reach_mm), edt.edt(~mask, anisotropy=spacing) <= reach_mm)
        else:
            assert not within_mm(mask, SPACING, reach_mm).any()
        expected = edt.edt(mask, anisotropy=spacing) > reach_mm
        assert np.array_equal(deeper_mm(mask, SPACING, reach_mm), expected)
