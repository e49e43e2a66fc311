"""Where voxels lie: the shape and geometry of an image without its values. The one grid of the suite.

The "frame" of a grid is (k, j, i) index times spacing: millimetres along the array axes, distances as in RAS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.boxes import Box
from ThoraxAILib.image.placed import Placed
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

LPS_DIRECTION = np.diag([-1.0, -1.0, 1.0])  # columns: RAS direction of i, j, k


@dataclass(frozen=True, eq=False)
class Grid(Placed):
    """Voxel centres in the patient; ``shape_kji`` as numpy orders it, ``ijk_to_ras`` (4x4) in RAS mm."""

    shape_kji: tuple[int, int, int]
    ijk_to_ras: np.ndarray

    @staticmethod
    def of(volume: Volume) -> Grid:
        """Return the grid of a volume."""
        return Grid(three(int(size) for size in volume.array.shape), np.asarray(volume.ijk_to_ras, dtype=float))

    @staticmethod
    def around(
        center_ras_mm: np.ndarray,
        spacing_ijk_mm: Sequence[float],
        shape_ijk: Sequence[int],
        direction: np.ndarray | None = None,
    ) -> Grid:
        """Return grid whose middle lies at ``center_ras_mm``; ``direction`` columns are the RAS directions of i, j, k.

        Without ``direction`` it is in LPS order (k superior, j posterior, i left). Raises InputError for sizes that
        are not positive or directions that are not orthonormal.
        """
        turn = LPS_DIRECTION if direction is None else np.asarray(direction, dtype=float)
        spacing, shape = np.asarray(spacing_ijk_mm, dtype=float), np.asarray(shape_ijk, dtype=int)
        if turn.shape != (3, 3) or not np.allclose(turn.T @ turn, np.eye(3), atol=1e-6):
            raise InputError("The direction must be a 3x3 matrix with orthonormal columns: give a rotation or flip.")
        if spacing.shape != (3,) or shape.shape != (3,) or (spacing <= 0).any() or (shape < 1).any():
            raise InputError(f"Spacing and shape must be three positive numbers, found {spacing_ijk_mm}, {shape_ijk}.")
        matrix = np.eye(4)
        matrix[:3, :3] = turn * spacing
        matrix[:3, 3] = np.asarray(center_ras_mm, dtype=float) - matrix[:3, :3] @ ((shape - 1) / 2)
        return Grid(three(int(n) for n in shape[::-1]), matrix)

    @staticmethod
    def centered(shape_kji: tuple[int, int, int], spacing_kji_mm: tuple[float, float, float]) -> Grid:
        """Return an axis-aligned grid in LPS order with the RAS origin at its centre."""
        return Grid.around(np.zeros(3), spacing_kji_mm[::-1], shape_kji[::-1])

    @staticmethod
    def covering(low_ras_mm: np.ndarray, high_ras_mm: np.ndarray, step_mm: float) -> Grid:
        """Cubes of ``step_mm`` in LPS order from one corner (lowest R, A, S) to at least the other."""
        count = np.ceil((high_ras_mm - low_ras_mm) / step_mm).astype(int) + 1
        matrix = np.diag([-step_mm, -step_mm, step_mm, 1.0])
        matrix[:3, 3] = low_ras_mm + step_mm * (count - 1) * [1, 1, 0]
        return Grid(three(int(n) for n in count[::-1]), matrix)

    def stepped(
        self, first_kji: Sequence[float] | np.ndarray, step_kji: np.ndarray | float, shape_kji: Sequence[int]
    ) -> Grid:
        """Return the grid of ``shape_kji`` that starts at a (fractional) voxel position of this one and takes such
        steps.
        """
        matrix = self.ijk_to_ras.copy()
        matrix[:3, 3] += matrix[:3, :3] @ np.asarray(first_kji, dtype=float)[::-1]
        matrix[:3, :3] *= np.broadcast_to(step_kji, 3)[::-1]
        return Grid(three(int(n) for n in shape_kji), matrix)

    def part(self, box: Box, factors: Sequence[int] | np.ndarray | int = 1) -> Grid:
        """Return grid of a box of its voxels, these averaged in blocks of ``factors`` (one number or one per axis)."""
        blocks = np.broadcast_to(factors, 3)
        first = np.array([span.start for span in box]) + (blocks - 1) / 2
        return self.stepped(first, blocks, [(b.stop - b.start) // int(f) for b, f in zip(box, blocks, strict=True)])

    def centers_ras_mm(self) -> np.ndarray:
        """RAS mm of every voxel centre, (k, j, i, 3)."""
        index = np.stack(np.meshgrid(*(np.arange(size) for size in self.shape_kji[::-1]), indexing="ij"), -1)
        points = index @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]
        return np.ascontiguousarray(points.transpose(2, 1, 0, 3))

    def corners_ras_mm(self) -> np.ndarray:
        """RAS mm of the voxel centres at its eight corners, (8, 3)."""
        return self.ras_from_kji(np.array(list(np.ndindex(2, 2, 2))) * (np.array(self.shape_kji) - 1))

    def bounds_ras_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest R, A, S of the voxel centres at its corners."""
        corners = self.corners_ras_mm()
        return corners.min(axis=0), corners.max(axis=0)

    def frame_mm(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Frame position (..., 3) of RAS points."""
        return (np.asarray(points_ras_mm, dtype=float) - self.ijk_to_ras[:3, 3]) @ self.axes_ras

    def box(self, low_frame_mm: np.ndarray, high_frame_mm: np.ndarray) -> Box:
        """Slices of the voxels whose centres lie within a box of the frame; empty when it is outside."""
        low = np.clip(np.ceil(low_frame_mm / self.spacing_kji_mm), 0, self.shape_kji).astype(int)
        high = np.clip(np.floor(high_frame_mm / self.spacing_kji_mm) + 1, low, self.shape_kji).astype(int)
        return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))

    def open_axes_mm(self, box: Box) -> list[np.ndarray]:
        """Frame coordinates of the voxels of a box along k, j, i, shaped to broadcast."""
        axes = [np.arange(s.start, s.stop) * step for s, step in zip(box, self.spacing_kji_mm, strict=True)]
        return list(np.meshgrid(*axes, indexing="ij", sparse=True))

    def matches(self, other: Grid, tolerance_mm: float = 1e-2) -> bool:
        """Whether both grids have the same shape and the same voxel centres within ``tolerance_mm``."""
        if self.shape_kji != other.shape_kji:
            return False
        distance = np.linalg.norm(self.corners_ras_mm() - other.corners_ras_mm(), axis=1)
        return bool(distance.max() <= tolerance_mm)

    def volume(self, array: np.ndarray, modality: str = "MR") -> Volume:
        """Return a Volume with these voxel centres around ``array`` (k, j, i)."""
        return Volume(array, self.ijk_to_ras, modality=modality)
