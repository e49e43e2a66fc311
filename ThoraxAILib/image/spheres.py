"""Spheres on the grid of a volume."""

from __future__ import annotations

import numpy as np

from ThoraxAILib.image.volume import Volume


def paint_sphere(
    mask: np.ndarray, volume: Volume, center_ras_mm: tuple[float, float, float], diameter_mm: float, value: int
) -> None:
    """Set the voxels whose centers lie in a sphere, at least the nearest one; the axes are at right angles."""
    middle = volume.kji_from_ras(np.array(center_ras_mm))
    reach = diameter_mm / 2 / volume.spacing_kji_mm
    low = np.clip(np.floor(middle - reach), 0, mask.shape).astype(int)
    high = np.clip(np.ceil(middle + reach) + 1, low, mask.shape).astype(int)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    axes = np.ogrid[box]
    squared = sum(((axis - m) * step) ** 2 for axis, m, step in zip(axes, middle, volume.spacing_kji_mm, strict=True))
    mask[box][squared <= (diameter_mm / 2) ** 2] = value
    nearest = np.clip(np.rint(middle), 0, np.array(mask.shape) - 1).astype(int)
    mask[tuple(nearest)] = value
