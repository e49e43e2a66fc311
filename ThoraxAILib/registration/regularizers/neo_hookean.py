"""Neo-Hookean elasticity: tissue resists change of shape (mu) and of volume (kappa), and cannot fold."""

from __future__ import annotations

import torch
from torch import Tensor

from ThoraxAILib.registration.deformation.elasticity import determinant, fold_barrier, neo_hookean
from ThoraxAILib.registration.regularizers.protocol import Deformation, Material


class NeoHookean:
    """mu/2 (I1 J^(-2/3) - 3) + kappa/2 (J - 1)^2 with a barrier against J -> 0, as in ``elasticity``."""

    name = "neo-hookean"

    def energy(self, deformation: Deformation, material: Material) -> Tensor:
        """Mean energy density over points, plus the barrier everywhere (blood and background included)."""
        F = deformation.gradient()
        identity = torch.eye(3, dtype=F.dtype, device=F.device).reshape(3, 3, *[1] * (F.ndim - 2))
        F = F + identity
        density = neo_hookean(F, material.mu, material.kappa)
        return density.mean() + fold_barrier(determinant(F)).mean()
