"""What a regularizer is: an energy of a deformation in tissue of known stiffness. PyTorch at file scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Deformation(Protocol):
    """Derivatives of a displacement in physical units at some set of points."""

    def gradient(self) -> Tensor:
        """du_a/dx_b (3, 3, ...) in mm/mm."""

    def hessian(self) -> Tensor:
        """Return the six second derivatives (3, 6, ...) in 1/mm."""


@dataclass(frozen=True)
class Material:
    """Shear and bulk weights at the points of a deformation (or one number for all); relative, without unit."""

    mu: Tensor | float = 1.0
    kappa: Tensor | float = 1.0


class Regularizer(Protocol):
    """A mean energy density, 0 for the identity."""

    @property
    def name(self) -> str:
        """What options and records call it."""

    def energy(self, deformation: Deformation, material: Material) -> Tensor:
        """Scalar tensor, differentiable."""
