"""Bending energy of a thin plate: the mean squared second derivatives (Rueckert et al., TMI 18:712, 1999, eq. 7)."""

from __future__ import annotations

from torch import Tensor

from ThoraxAILib.registration.deformation.spline import SECOND_DERIVATIVES
from ThoraxAILib.registration.regularizers.protocol import Deformation, Material

UNIT_MM2 = 100.0  # second derivatives are per cm^2 here, so that weights compare with those of first derivatives


class Bending:
    """Penalizes curvature of the displacement; affine motion is free."""

    name = "bending"

    def energy(self, deformation: Deformation, material: Material) -> Tensor:
        """Mean over points; mixed derivatives count twice."""
        squared = (deformation.hessian() ** 2).sum(0)
        weights = squared.new_tensor([1.0 if a == b else 2.0 for a, b in SECOND_DERIVATIVES])
        return UNIT_MM2 * (squared.flatten(1).mean(1) * weights).sum()
