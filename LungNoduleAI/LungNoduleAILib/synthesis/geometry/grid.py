"""The voxel grid a phantom is rendered on, and smooth fields of RAS position sampled onto it.

Everything in the phantom is a function of position in the patient, so any rigid grid shows the same patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three

LPS_DIRECTION = np.diag([-1.0, -1.0, 1.0])  # columns: RAS direction of i, j, k


@dataclass(frozen=True, eq=False)
class Grid:
    """A rigid voxel grid: ``shape_kji`` voxels of ``spacing_kji_mm``, placed by ``ijk_to_ras`` (4x4).

    The "frame" of a grid is (k, j, i) index times spacing: millimetres along the array axes, distances as in RAS.
    """

    shape_kji: tuple[int, int, int]
    ijk_to_ras: np.ndarray

    @staticmethod
    def around(
        center_ras_mm: np.ndarray,
        spacing_ijk_mm: tuple[float, float, float],
        shape_ijk: tuple[int, int, int],
        direction: np.ndarray | None = None,
    ) -> Grid:
        """Grid whose middle lies at ``center_ras_mm``; ``direction`` columns are the RAS directions of i, j, k.

        Raises InputError for sizes that are not positive or directions that are not orthonormal.
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

    @property
    def spacing_kji_mm(self) -> np.ndarray:
        """Voxel size along k, j, i in mm."""
        return np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)[::-1]

    @property
    def frame_axes_ras(self) -> np.ndarray:
        """3x3: rows are the RAS unit vectors of the frame's k, j, i."""
        return (self.ijk_to_ras[:3, :3] / np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0))[:, ::-1].T

    def frame_mm(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Frame position (..., 3) of RAS points."""
        return (np.asarray(points_ras_mm, dtype=float) - self.ijk_to_ras[:3, 3]) @ self.frame_axes_ras.T

    def bounds_ras_mm(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest R, A, S of the voxel centres at its corners."""
        last = np.array(self.shape_kji[::-1]) - 1
        corners = np.array(list(np.ndindex(2, 2, 2))) * last
        places = corners @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]
        return places.min(axis=0), places.max(axis=0)

    def box(self, low_frame_mm: np.ndarray, high_frame_mm: np.ndarray) -> tuple[slice, slice, slice]:
        """Slices of the voxels whose centres lie within a box of the frame; empty when it is outside."""
        low = np.clip(np.ceil(low_frame_mm / self.spacing_kji_mm), 0, self.shape_kji).astype(int)
        high = np.clip(np.floor(high_frame_mm / self.spacing_kji_mm) + 1, low, self.shape_kji).astype(int)
        return three(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))

    def part(self, box: tuple[slice, ...], shrink: int = 1) -> Grid:
        """The grid of a box of its voxels, these averaged in cubes of ``shrink``."""
        matrix = self.ijk_to_ras.copy()
        matrix[:3, 3] += matrix[:3, :3] @ (np.array([b.start for b in box][::-1]) + (shrink - 1) / 2)
        matrix[:3, :3] *= shrink
        return Grid(tuple((b.stop - b.start) // shrink for b in box), matrix)

    def open_axes_mm(self, box: tuple[slice, slice, slice]) -> list[np.ndarray]:
        """Frame coordinates of the voxels of a box along k, j, i, shaped to broadcast."""
        axes = [np.arange(s.start, s.stop) * step for s, step in zip(box, self.spacing_kji_mm, strict=True)]
        return list(np.meshgrid(*axes, indexing="ij", sparse=True))


@dataclass(frozen=True, eq=False)
class Lattice:
    """A coarse box of equal steps on which smooth fields (x, y, z) of RAS position are given."""

    low_ras_mm: np.ndarray
    step_mm: float
    shape_xyz: tuple[int, int, int]

    @staticmethod
    def covering(low_ras_mm: np.ndarray, high_ras_mm: np.ndarray, step_mm: float) -> Lattice:
        """The lattice from one corner to at least the other."""
        low = np.asarray(low_ras_mm, dtype=float)
        count = np.ceil((np.asarray(high_ras_mm) - low) / step_mm).astype(int) + 1
        return Lattice(low, step_mm, three(int(n) for n in count))

    def cropped(self, low_ras_mm: np.ndarray, high_ras_mm: np.ndarray) -> Lattice:
        """The part of this lattice (same nodes) that covers a box, never empty."""
        count = np.array(self.shape_xyz)
        first = np.clip(np.floor((low_ras_mm - self.low_ras_mm) / self.step_mm), 0, count - 2).astype(int)
        last = np.clip(np.ceil((high_ras_mm - self.low_ras_mm) / self.step_mm), first + 1, count - 1).astype(int)
        return Lattice(self.low_ras_mm + self.step_mm * first, self.step_mm, three(int(n) for n in last - first + 1))

    def open_axes(self) -> list[np.ndarray]:
        """R, A, S coordinates in mm, shaped to broadcast over (x, y, z), float32."""
        axes = [low + self.step_mm * np.arange(n) for low, n in zip(self.low_ras_mm, self.shape_xyz, strict=True)]
        return [axis.astype(np.float32) for axis in np.meshgrid(*axes, indexing="ij", sparse=True)]

    def sample(self, values: np.ndarray, points_ras_mm: np.ndarray) -> np.ndarray:
        """Linear interpolation of a field at RAS points (..., 3)."""
        places = (np.asarray(points_ras_mm) - self.low_ras_mm) / self.step_mm
        return ndimage.map_coordinates(values, np.moveaxis(places, -1, 0), order=1, mode="nearest")


class FieldSampler:
    """Samples fields of one lattice onto slabs of a grid: separable where axes agree, else point by point."""

    def __init__(self, lattice: Lattice, grid: Grid) -> None:
        self._lattice, self._grid = lattice, grid
        steps = grid.ijk_to_ras[:3, 2::-1]  # columns: RAS step of one voxel along k, j, i
        self._axes = [int(np.argmax(np.abs(steps[:, axis]))) for axis in range(3)]
        tilt = steps.copy()
        tilt[self._axes, range(3)] = 0
        self._aligned = bool(np.abs(tilt).max() < 1e-6 * np.abs(steps).max()) and sorted(self._axes) == [0, 1, 2]
        self._places = [self._along(axis, steps) for axis in range(3)] if self._aligned else []

    def _along(self, axis: int, steps: np.ndarray) -> np.ndarray:
        """Lattice coordinate of each voxel along one array axis."""
        ras = self._axes[axis]
        mm = self._grid.ijk_to_ras[ras, 3] + steps[ras, axis] * np.arange(self._grid.shape_kji[axis])
        return np.clip(
            (mm - self._lattice.low_ras_mm[ras]) / self._lattice.step_mm, 0, self._lattice.shape_xyz[ras] - 1.001
        )

    def slab(self, values: np.ndarray, start: int, stop: int) -> np.ndarray:
        """A field on slices ``start:stop`` of the grid, float32 (k, j, i)."""
        if not self._aligned:
            return self._lattice.sample(values, self._positions(start, stop)).astype(np.float32)
        turned = values.transpose(self._axes)
        for axis, places in enumerate((self._places[0][start:stop], *self._places[1:])):
            turned = _interpolated(turned, axis, places)
        return turned

    def _positions(self, start: int, stop: int) -> np.ndarray:
        """RAS mm of the voxels of a slab, (k, j, i, 3)."""
        shape = (stop - start, *self._grid.shape_kji[1:])
        k, j, i = np.indices(shape, sparse=True)
        matrix = self._grid.ijk_to_ras
        return (
            i[..., None] * matrix[:3, 0]
            + j[..., None] * matrix[:3, 1]
            + (k + start)[..., None] * matrix[:3, 2]
            + matrix[:3, 3]
        )


def _interpolated(values: np.ndarray, axis: int, places: np.ndarray) -> np.ndarray:
    """Linear interpolation along one axis at lattice coordinates."""
    below = places.astype(int)
    weight = (places - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
    low, high = int(below.min()), int(below.max()) + 2
    near = values[tuple(slice(low, high) if a == axis else slice(None) for a in range(3))]
    sampled = np.take(np.diff(near, axis=axis), below - low, axis=axis)
    sampled *= weight
    sampled += np.take(near, below - low, axis=axis)
    return sampled
