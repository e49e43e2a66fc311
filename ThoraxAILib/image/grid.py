"""Where voxels lie: the shape and geometry of an image without its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.image.volume import Volume


@dataclass(frozen=True, eq=False)
class Grid:
    """A lattice of voxel centres in the patient; ``shape_kji`` as numpy orders it, ``ijk_to_ras`` in RAS mm."""

    shape_kji: tuple[int, int, int]
    ijk_to_ras: np.ndarray

    @staticmethod
    def of(volume: Volume) -> Grid:
        """The grid of a volume."""
        return Grid(tuple(int(size) for size in volume.array.shape), np.asarray(volume.ijk_to_ras, dtype=float))

    @staticmethod
    def centered(shape_kji: tuple[int, int, int], spacing_kji_mm: tuple[float, float, float]) -> Grid:
        """An axis-aligned grid in LPS order (k superior, j posterior, i left) with the RAS origin at its centre."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.diag([-spacing_kji_mm[2], -spacing_kji_mm[1], spacing_kji_mm[0]])
        matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(shape_kji[::-1]) - 1) / 2)
        return Grid(tuple(shape_kji), matrix)

    @property
    def spacing_kji_mm(self) -> np.ndarray:
        """Voxel size along the array axes k, j, i in mm."""
        return np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)[::-1]

    @property
    def axes_ras(self) -> np.ndarray:
        """3x3 matrix whose columns are the RAS unit vectors of the array axes k, j, i."""
        return (self.ijk_to_ras[:3, :3] / np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0))[:, ::-1]

    def centers_ras_mm(self) -> np.ndarray:
        """RAS mm of every voxel centre, (k, j, i, 3)."""
        index = np.stack(np.meshgrid(*(np.arange(size) for size in self.shape_kji[::-1]), indexing="ij"), -1)
        points = index @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]
        return np.ascontiguousarray(points.transpose(2, 1, 0, 3))

    def kji_from_ras(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Fractional voxel positions (..., 3) in (k, j, i) order of RAS mm points."""
        shifted = np.asarray(points_ras_mm, dtype=float) - self.ijk_to_ras[:3, 3]
        return (shifted @ np.linalg.inv(self.ijk_to_ras[:3, :3]).T)[..., ::-1]

    def matches(self, other: Grid, tolerance_mm: float = 1e-2) -> bool:
        """Whether both grids have the same shape and the same voxel centres within ``tolerance_mm``."""
        if self.shape_kji != other.shape_kji:
            return False
        corners = np.array(
            [
                [i, j, k, 1]
                for i in (0, self.shape_kji[2] - 1)
                for j in (0, self.shape_kji[1] - 1)
                for k in (0, self.shape_kji[0] - 1)
            ],
            dtype=float,
        )
        distance = np.linalg.norm((corners @ (self.ijk_to_ras - other.ijk_to_ras).T)[:, :3], axis=1)
        return bool(distance.max() <= tolerance_mm)

    def volume(self, array: np.ndarray, modality: str = "MR") -> Volume:
        """A Volume with these voxel centres around ``array`` (k, j, i)."""
        return Volume(array, self.ijk_to_ras, modality=modality)
