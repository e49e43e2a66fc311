"""Diffusion: the mean squared gradient of the displacement (Horn and Schunck 1981; VoxelMorph's ``grad``)."""

from __future__ import annotations

from torch import Tensor

from ThoraxAILib.registration.regularizers.protocol import Deformation, Material


class Diffusion:
    """|grad u|^2 everywhere, whatever the tissue; does not know volume and does not forbid folding."""

    name = "diffusion"

    def energy(self, deformation: Deformation, material: Material) -> Tensor:
        """Mean over points of the sum of squared first derivatives."""
        return (deformation.gradient() ** 2).sum((0, 1)).mean()
