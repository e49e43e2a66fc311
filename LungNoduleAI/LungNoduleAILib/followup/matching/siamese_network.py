"""The weight-shared network: a close look, a wide look and the place in the lungs become 64 numbers of length one.

After Rafael-Palou et al., Med. Image Anal. 67:101823 (2021), who re-identify nodules with a 3-D Siamese network without
registration; ours compares embeddings (InfoNCE, van den Oord et al. 2018) instead of classifying pairs. PyTorch at file
scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from LungNoduleAILib.followup.matching.siamese_patches import FINE_VOXELS, PATCH_VOXELS
from ThoraxAILib.options import Options, option


@dataclass(frozen=True)
class SiameseSettings(Options):
    """Channels of the two looks and the length of the embedding."""

    channels: tuple[int, ...] = option((12, 24, 48, 64), at_least=1)
    place: int = option(32, at_least=1)
    hidden: int = option(128, at_least=1)
    length: int = option(64, at_least=1)


class SiameseNetwork(nn.Module):
    """One branch; both dates go through the same weights."""

    def __init__(self, settings: SiameseSettings) -> None:
        super().__init__()
        self.settings = settings
        self.close, self.wide = _look(settings.channels), _look(settings.channels)
        self.place = nn.Sequential(nn.Linear(4, settings.place), nn.ReLU(), nn.Linear(settings.place, settings.place))
        seen = 2 * 8 * settings.channels[-1] + settings.place
        self.join = nn.Sequential(
            nn.Linear(seen, settings.hidden), nn.ReLU(), nn.Linear(settings.hidden, settings.length)
        )
        self.sharpness = nn.Parameter(torch.tensor(2.3))

    def forward(self, patches: Tensor, places: Tensor) -> Tensor:
        """Embeddings (n, 64) of patches (n, 1, 48, 48, 48) and places (n, 4): normalized R, A, S and 1 if known."""
        rim = (PATCH_VOXELS - FINE_VOXELS) // 2
        close = self.close(patches[:, :, rim:-rim, rim:-rim, rim:-rim])
        wide = self.wide(functional.avg_pool3d(patches, 2))
        seen = torch.cat([close, wide, self.place(places * places[:, 3:])], dim=1)
        return functional.normalize(self.join(seen), dim=1)

    def likeness(self, prior: Tensor, current: Tensor) -> Tensor:
        """Scaled cosine (n, m) of embeddings, as the loss compares them."""
        return prior @ current.T * self.sharpness.exp().clamp(max=60.0)


def info_nce(likeness: Tensor, prior_index: Sequence[int], current_index: Sequence[int]) -> Tensor:
    """Mean cross entropy of the true partner among all places of the other date, in both directions."""
    rows, columns = torch.as_tensor(prior_index), torch.as_tensor(current_index)
    return 0.5 * (
        functional.cross_entropy(likeness[rows], columns) + functional.cross_entropy(likeness.T[columns], rows)
    )


def _look(channels: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(zip((1, *channels), channels, strict=False)):
        layers += [
            nn.Conv3d(before, after, 3, stride=1 if number == 0 else 2, padding=1, bias=False),
            nn.GroupNorm(after // 6 if after % 6 == 0 else 4, after),
            nn.LeakyReLU(0.1),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(2), nn.Flatten())
