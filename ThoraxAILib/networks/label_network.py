"""A small 3-D U-Net that labels every voxel: the whole image fits, so large organs are seen at once.

A stem of stride 2 does the heavy work on an eighth of the voxels and depth-to-space (Shi et al., CVPR 2016) brings the
labels back to full resolution. PyTorch at file scope.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ThoraxAILib.options import Options, option


@dataclass(frozen=True)
class LabelNetworkSettings(Options):
    """Shape of a network and of what it looks at; saved with the weights.

    ``windows_hu`` are (low, high) pairs, one input channel each, mapped to 0..1 and clipped; ``spacing_mm`` is the
    voxel size it was trained at.
    """

    classes: int = option(at_least=1, label="number of classes")
    channels: tuple[int, ...] = option((24, 48, 96, 128), at_least=1)
    spacing_mm: float = option(3.0, unit="mm", more_than=0)
    windows_hu: tuple[tuple[float, float], ...] = option(((-1024.0, 400.0), (-200.0, 300.0)))


class LabelNetwork(nn.Module):
    """HU in, logits of every class out, on the same grid; any size."""

    def __init__(self, settings: LabelNetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        channels = settings.channels
        self.stem = nn.Sequential(_block(len(settings.windows_hu), channels[0], stride=2), _block(channels[0]))
        self.down = nn.ModuleList(nn.Sequential(_block(a, b, stride=2), _block(b)) for a, b in _pairs(channels))
        self.up = nn.ModuleList(_block(a + b, a) for a, b in _pairs(channels))
        self.last = nn.Conv3d(channels[0], settings.classes * 8, 1)

    @property
    def stride(self) -> int:
        """Sizes are padded inside to a multiple of this."""
        return 2 ** len(self.settings.channels)

    def forward(self, hu: Tensor) -> Tensor:
        """(n, 1, k, j, i) HU to logits (n, classes, k, j, i)."""
        size = hu.shape[2:]
        missing = [-n % self.stride for n in size]
        if any(missing):
            hu = functional.pad(hu, [p for n in reversed(missing) for p in (0, n)], mode="replicate")
        logits = to_full_resolution(self.half_resolution(hu), self.settings.classes)
        return logits[:, :, : size[0], : size[1], : size[2]]

    def half_resolution(self, hu: Tensor) -> Tensor:
        """(n, 1, k, j, i) HU of padded size to (n, 8 * classes, k/2, j/2, i/2): eight sub-voxels per class."""
        value = torch.cat([((hu - low) / (high - low)).clamp(0.0, 1.0) for low, high in self.settings.windows_hu], 1)
        value = self.stem(value.contiguous(memory_format=torch.channels_last_3d))
        skips = []
        for level in self.down:
            skips.append(value)
            value = level(value)
        for level, skip in zip(reversed(self.up), reversed(skips), strict=True):
            value = functional.interpolate(value, scale_factor=2.0, mode="nearest")
            value = level(torch.cat([value, skip], 1))
        return self.last(value)


def to_full_resolution(half: Tensor, classes: int) -> Tensor:
    """Depth to space: (n, 8 * classes, k, j, i) to (n, classes, 2k, 2j, 2i)."""
    n, _, k, j, i = half.shape
    parts = half.reshape(n, classes, 2, 2, 2, k, j, i).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return parts.reshape(n, classes, 2 * k, 2 * j, 2 * i)


def to_half_resolution(labels: Tensor) -> Tensor:
    """Space to depth of labels: (n, k, j, i) to (n, 2, 2, 2, k/2, j/2, i/2), as ``LabelNetwork.half_resolution``."""
    n, k, j, i = labels.shape
    return labels.reshape(n, k // 2, 2, j // 2, 2, i // 2, 2).permute(0, 2, 4, 6, 1, 3, 5)


def _block(width_in: int, width_out: int | None = None, stride: int = 1) -> nn.Sequential:
    width = width_in if width_out is None else width_out
    return nn.Sequential(
        nn.Conv3d(width_in, width, 3, stride, 1, bias=False), nn.BatchNorm3d(width), nn.LeakyReLU(0.1, inplace=True)
    )


def _pairs(channels: Sequence[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(channels))
