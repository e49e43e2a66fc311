"""Means over blocks: what is dropped at the ends, what is repeated there, and that no block is left as it is."""

import numpy as np

from ThoraxAILib.image.block_mean import as_blocks, block_mean


def test_blocks_are_averaged_and_what_fills_none_is_dropped():
    array = np.arange(5 * 4 * 4).reshape(5, 4, 4).astype(np.int16)
    mean = block_mean(array, 2)
    assert mean.shape == (2, 2, 2)
    assert mean.dtype == np.float32
    assert mean[0, 0, 0] == array[:2, :2, :2].mean()
    assert mean[1, 1, 1] == array[2:4, 2:, 2:].mean()


def test_filling_repeats_the_border_instead():
    array = np.zeros((3, 2, 2))
    array[2] = 8.0
    assert block_mean(array, (2, 1, 2), fill=True)[:, 0, 0].tolist() == [0.0, 8.0]


def test_axes_may_have_factors_of_their_own_and_blocks_of_one_change_nothing():
    array = np.random.default_rng(1).normal(size=(6, 4, 5)).astype(np.float32)
    assert block_mean(array, (3, 2, 1)).shape == (2, 2, 5)
    np.testing.assert_array_equal(block_mean(array, 1), array)
    assert as_blocks(array, (3, 2, 1)).shape == (2, 3, 2, 2, 5, 1)
