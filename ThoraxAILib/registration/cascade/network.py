"""The cascade of U-Nets. PyTorch at file scope.

u_n = u_(n-1) + f_n(I_moving o (id + u_(n-1)), I_fixed): the moving image is always warped once with the field so far,
never resampled repeatedly (arXiv 2307.03579). With ``composition = "compose"``: u_n = f_n + u_(n-1) o (id + f_n).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ThoraxAILib.registration.cascade.settings import CascadeSettings
from ThoraxAILib.registration.deformation.dense import warp


class FieldNetwork(nn.Module):
    """A small U-Net that halves rows and columns but never slices; its last layer starts near zero."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Conv3d(2, channels[0], 3, padding=1)
        pairs = list(zip(channels, (*channels[1:], channels[-1]), strict=True))
        self.down = nn.ModuleList(nn.Conv3d(a, b, 3, stride=(1, 2, 2), padding=1) for a, b in pairs)
        upper = [channels[-1]]
        self.up = nn.ModuleList()
        for skip in reversed(channels):
            self.up.append(nn.Conv3d(upper[-1] + skip, skip, 3, padding=1))
            upper.append(skip)
        self.last = nn.Conv3d(channels[0], 3, 3, padding=1)
        nn.init.normal_(self.last.weight, std=1e-5)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    def forward(self, images: Tensor) -> Tensor:
        """(1, 2, k, j, i) to (1, 3, k, j, i); any size, padded inside to a multiple of the total stride."""
        rows, columns = images.shape[-2:]
        stride = 2 ** len(self.down)
        value = (
            functional.pad(images, (0, -columns % stride, 0, -rows % stride, 0, 0), mode="replicate")
            if columns % stride or rows % stride
            else images
        )
        value = functional.leaky_relu(self.first(value), 0.2)
        skips = []
        for layer in self.down:
            skips.append(value)
            value = functional.leaky_relu(layer(value), 0.2)
        for layer, skip in zip(self.up, reversed(skips), strict=True):
            value = functional.interpolate(value, scale_factor=(1.0, 2.0, 2.0), mode="nearest")
            value = functional.leaky_relu(layer(torch.cat([value, skip], 1)), 0.2)
        return self.last(value)[..., :rows, :columns]


class Cascade(nn.Module):
    """Networks from coarse to fine; ``forward`` gives the total displacement and the increments, in mm along axes."""

    def __init__(self, settings: CascadeSettings) -> None:
        super().__init__()
        self.settings = settings
        self.networks = nn.ModuleList(FieldNetwork(settings.channels) for _ in settings.factors)

    def forward(self, fixed: Tensor, moving: Tensor, spacing_kji_mm: Sequence[float]) -> tuple[Tensor, list[Tensor]]:
        """Images (1, k, j, i) of mean 0 and variance 1; returns (3, k, j, i) in mm and one increment per network."""
        total = fixed.new_zeros(3, *fixed.shape[1:])
        increments: list[Tensor] = []
        for factor, network in zip(self.settings.factors, self.networks, strict=True):
            warped = moving if not increments else warp(moving, total, spacing_kji_mm)
            increment = self._increment(network, torch.cat([fixed, warped]), factor)
            if self.settings.composition == "sum":
                total = total + increment
            else:
                total = increment + warp(total, increment, spacing_kji_mm)
            increments.append(increment)
        return total, increments

    def _increment(self, network: nn.Module, images: Tensor, factor: int) -> Tensor:
        size = images.shape[1:]
        if factor > 1:
            images = functional.avg_pool3d(images[None], (1, factor, factor), ceil_mode=True, count_include_pad=False)[
                0
            ]
        field = self.settings.output_mm * network(images[None])
        if factor > 1:
            full = (field.shape[2], field.shape[3] * factor, field.shape[4] * factor)
            field = functional.interpolate(field, size=full, mode="trilinear", align_corners=False)
        return field[0, :, : size[0], : size[1], : size[2]]
