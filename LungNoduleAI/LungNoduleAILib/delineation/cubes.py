"""Cubes of a CT around a point, as the network of the outline sees them, and back to the voxels of the CT."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LungNoduleAILib.delineation.region import distance_from
from ThoraxAILib.image.volume import Volume

PATCH = 40
ACROSS = 16.0  # voxels of the patch across a nodule of the size looked for
NEAR_MIDDLE = 5.0  # voxels: a nodule further off is another one


def cube(array: np.ndarray, spacing_kji_mm: np.ndarray, center_kji: np.ndarray, spacing_mm: float) -> np.ndarray:
    """HU (PATCH^3, float32) around a voxel position at isotropic ``spacing_mm``; finer voxels are averaged first."""
    reach = (PATCH / 2 + 1) * spacing_mm / spacing_kji_mm + 2
    low = np.floor(center_kji - reach).astype(int)
    high = np.ceil(center_kji + reach).astype(int) + 1
    inside = [np.clip(np.arange(a, b), 0, n - 1) for a, b, n in zip(low, high, array.shape, strict=True)]
    part = array[np.ix_(*inside)].astype(np.float32)
    sigma = 0.35 * np.maximum(spacing_mm / spacing_kji_mm - 1, 0)
    if sigma.any():
        part = ndimage.gaussian_filter(part, sigma, truncate=2.5)
    steps = (np.arange(PATCH) - (PATCH - 1) / 2) * spacing_mm
    axes = [c + steps / s - a for c, s, a in zip(center_kji, spacing_kji_mm, low, strict=True)]
    return sampled(part, axes)


def sampled(array: np.ndarray, axes: list[np.ndarray]) -> np.ndarray:
    """Linear interpolation at the crossings of three lists of voxel positions."""
    for axis, places in enumerate(axes):
        below = np.clip(places.astype(int), 0, max(array.shape[axis] - 2, 0))
        above = np.minimum(below + 1, array.shape[axis] - 1)
        weight = np.clip(places - below, 0, 1).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        array = np.take(array, below, axis) * (1 - weight) + np.take(array, above, axis) * weight
    return np.ascontiguousarray(array)


def on_scale(share: np.ndarray, scale: float) -> np.ndarray:
    """Return a cube's values on the cube around the same place whose voxels are ``scale`` times as large."""
    middle = (PATCH - 1) / 2
    return sampled(share, [np.clip((np.arange(PATCH) - middle) * scale + middle, 0, PATCH - 1)] * 3)


def halved(share: np.ndarray) -> np.ndarray:
    """Return a cube's values (2 PATCH - 1)^3 on steps of half its voxels, from its first to its last voxel."""
    return sampled(share, [np.arange(2 * PATCH - 1) / 2] * 3)


def at_middle(mask: np.ndarray) -> np.ndarray | None:
    """Return the part of a mask at or nearest to the middle, at most NEAR_MIDDLE away; None when there is none."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return None
    gap = distance_from(np.full(3, (PATCH - 1) / 2), mask.shape, np.ones(3))
    gap[labels == 0] = np.inf
    nearest = np.unravel_index(int(np.argmin(gap)), mask.shape)
    return labels == labels[nearest] if gap[nearest] <= NEAR_MIDDLE else None


def box_of_cube(volume: Volume, center_kji: np.ndarray, spacing_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the first voxel of the CT in a cube and the voxel after the last, (3,) each; at least one voxel."""
    reach = (PATCH - 1) / 2 * spacing_mm / volume.spacing_kji_mm
    low = np.clip(np.ceil(center_kji - reach), 0, np.array(volume.array.shape) - 1).astype(int)
    return low, np.clip(np.floor(center_kji + reach) + 1, low + 1, volume.array.shape).astype(int)


def on_ct(
    share: np.ndarray, volume: Volume, center_kji: np.ndarray, spacing_mm: float, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return values of a cube on the voxels of the CT from ``low`` to before ``high``."""
    scale = spacing_mm / volume.spacing_kji_mm
    axes = [
        (np.arange(a, b) - c) / s + (PATCH - 1) / 2 for a, b, c, s in zip(low, high, center_kji, scale, strict=True)
    ]
    return sampled(share, axes)
