"""Coarser images by averaging blocks of voxels, as a CT is averaged before a network or a filter looks at it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ThoraxAILib.image.tuples import three


def block_mean(array: np.ndarray, factors: int | Sequence[int] | np.ndarray, fill: bool = False) -> np.ndarray:
    """Mean over blocks of ``factors`` voxels (one number, or one for each of k, j, i), float32, of an array (k, j, i).

    What is left over at the ends is dropped; with ``fill`` the border is repeated until it is a block.
    """
    if max(_three(factors)) == 1:
        return array.astype(np.float32, copy=False)
    if fill:
        missing = [(0, -n % f) for n, f in zip(array.shape, _three(factors), strict=True)]
        array = np.pad(array, missing, mode="edge") if any(after for _, after in missing) else array
    return as_blocks(array, factors).mean(axis=(1, 3, 5), dtype=np.float32)


def as_blocks(array: np.ndarray, factors: int | Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the array (k, j, i) as (k, factor, j, factor, i, factor), without what is left over at the ends."""
    steps = _three(factors)
    blocks = [n // f for n, f in zip(array.shape, steps, strict=True)]
    cut = array[tuple(slice(0, n * f) for n, f in zip(blocks, steps, strict=True))]
    return cut.reshape([size for pair in zip(blocks, steps, strict=True) for size in pair])


def _three(factors: int | Sequence[int] | np.ndarray) -> tuple[int, int, int]:
    return three(int(f) for f in np.broadcast_to(factors, 3))
