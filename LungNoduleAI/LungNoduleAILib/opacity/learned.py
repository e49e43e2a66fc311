"""The learned finder of opacities: a 3 mm network parts mass, airless lung, fluid and pleural air; needs PyTorch.

The network sees the CT alone, so that lungs which were outlined wrongly do not mislead it. It was taught by synthetic
chests with disease. What only the rules find is kept unless the network sees next to no disease there: what neither
tells is not told.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungNoduleAILib.anatomy.learned.prediction import Prediction, load_network, network_input
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.opacity.classes import CLASS_WEIGHTS, CLASSES, MAKER, SCHEMA, WEIGHTS
from LungNoduleAILib.opacity.coarse_chest import CoarseChest
from LungNoduleAILib.opacity.find import opacities_by_rules
from LungNoduleAILib.opacity.network_pieces import pieces_of_network, rest_of_rules
from LungNoduleAILib.opacity.opacity import Opacity, largest_first
from LungNoduleAILib.opacity.protocol import OPACITY_FINDER
from ThoraxAILib.engines.engine import learned_engine, weights_fingerprint
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.networks.device import NetworkDevice

TILE, OVERLAP = 192, 48


class LearnedOpacities:
    """The opacity network on one device; ``fingerprint`` changes with its weights."""

    name = "learned"

    def __init__(self, device: str = "cpu", weights: Path = WEIGHTS) -> None:
        """Raise MissingDependencyError without PyTorch."""
        from ThoraxAILib.networks.weights_file import require_torch

        require_torch("The learned finder of opacities")
        self._device, self._weights = NetworkDevice(device), weights
        self.fingerprint = weights_fingerprint(weights)

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self._device.used

    def find(self, volume: Volume, anatomy: Anatomy) -> tuple[Opacity, ...]:
        """Return the opacities of a CT; see OpacityFinder."""
        if not anatomy.has_lungs():
            return ()
        chest = CoarseChest.of(volume, anatomy)
        chances = class_chances(chest, self._device, self._weights)
        pieces = pieces_of_network(chest, chances)
        return largest_first([*pieces, *rest_of_rules(chest, opacities_by_rules(chest), pieces, chances)])


def class_chances(chest: CoarseChest, device: str | NetworkDevice, weights: Path = WEIGHTS) -> np.ndarray:
    """Return the chance of every class of CLASSES (float32, class first) on the grid of the chest."""
    from ThoraxAILib.networks.tiles import Tiles, run_tiled

    network = load_network(weights, SCHEMA, MAKER, len(CLASSES))
    spacing_mm = network.settings.spacing_mm
    seen = network_input(chest.work, spacing_mm)
    logits = run_tiled(network, seen, Tiles((TILE,) * 3, OVERLAP, network.stride), device)
    chance = np.exp(logits - logits.max(axis=0))
    # training counted diseased voxels more often than they are: without this, disease would swell into what is around
    chance /= np.array(CLASS_WEIGHTS, np.float32)[:, None, None, None]
    chance /= chance.sum(axis=0)
    prediction = Prediction(chance, spacing_mm, chest.work)
    return np.stack([prediction.on_work(one) for one in chance])


ENGINE = learned_engine(
    OPACITY_FINDER,
    LearnedOpacities.name,
    "a network trained on synthetic chests with disease parts mass, airless lung, fluid and air; needs PyTorch",
    WEIGHTS,
    LearnedOpacities,
)
