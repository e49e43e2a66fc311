"""Outlines of flat masks: every part and hole, its area to the pixel, closed, without points on straight lines."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.image.mask_outline import outline_of_mask


def area(line: np.ndarray) -> float:
    x, y = line.T
    return 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def test_a_pixel_is_a_square_around_it():
    mask = np.zeros((5, 7), bool)
    mask[2, 4] = True
    (line,) = outline_of_mask(mask)
    assert {tuple(point) for point in line} == {(4, 2), (5, 2), (5, 3), (4, 3)}
    assert np.array_equal(line[0], line[-1])
    assert len(line) == 5


def test_nothing_has_no_outline():
    assert outline_of_mask(np.zeros((3, 3), bool)) == []


def test_a_ring_has_an_outer_and_an_inner_line_that_run_against_each_other():
    mask = np.ones((6, 6), bool)
    mask[2:4, 2:4] = False
    assert sorted(area(line) for line in outline_of_mask(mask)) == [-4.0, 36.0]


@pytest.mark.parametrize("seed", range(20))
def test_lines_of_any_mask_are_closed_and_enclose_its_pixels(seed):
    mask = np.random.default_rng(seed).random((14, 11)) < 0.5
    lines = outline_of_mask(mask)
    assert sum(area(line) for line in lines) == mask.sum()
    for line in lines:
        steps = np.diff(line, axis=0)
        assert np.array_equal(line[0], line[-1])
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert (steps[1:] * steps[:-1]).sum() == 0, "no point lies on a straight line"
