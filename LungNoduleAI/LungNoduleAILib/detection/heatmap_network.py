"""The learned detector's network: a small U-Net whose answer is a map of nodule centres at half resolution.

Centres as peaks of a heat map with size and offset beside them, after CenterNet (Zhou et al., arXiv 1904.07850). The
stem halves the resolution and skips are added, so that a whole chest takes seconds on a CPU. PyTorch at file scope.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ThoraxAILib.errors import known
from ThoraxAILib.options import Options, option

STRIDE = 2
HEAT, SIZE, SUBSOLID, OFFSET = 0, 1, 2, slice(3, 6)
OUTPUTS = 6
START_BIAS = -4.6  # the heat map starts at 1 %, so that the first steps are not spent on the empty lung


@dataclass(frozen=True)
class HeatmapSettings(Options):
    """Shape of a network and the voxels it looks at (isotropic, mm); saved with the weights.

    ``windows_hu`` are (low, high) pairs, one input channel each, mapped to 0..1 and clipped.
    """

    spacing_mm: float = option(1.0, unit="mm", more_than=0)
    channels: tuple[int, ...] = option((16, 48, 96, 128), at_least=1)
    windows_hu: tuple[tuple[float, float], ...] = option(((-1000.0, 400.0), (-950.0, -350.0)))


class HeatmapNetwork(nn.Module):
    """HU (n, 1, k, j, i) in; logits (n, 6, k/2, j/2, i/2) out: heat, log2 of the radius in cells, subsolid, offset.

    A cell is two voxels wide; the offset (k, j, i, in cells) leads from a cell's centre to the nodule's.
    Sizes must be multiples of ``multiple``.
    """

    def __init__(self, settings: HeatmapSettings) -> None:
        super().__init__()
        self.settings = settings
        widths = settings.channels
        self.stem = nn.Sequential(_block(len(settings.windows_hu), widths[0], 2), _block(widths[0], widths[0]))
        self.down = nn.ModuleList(nn.Sequential(_block(a, b, 2), _block(b, b)) for a, b in itertools.pairwise(widths))
        self.narrow = nn.ModuleList(nn.Conv3d(b, a, 1) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(_block(a, a) for a in widths[:-1])
        self.last = nn.Conv3d(widths[0], OUTPUTS, 1)
        with torch.no_grad():
            bias = known(self.last.bias, "the bias")
            bias.zero_()
            bias[HEAT] = START_BIAS

    @property
    def multiple(self) -> int:
        """What sizes must be multiples of."""
        return 2 ** len(self.settings.channels)

    def forward(self, hu: Tensor) -> Tensor:
        """Logits of a batch; see the class."""
        value = torch.cat([((hu - low) / (high - low)).clamp(0.0, 1.0) for low, high in self.settings.windows_hu], 1)
        value = self.stem(value.contiguous(memory_format=torch.channels_last_3d))
        skips = []
        for level in self.down:
            skips.append(value)
            value = level(value)
        for narrow, level, skip in zip(reversed(self.narrow), reversed(self.up), reversed(skips), strict=True):
            value = level(functional.interpolate(narrow(value), scale_factor=2.0, mode="nearest") + skip)
        return self.last(value)


class Probabilities(nn.Module):
    """A network followed by sigmoids where its answer is a probability, so that tiles can be blended.

    The answer is the mean of those to the image and to its mirror image (right for left).
    """

    def __init__(self, network: HeatmapNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, hu: Tensor) -> Tensor:
        """As the network, heat and subsolid as 0..1."""
        mirrored = self._once(hu.flip(-1)).flip(-1)
        mirrored[:, -1] *= -1  # the offset along the mirrored axis
        return (self._once(hu) + mirrored) / 2

    def _once(self, hu: Tensor) -> Tensor:
        answer = self.network(hu).float()
        return torch.cat([answer[:, :1].sigmoid(), answer[:, 1:2], answer[:, 2:3].sigmoid(), answer[:, 3:]], 1)


def _block(width_in: int, width_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(width_in, width_out, 3, stride, 1, bias=False),
        nn.BatchNorm3d(width_out),
        nn.LeakyReLU(0.1, inplace=True),
    )
