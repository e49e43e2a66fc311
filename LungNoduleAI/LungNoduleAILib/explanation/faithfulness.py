"""Whether a map of importance tells what the network does: deletion and insertion, and the map of a shuffled network.

Deletion and insertion: Petsiuk et al., BMVC 2018 (RISE). A faithful map makes the confidence fall fast when its most
important voxels go, faster than the same map with its parts in a random order, and rise fast when they come back.
Shuffled weights: Adebayo et al., NeurIPS 2018. A map that stays alike when the network has forgotten everything shows
the image, not the network.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.explanation.detector_patch import DetectorPatch, PatchScore, confidence
from LungNoduleAILib.explanation.occlusion import Blocks, covered

if TYPE_CHECKING:
    from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork

SHARES = tuple(float(s) for s in np.linspace(0.0, 1.0, 11))  # of the region deleted or inserted
RANDOM_ORDERS = 3


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Confidences at SHARES of the region, most important voxels first, and their means beside a random order's."""

    deletion: np.ndarray
    insertion: np.ndarray
    random_deletion: float
    random_insertion: float

    @property
    def deletion_area(self) -> float:
        """Mean confidence while deleting: low is faithful."""
        return area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Mean confidence while inserting: high is faithful."""
        return area(self.insertion)


def area(curve: np.ndarray) -> float:
    """Return the mean of a curve over SHARES, by trapezoids."""
    return float(np.mean((curve[1:] + curve[:-1]) / 2))


def faithfulness(
    patch: DetectorPatch, score: PatchScore, blocks: Blocks, values: np.ndarray, seed: int
) -> Faithfulness:
    """Return the curves of a map given by its blocks' ``values``, beside those of the values in random orders."""
    deletion, insertion = _curves(patch, score, blocks, blocks.spread(values))
    random = np.random.default_rng(seed)
    others = [_curves(patch, score, blocks, blocks.spread(random.permutation(values))) for _ in range(RANDOM_ORDERS)]
    by_chance = [float(np.mean([area(pair[n]) for pair in others])) for n in (0, 1)]
    return Faithfulness(deletion, insertion, by_chance[0], by_chance[1])


def _curves(
    patch: DetectorPatch, score: PatchScore, blocks: Blocks, importance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    inside = np.flatnonzero(blocks.region)
    order = inside[np.argsort(-importance.ravel()[inside], kind="stable")]
    cubes = []
    for first in (True, False):
        for part in SHARES:
            cover = np.zeros(blocks.region.size, np.float32)
            count = round(part * len(order))
            cover[order[:count] if first else order[count:]] = 1.0
            cubes.append(covered(patch.hu, cover.reshape(blocks.region.shape), patch.lung_hu))
    found = confidence(score.log_odds(np.stack(cubes)))
    return found[: len(SHARES)], found[len(SHARES) :]


def shuffled(network: HeatmapNetwork, seed: int) -> HeatmapNetwork:
    """Return a copy of a network with the weights of every layer in a random order."""
    import torch

    other = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in other.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    return other


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two lists of values; 0 when one of them is constant."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other).statistic)
