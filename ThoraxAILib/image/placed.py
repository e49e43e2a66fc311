"""What everything with voxels in the patient has in common: a matrix to RAS mm, and what follows from it alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


class Placed:
    """Base of Grid and Volume: ``ijk_to_ras`` is the 4x4 matrix from (i, j, k, 1) to RAS mm; arrays are (k, j, i)."""

    ijk_to_ras: np.ndarray

    @property
    def spacing_ijk_mm(self) -> np.ndarray:
        """Voxel size along i, j, k in mm."""
        return np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)

    @property
    def spacing_kji_mm(self) -> np.ndarray:
        """Voxel size along the array axes k, j, i in mm."""
        return self.spacing_ijk_mm[::-1]

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel in mm3."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])))

    @property
    def axes_ras(self) -> np.ndarray:
        """3x3 matrix whose columns are the RAS unit vectors of the array axes k, j, i."""
        return (self.ijk_to_ras[:3, :3] / self.spacing_ijk_mm)[:, ::-1]

    def ras_from_kji(self, points_kji: ArrayLike) -> np.ndarray:
        """RAS mm of voxel positions (..., 3) in (k, j, i) order; voxel centres are whole numbers."""
        points = np.asarray(points_kji, dtype=float)[..., ::-1]
        return points @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]

    def kji_from_ras(self, points_ras_mm: ArrayLike) -> np.ndarray:
        """Fractional voxel positions (..., 3) in (k, j, i) order of RAS mm points."""
        shifted = np.asarray(points_ras_mm, dtype=float) - self.ijk_to_ras[:3, 3]
        return (shifted @ np.linalg.inv(self.ijk_to_ras[:3, :3]).T)[..., ::-1]
