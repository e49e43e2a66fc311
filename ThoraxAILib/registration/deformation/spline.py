"""Cubic B-spline displacements on a control lattice in mm, with exact derivatives (Rueckert et al., TMI 18:712, 1999).

The lattice is separable, so values and derivatives at any rectilinear set of points are three matrix products.
Axes are k, j, i; positions are mm from the first voxel centre. PyTorch is imported at file scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from ThoraxAILib.image.tuples import three

SECOND_DERIVATIVES = tuple(combinations_with_replacement(range(3), 2))


def _cubic(t: np.ndarray, order: int) -> np.ndarray:
    """Centered cubic B-spline of unit knot distance, or its first or second derivative."""
    a = np.abs(t)
    near, far = a < 1, (a >= 1) & (a < 2)
    if order == 0:
        return np.where(near, 2 / 3 - a**2 + a**3 / 2, np.where(far, (2 - a) ** 3 / 6, 0.0))
    if order == 1:
        return np.sign(t) * np.where(near, -2 * a + 1.5 * a**2, np.where(far, -((2 - a) ** 2) / 2, 0.0))
    return np.where(near, 3 * a - 2, np.where(far, 2 - a, 0.0))


@dataclass(frozen=True)
class SplineLattice:
    """Control points every ``spacing_mm`` over an extent, with one knot of margin on both sides."""

    extent_mm: tuple[float, float, float]
    spacing_mm: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of control points along k, j, i."""
        return three(
            int(np.ceil(size / step - 1e-9)) + 3 for size, step in zip(self.extent_mm, self.spacing_mm, strict=True)
        )

    def basis(self, points_mm: np.ndarray, axis: int, order: int = 0) -> Tensor:
        """Matrix (points, controls) of the ``order``-th derivative of the basis along one axis, per mm^order."""
        step = self.spacing_mm[axis]
        knots = np.arange(self.shape[axis]) - 1
        values = _cubic(np.asarray(points_mm)[:, None] / step - knots[None], order) / step**order
        return torch.from_numpy(values.astype(np.float32))

    def zeros(self) -> Tensor:
        """Coefficients (3, *shape) of the field that moves nothing."""
        return torch.zeros(3, *self.shape)

    def refit(self, coefficients: Tensor, finer: SplineLattice) -> Tensor:
        """Coefficients on ``finer`` of the same displacement, by least squares at the finer knots."""
        matrices = []
        for axis in range(3):
            points = np.linspace(0, max(finer.extent_mm[axis], 1e-6), 4 * finer.shape[axis])
            new, old = finer.basis(points, axis).double(), self.basis(points, axis).double()
            matrices.append((torch.linalg.pinv(new) @ old).float())
        return apply_separable(coefficients, matrices)


def apply_separable(coefficients: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Multiply the axes k, j, i of (C, k, j, i) by one matrix (new, old) each."""
    result = torch.matmul(coefficients, matrices[2].T)
    result = torch.matmul(matrices[1], result)
    return torch.einsum("zk,ckji->czji", matrices[0], result)


class SplineSampler:
    """Values and derivatives of a lattice's displacement at the points of a rectilinear grid."""

    def __init__(self, lattice: SplineLattice, axes_mm: Sequence[np.ndarray]) -> None:
        self.axes_mm = [np.asarray(points, dtype=float) for points in axes_mm]
        self._bases = [
            [lattice.basis(points, axis, order) for order in range(3)] for axis, points in enumerate(self.axes_mm)
        ]

    def points_mm(self) -> Tensor:
        """Positions (3, k, j, i) of the points in mm."""
        axes = [torch.from_numpy(points.astype(np.float32)) for points in self.axes_mm]
        return torch.stack(torch.meshgrid(*axes, indexing="ij"))

    def values(self, coefficients: Tensor) -> Tensor:
        """u (3, k, j, i) in mm."""
        return self._derivative(coefficients, (0, 0, 0))

    def gradient(self, coefficients: Tensor) -> Tensor:
        """du_a/dx_b (3, 3, k, j, i) in mm/mm."""
        orders = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
        return torch.stack([self._derivative(coefficients, order) for order in orders], 1)

    def hessian(self, coefficients: Tensor) -> Tensor:
        """Return the six second derivatives (3, 6, k, j, i) in 1/mm, in the order of ``SECOND_DERIVATIVES``."""
        orders = [tuple(int(a == axis) + int(b == axis) for axis in range(3)) for a, b in SECOND_DERIVATIVES]
        return torch.stack([self._derivative(coefficients, order) for order in orders], 1)

    def _derivative(self, coefficients: Tensor, orders: Sequence[int]) -> Tensor:
        return apply_separable(coefficients, [self._bases[axis][order] for axis, order in enumerate(orders)])


@dataclass(frozen=True)
class SplineDeformation:
    """A displacement as regularizers see it: exact derivatives at the sampler's points."""

    sampler: SplineSampler
    coefficients: Tensor

    def gradient(self) -> Tensor:
        """du_a/dx_b (3, 3, ...) in mm/mm."""
        return self.sampler.gradient(self.coefficients)

    def hessian(self) -> Tensor:
        """Second derivatives (3, 6, ...) in 1/mm."""
        return self.sampler.hessian(self.coefficients)
