"""Spheres: volume and diameter of one, and painting one on the grid of a volume. Imports nothing heavy at start-up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ThoraxAILib.image.volume import Volume


def sphere_volume_mm3(diameter_mm: float) -> float:
    """pi / 6 d^3; arrays give arrays."""
    return math.pi / 6 * diameter_mm**3


def sphere_diameter_mm(volume_mm3: float) -> float:
    """Return the diameter of the sphere of this volume, (6 V / pi)^(1/3); arrays give arrays."""
    return (6 * volume_mm3 / math.pi) ** (1 / 3)


def ellipsoid_volume_mm3(semi_axes_mm: Sequence[float]) -> float:
    """4/3 pi a b c."""
    a, b, c = (float(x) for x in semi_axes_mm)
    return 4 / 3 * math.pi * (a * b * c)


def paint_sphere(
    mask: np.ndarray, volume: Volume, center_ras_mm: tuple[float, float, float], diameter_mm: float, value: int
) -> None:
    """Set the voxels whose centers lie in a sphere, at least the nearest one; the axes are at right angles."""
    import numpy as np

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
