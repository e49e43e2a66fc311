"""The box around a mask: tight, with a margin, at the border, empty."""

import numpy as np

from ThoraxAILib.image.boxes import mask_box


def _mask(*places: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros((6, 8, 10), bool)
    for place in places:
        mask[place] = True
    return mask


def test_the_box_is_the_smallest_that_holds_every_voxel():
    mask = _mask((1, 2, 7), (3, 5, 4))
    box = mask_box(mask)
    assert box == (slice(1, 4), slice(2, 6), slice(4, 8))
    assert mask[box].sum() == 2


def test_a_margin_counts_voxels_of_each_axis_and_ends_with_the_array():
    assert mask_box(_mask((1, 2, 7)), np.array([2, 1, 5])) == (slice(0, 4), slice(1, 4), slice(2, 10))
    assert mask_box(_mask((3, 3, 3)), 1) == (slice(2, 5),) * 3


def test_an_empty_mask_has_no_box_and_a_flat_one_has_two_sides():
    assert mask_box(_mask()) is None
    assert mask_box(_mask((1, 2, 7)).any(axis=0)) == (slice(2, 3), slice(7, 8))
