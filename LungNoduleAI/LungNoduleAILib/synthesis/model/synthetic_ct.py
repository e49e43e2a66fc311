"""A synthetic CT with the truth of its nodules and tissues, whichever generator drew it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib.image.volume import Volume

if TYPE_CHECKING:
    from LungNoduleAILib.synthesis.geometry.trees import Tree
    from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule


@dataclass(frozen=True, eq=False)
class SyntheticCT:
    """A synthetic CT with its truth; ``labels`` as in Anatomy (uint8, same grid), ``trees`` the vessels and airways.

    ``structures`` and ``patterns`` (uint8, same grid, as in STRUCTURES and PATTERNS) come with drawn cases only.
    """

    volume: Volume
    labels: np.ndarray
    nodules: tuple[PlantedNodule, ...]
    trees: dict[str, Tree]
    seed: int
    noise_hu: float
    structures: np.ndarray | None = None
    patterns: np.ndarray | None = None

    @property
    def right_lung_ml(self) -> float:
        """Volume of the right lung's labels in mL."""
        return float(((self.labels >= 1) & (self.labels <= 3)).sum() * self.volume.voxel_mm3 / 1000)

    @property
    def left_lung_ml(self) -> float:
        """Volume of the left lung's labels in mL."""
        return float(((self.labels == 4) | (self.labels == 5)).sum() * self.volume.voxel_mm3 / 1000)
