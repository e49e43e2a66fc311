"""Smooth random fields of unit variance."""

from __future__ import annotations

import numpy as np


def smooth_noise(
    shape: tuple[int, ...], random: np.random.Generator, grain_mm: float, like_mm: tuple[float, ...]
) -> np.ndarray:
    """Return a field (float32) that changes over ``grain_mm``; ``like_mm`` is the voxel size of ``shape``.

    Random numbers on a coarse grid, interpolated linearly along one axis after the other.
    """
    small = tuple(max(2, int(np.ceil(n * step / grain_mm)) + 1) for n, step in zip(shape, like_mm, strict=True))
    field = random.standard_normal(small).astype(np.float32)
    for size, coarse in zip(shape, small, strict=True):
        # the axis just interpolated goes last: after all of them the order is as at first
        field = np.tensordot(field, _linear(coarse, size), axes=(0, 0))
    return field / (float(field.std()) + 1e-6)


def _linear(coarse: int, fine: int) -> np.ndarray:
    """Return the weights (coarse, fine) of linear interpolation from end to end."""
    at = np.linspace(0.0, coarse - 1.0, fine, dtype=np.float32)
    return np.clip(1.0 - np.abs(at[None] - np.arange(coarse, dtype=np.float32)[:, None]), 0.0, None).astype(np.float32)
