"""Coarser grids by averaging cubes of voxels, as a CT is averaged before a network sees it."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.phantom.grid import Grid


def block_mean(array: np.ndarray, factor: int) -> np.ndarray:
    """Mean over cubes of ``factor`` voxels, float32; what is left over at the ends is dropped."""
    return as_blocks(array, factor).mean(axis=(1, 3, 5), dtype=np.float32)


def as_blocks(array: np.ndarray, factor: int) -> np.ndarray:
    """The array (k, j, i) as (k, factor, j, factor, i, factor), without what is left over at the ends."""
    blocks = [n // factor for n in array.shape]
    cut = array[tuple(slice(0, n * factor) for n in blocks)]
    return cut.reshape([size for n in blocks for size in (n, factor)])


def part_of(grid: Grid, box: tuple[slice, slice, slice], shrink: int) -> Grid:
    """The grid of a box, its voxels averaged in cubes of ``shrink``."""
    matrix = grid.ijk_to_ras.copy()
    first = np.array([b.start for b in box][::-1]) + (shrink - 1) / 2
    matrix[:3, 3] += matrix[:3, :3] @ first
    matrix[:3, :3] *= shrink
    return Grid(tuple((b.stop - b.start) // shrink for b in box), matrix)
