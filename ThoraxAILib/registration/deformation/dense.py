"""Voxel-wise displacements as tensors: sampling images and finite differences in mm. PyTorch at file scope.

Tensors are (3, k, j, i) with components along k, j, i in mm, as ``Field.along_axes_mm`` gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ThoraxAILib.registration.deformation.spline import SECOND_DERIVATIVES


def voxel_positions(shape_kji: Sequence[int], spacing_kji_mm: Sequence[float]) -> Tensor:
    """Positions (3, k, j, i) of voxel centres in mm from the first one."""
    axes = [
        torch.arange(size, dtype=torch.float32) * float(step)
        for size, step in zip(shape_kji, spacing_kji_mm, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def sample(
    image: Tensor, positions_mm: Tensor, spacing_kji_mm: Sequence[float] | np.ndarray, mode: str = "bilinear"
) -> Tensor:
    """Values (C, ...) of an image (C, k, j, i) at positions (3, k', j', i') in mm; the border value outside."""
    normalized = [
        2.0 * positions_mm[axis] / (float(spacing_kji_mm[axis]) * max(image.shape[1 + axis] - 1, 1)) - 1.0
        for axis in (2, 1, 0)
    ]
    grid = torch.stack(normalized, -1)[None]
    return functional.grid_sample(image[None], grid, mode=mode, padding_mode="border", align_corners=True)[0]


def warp(image: Tensor, displacement_mm: Tensor, spacing_kji_mm: Sequence[float]) -> Tensor:
    """Image (C, k, j, i) pulled back through a displacement on the same grid."""
    positions = voxel_positions(displacement_mm.shape[1:], spacing_kji_mm) + displacement_mm
    return sample(image, positions, spacing_kji_mm)


@dataclass(frozen=True)
class DenseDeformation:
    """A voxel-wise displacement as regularizers see it: one-sided differences at both ends of every cell.

    One-sided differences see the checkerboard that central ones miss. An axis of one voxel has no derivative.
    """

    displacement_mm: Tensor
    spacing_kji_mm: tuple[float, float, float]

    def gradient(self) -> Tensor:
        """du_a/dx_b (3, 3, 2, ...) in mm/mm at the lower and the upper corner of every cell."""
        corners = []
        for upper in (0, 1):
            columns = [self._difference(axis, upper) for axis in range(3)]
            corners.append(torch.stack(columns, 1))
        return torch.stack(corners, 2)

    def _difference(self, axis: int, upper: int) -> Tensor:
        u = self.displacement_mm
        if u.shape[1 + axis] > 1:
            u = u.diff(dim=1 + axis) / float(self.spacing_kji_mm[axis])
        else:
            u = torch.zeros_like(u)
        for other in range(3):
            if other != axis and u.shape[1 + other] > 1:
                u = u.narrow(1 + other, upper, u.shape[1 + other] - 1)
        return u

    def hessian(self) -> Tensor:
        """Second derivatives (3, 6, ...) in 1/mm at the inner voxels."""

        def central(u: Tensor, axis: int) -> Tensor:
            if u.shape[1 + axis] < 3:
                return torch.zeros_like(u)
            return torch.gradient(u, spacing=float(self.spacing_kji_mm[axis]), dim=1 + axis)[0]

        first = [central(self.displacement_mm, axis) for axis in range(3)]
        return torch.stack([central(first[a], b) for a, b in SECOND_DERIVATIVES], 1)
