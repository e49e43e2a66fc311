"""Re-identification without registration: embeddings of the nodules of each date, compared by cosine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.followup.matching.evidence import MatchItem
from LungNoduleAILib.followup.matching.lung_frame import LungFrame, points_of
from LungNoduleAILib.followup.matching.siamese_patches import cut_patches, normalized_hu
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.networks.weights_file import load_weights, sha256

if TYPE_CHECKING:
    from LungNoduleAILib.followup.matching.siamese_network import SiameseNetwork

SCHEMA = "thoraxai.siamese/1"
WEIGHTS_FILE = Path(__file__).with_name("siamese.pt")
MAKER = "thoraxai lung train siamese"
BATCH = 16


class Siamese:
    """The trained network, ready to embed; ``fingerprint`` changes with its weights."""

    def __init__(self, path: Path = WEIGHTS_FILE) -> None:
        """Raises InputError when the weights are missing or unfit, MissingDependencyError without PyTorch."""
        self._network = loaded_network(path)
        self.fingerprint = sha256(path)[:12]

    def embed(self, volume: Volume, items: Sequence[MatchItem], frame: LungFrame | None) -> np.ndarray:
        """Embeddings (n, 64) of nodules of a CT in HU; ``frame`` None leaves their place in the lungs out."""
        points = points_of(items)
        return embed_patches(self._network, cut_patches(volume, points), place_values(points, frame))

    def similarity(self, prior: np.ndarray, current: np.ndarray) -> np.ndarray:
        """Cosine (n_prior, n_current), -1 to 1, of embeddings."""
        return prior @ current.T


def place_values(points_ras_mm: np.ndarray, frame: LungFrame | None) -> np.ndarray:
    """What the network is told of places: normalized R, A, S and 1; zeros when it shall not know."""
    points = np.asarray(points_ras_mm, dtype=float).reshape(-1, 3)
    values = np.zeros((len(points), 4), dtype=np.float32)
    if frame is not None:
        values[:, :3] = np.clip(frame.normalized(points), -2.0, 2.0)
        values[:, 3] = 1.0
    return values


def embed_patches(network: SiameseNetwork, patches: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Embeddings (n, 64) of HU cubes (n, 48, 48, 48) with their place values (n, 4), in small batches."""
    import torch

    done = [np.zeros((0, network.settings.length), dtype=np.float32)]
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(patches), BATCH):
            some = slice(start, start + BATCH)
            images = torch.from_numpy(normalized_hu(patches[some]))[:, None]
            done.append(network(images, torch.from_numpy(places[some])).numpy())
    return np.concatenate(done)


@cache
def loaded_network(path: Path = WEIGHTS_FILE) -> SiameseNetwork:
    """The network of a weights file, ready to run; raises as Siamese does."""
    weights = load_weights(path, SCHEMA, MAKER)
    from LungNoduleAILib.followup.matching.siamese_network import SiameseNetwork, SiameseSettings

    network = SiameseNetwork(SiameseSettings.from_dict(weights.settings))
    network.load_state_dict(weights.state)
    return network.eval()
