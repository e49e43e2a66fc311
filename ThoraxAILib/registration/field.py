"""The one displacement field of the suite: millimetres, on a stated grid, in the pull-back convention.

``u`` is defined at the voxel centres of the FIXED image: the tissue seen at x in the fixed image lies at x + u(x)
in the moving image. Warping the moving image with u therefore makes it look like the fixed one. With end-diastole
as the fixed image, I + grad u is the Lagrangian deformation gradient from end-diastole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume

CONVENTION = "u is defined on the fixed grid in RAS mm; the moving image is sampled at x + u(x) (pull-back)"


@dataclass(frozen=True, eq=False)
class Field:
    """Displacements ``displacement_ras_mm`` (k, j, i, 3) at the voxel centres of ``grid``."""

    displacement_ras_mm: np.ndarray
    grid: Grid

    def __post_init__(self) -> None:
        if self.displacement_ras_mm.shape != (*self.grid.shape_kji, 3):
            raise ValueError(f"a field of shape {self.displacement_ras_mm.shape} does not fit {self.grid.shape_kji}")

    @staticmethod
    def zero(grid: Grid) -> Field:
        """Return the field that moves nothing."""
        return Field(np.zeros((*grid.shape_kji, 3), dtype=np.float32), grid)

    @staticmethod
    def from_axes(components_mm: np.ndarray, grid: Grid) -> Field:
        """Return a field from its components along the array axes k, j, i, shape (3, k, j, i), in mm."""
        ras = np.moveaxis(components_mm, 0, -1) @ grid.axes_ras.T
        return Field(np.ascontiguousarray(ras, dtype=np.float32), grid)

    def along_axes_mm(self) -> np.ndarray:
        """Components along the array axes k, j, i, shape (3, k, j, i), in mm."""
        components = self.displacement_ras_mm @ np.linalg.inv(self.grid.axes_ras).T
        return np.ascontiguousarray(np.moveaxis(components, -1, 0))

    def targets_ras_mm(self) -> np.ndarray:
        """x + u(x) of every voxel centre, (k, j, i, 3) RAS mm."""
        return self.grid.centers_ras_mm() + self.displacement_ras_mm

    def at(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Displacements (..., 3) in RAS mm at any points, linear between voxels, constant outside the grid."""
        points = np.asarray(points_ras_mm, dtype=float)
        index = self.grid.kji_from_ras(points.reshape(-1, 3)).T
        moved = [
            map_coordinates(self.displacement_ras_mm[..., axis], index, order=1, mode="nearest", output=np.float64)
            for axis in range(3)
        ]
        return np.stack(moved, -1).reshape(points.shape)


def warp_image(moving: Volume, field: Field, order: int = 1) -> Volume:
    """Return the moving image as the fixed one sees it, on the field's grid; ``order`` of the spline (1 linear, 3
    cubic).
    """
    index = np.moveaxis(moving.kji_from_ras(field.targets_ras_mm()), -1, 0)
    values = map_coordinates(moving.array.astype(np.float32), index, order=order, mode="nearest")
    return field.grid.volume(values, moving.modality)


def warp_labels(labels: Volume, field: Field) -> Volume:
    """Labels carried by a field, by the distance to each label's border, sampled linearly; the deepest label wins.

    Shape-based interpolation (Raya and Udupa, IEEE TMI 9:32, 1990): between thick slices outlines blend instead of
    overlapping. Never invents a label; label values and their type are kept.
    """
    index = np.moveaxis(labels.kji_from_ras(field.targets_ras_mm()), -1, 0)
    values = np.unique(labels.array)
    deepest = np.full(field.grid.shape_kji, -np.inf, dtype=np.float32)
    warped = np.full(field.grid.shape_kji, values[0], dtype=labels.array.dtype)
    for value in values if len(values) > 1 else ():
        inside = labels.array == value
        depth_mm = distance_transform_edt(inside, sampling=labels.spacing_kji_mm) - distance_transform_edt(
            ~inside, sampling=labels.spacing_kji_mm
        )
        depth_mm = map_coordinates(depth_mm.astype(np.float32), index, order=1, mode="nearest")
        wins = depth_mm > deepest
        warped[wins], deepest[wins] = value, depth_mm[wins]
    return field.grid.volume(warped, labels.modality)


def compose(first: Field, second: Field) -> Field:
    """Return field that goes through ``first`` and then ``second``: u(x) = u1(x) + u2(x + u1(x)), on first's grid."""
    total = first.displacement_ras_mm + second.at(first.targets_ras_mm())
    return Field(total.astype(np.float32), first.grid)


def add(fields: list[Field]) -> Field:
    """Return the plain sum of fields on one grid, as cascades sum their increments."""
    return Field(np.sum([field.displacement_ras_mm for field in fields], axis=0), fields[0].grid)


def invert(field: Field, iterations: int = 60, tolerance_mm: float = 1e-3) -> Field:
    """Return the field v on the same grid with u(x + v(x)) + v(x) = 0, by damped fixed-point iteration.

    Chen et al., Med. Phys. 35:81 (2008). Stops when the largest change is below ``tolerance_mm``.
    """
    centers = field.grid.centers_ras_mm()
    inverse = -field.displacement_ras_mm.astype(float)
    for step in range(iterations):
        residual = inverse + field.at(centers + inverse)
        inverse -= residual if step < 4 else 0.7 * residual
        if np.abs(residual).max() < tolerance_mm:
            break
    return Field(inverse.astype(np.float32), field.grid)
