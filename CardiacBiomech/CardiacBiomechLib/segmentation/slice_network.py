"""A small 2-D U-Net that labels a short-axis slice while it sees the slices beside it.

A stem of stride 2 and depth-to-space at the end (Shi et al., CVPR 2016) keep it fast on a processor; group
normalization (Wu and He, ECCV 2018) makes it independent of the contrast of other images. PyTorch at file scope.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ThoraxAILib.options import Options, option

GROUPS = 8


@dataclass(frozen=True)
class SliceNetworkSettings(Options):
    """Shape of a network and of what it looks at; saved with the weights.

    ``slices`` neighbors in a row are its input channels, intensities 0..1; it labels the middle one.
    """

    classes: int = option(5, at_least=2, label="number of classes")
    slices: int = option(3, at_least=1, label="number of slices")
    channels: tuple[int, ...] = option((24, 48, 72, 96, 128), at_least=GROUPS)
    pixel_mm: float = option(2.0, unit="mm", more_than=0)


class SliceNetwork(nn.Module):
    """(n, slices, j, i) in, logits (n, classes, j, i) out; any size."""

    def __init__(self, settings: SliceNetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        channels = settings.channels
        self.stem = nn.Sequential(_block(settings.slices, channels[0], 2), _block(channels[0], channels[0]))
        pairs = list(itertools.pairwise(channels))
        self.down = nn.ModuleList(nn.Sequential(_block(a, b, 2), _block(b, b)) for a, b in pairs)
        self.up = nn.ModuleList(_block(a + b, a) for a, b in pairs)
        self.last = nn.Conv2d(channels[0], settings.classes * 4, 1)

    @property
    def stride(self) -> int:
        """Sizes are padded inside to a multiple of this."""
        return int(2 ** len(self.settings.channels))

    def forward(self, slices: Tensor) -> Tensor:
        """Return the logits of the middle slices."""
        height, width = slices.shape[-2:]
        padded = functional.pad(slices, (0, -width % self.stride, 0, -height % self.stride))
        features = self.stem(padded)
        kept = []
        for step in self.down:
            kept.append(features)
            features = step(features)
        for step in reversed(list(self.up)):
            larger = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = step(torch.cat([kept.pop(), larger], 1))
        logits = functional.pixel_shuffle(self.last(features), 2)
        return logits[..., :height, :width]


def _block(before: int, after: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1, bias=False),
        nn.GroupNorm(GROUPS, after),
        nn.LeakyReLU(0.01, inplace=True),
    )
