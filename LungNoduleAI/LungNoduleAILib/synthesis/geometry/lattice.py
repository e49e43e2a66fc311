"""Smooth fields of RAS position on a coarse lattice, and how they are sampled onto the voxels of a grid.

A lattice is no Grid: it is laid out along R, A, S whatever way an image turns, its arrays are (x, y, z), and it carries
functions of position that are computed before anybody knows on which grid the patient will be shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three


@dataclass(frozen=True, eq=False)
class Lattice:
    """A coarse box of equal steps on which smooth fields (x, y, z) of RAS position are given."""

    low_ras_mm: np.ndarray
    step_mm: float
    shape_xyz: tuple[int, int, int]

    @staticmethod
    def covering(low_ras_mm: np.ndarray, high_ras_mm: np.ndarray, step_mm: float) -> Lattice:
        """Return the lattice from one corner to at least the other."""
        low = np.asarray(low_ras_mm, dtype=float)
        count = np.ceil((np.asarray(high_ras_mm) - low) / step_mm).astype(int) + 1
        return Lattice(low, step_mm, three(int(n) for n in count))

    def cropped(self, low_ras_mm: np.ndarray, high_ras_mm: np.ndarray) -> Lattice:
        """Return the part of this lattice (same nodes) that covers a box, never empty."""
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
        """Return a field on slices ``start:stop`` of the grid, float32 (k, j, i)."""
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
