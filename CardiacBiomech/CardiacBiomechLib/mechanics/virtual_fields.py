"""Smooth virtual fields of a wall that is known by its points, for the virtual work of its stress.

They vanish where unseen loads act: on the inner surface, above the uppermost and below the lowest slice. Coordinates
are the heart's own: x and y across the long axis, z along it.
"""

from __future__ import annotations

import numpy as np

HARMONICS, POWERS = 6, 3  # of the fields, around and along the axis
BORDER_HARMONICS, BORDER_POWERS = 3, 3  # of the inner surface
STEP_MM = 0.05


class WallFields:
    """Scalar fields of a wall whose inner surface goes through ``inner_mm`` (n, 3), between two heights.

    Each is one for every of the three components of a virtual field.
    """

    def __init__(self, inner_mm: np.ndarray, low_mm: float, high_mm: float) -> None:
        self._low, self._high = low_mm, high_mm
        shown = inner_mm[(inner_mm[:, 2] >= low_mm) & (inner_mm[:, 2] <= high_mm)]
        radius = np.hypot(shown[:, 0], shown[:, 1])
        self._size = float(radius.mean())
        self._border = np.linalg.lstsq(self._terms(shown), radius, rcond=None)[0]

    def at(self, points_mm: np.ndarray) -> np.ndarray:
        """Return the values (m, n) of all fields at points (n, 3)."""
        x, y, z = points_mm.T
        radius = np.hypot(x, y)
        beyond = (radius - self._terms(points_mm) @ self._border) / self._size
        along = (z - self._low) / (self._high - self._low)
        zero = beyond * np.where((along > 0) & (along < 1), along**2 * (1.0 - along), 0.0)
        turning = (x + 1j * y) / self._size
        waves = [np.ones_like(x)]
        for order in range(1, HARMONICS + 1):
            waves += [(turning**order).real, (turning**order).imag]
        return np.stack([zero * wave * along**power for wave in waves for power in range(POWERS)])

    def gradients(self, points_mm: np.ndarray) -> np.ndarray:
        """Return the gradients (3 m, 3, 3, n) of the virtual fields at points (n, 3), by central differences."""
        slopes = np.empty((HARMONICS * 2 + 1, POWERS, 3, len(points_mm)))
        for axis in range(3):
            step = np.zeros(3)
            step[axis] = STEP_MM
            change = (self.at(points_mm + step) - self.at(points_mm - step)) / (2 * STEP_MM)
            slopes[:, :, axis] = change.reshape(*slopes.shape[:2], -1)
        by_field = slopes.reshape(-1, 3, len(points_mm))
        virtual = np.zeros((3 * len(by_field), 3, 3, len(points_mm)))
        for component in range(3):
            virtual[component::3, component] = by_field
        return virtual

    def _terms(self, points_mm: np.ndarray) -> np.ndarray:
        """Terms (n, k) whose sum is the radius of the inner surface."""
        angle = np.arctan2(points_mm[:, 1], points_mm[:, 0])
        height = (points_mm[:, 2] - self._low) / (self._high - self._low)
        around = [np.ones_like(angle)]
        for order in range(1, BORDER_HARMONICS + 1):
            around += [np.cos(order * angle), np.sin(order * angle)]
        return np.stack([wave * height**power for wave in around for power in range(BORDER_POWERS)], axis=1)
