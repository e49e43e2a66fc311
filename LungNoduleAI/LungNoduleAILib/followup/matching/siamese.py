"""Re-identification without registration: embeddings of the nodules of each date, compared by cosine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.followup.matching.evidence import MatchItem
from LungNoduleAILib.followup.matching.lung_frame import LungFrame, points_of
from LungNoduleAILib.followup.matching.protocol import REIDENTIFIER, DatedNodules
from LungNoduleAILib.followup.matching.siamese_patches import cut_patches, normalized_hu
from ThoraxAILib.engines.engine import learned_engine, weights_fingerprint
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.networks.device import NetworkDevice
from ThoraxAILib.networks.file_cache import cached_by_file
from ThoraxAILib.networks.weights_file import load_weights

if TYPE_CHECKING:
    from LungNoduleAILib.followup.matching.siamese_network import SiameseNetwork
    from ThoraxAILib.networks.whole_inputs import WholeInputs

SCHEMA = "thoraxai.siamese/1"
WEIGHTS_FILE = Path(__file__).with_name("siamese.pt")
MAKER = "thoraxai lung train siamese"
BATCH = 16


class Siamese:
    """The trained network, ready to embed; ``fingerprint`` changes with its weights."""

    name = "siamese"

    def __init__(self, device: str = "cpu", path: Path = WEIGHTS_FILE) -> None:
        """Raise InputError when the weights are missing or unfit, MissingDependencyError without PyTorch."""
        network = loaded_network(path)
        from ThoraxAILib.networks.whole_inputs import WholeInputs

        self._device = NetworkDevice(device)
        self._network, self._length = WholeInputs(network, self._device), network.settings.length
        self.fingerprint = weights_fingerprint(path)

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self._device.used

    def likeness(self, prior: DatedNodules, current: DatedNodules) -> np.ndarray:
        """Cosine (n_prior, n_current) between the embeddings of all pairs; see Reidentifier."""
        before, after = (self.embed(date.volume, date.items, date.frame) for date in (prior, current))
        return self.similarity(before, after)

    def embed(self, volume: Volume, items: Sequence[MatchItem], frame: LungFrame | None) -> np.ndarray:
        """Embeddings (n, 64) of nodules of a CT in HU; ``frame`` None leaves their place in the lungs out."""
        points = points_of(items)
        patches, places = cut_patches(volume, points), place_values(points, frame)
        return _embedded(self._network, self._length, patches, places)

    def similarity(self, prior: np.ndarray, current: np.ndarray) -> np.ndarray:
        """Cosine (n_prior, n_current), -1 to 1, of embeddings."""
        return prior @ current.T


def place_values(points_ras_mm: np.ndarray, frame: LungFrame | None) -> np.ndarray:
    """Return what the network is told of places: normalized R, A, S and 1; zeros when it shall not know."""
    points = np.asarray(points_ras_mm, dtype=float).reshape(-1, 3)
    values = np.zeros((len(points), 4), dtype=np.float32)
    if frame is not None:
        values[:, :3] = np.clip(frame.normalized(points), -2.0, 2.0)
        values[:, 3] = 1.0
    return values


def embed_patches(network: SiameseNetwork, patches: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Embeddings (n, 64) of HU cubes (n, 48, 48, 48) with their place values (n, 4), in small batches."""
    from ThoraxAILib.networks.whole_inputs import WholeInputs

    return _embedded(WholeInputs(network), network.settings.length, patches, places)


def _embedded(network: WholeInputs, length: int, patches: np.ndarray, places: np.ndarray) -> np.ndarray:
    done = [np.zeros((0, length), dtype=np.float32)]
    for start in range(0, len(patches), BATCH):
        some = slice(start, start + BATCH)
        done.append(network.answer(normalized_hu(patches[some])[:, None], places[some]))
    return np.concatenate(done)


def loaded_network(path: Path = WEIGHTS_FILE) -> SiameseNetwork:
    """Return the network of a weights file, kept while the file stays as it is; raises as Siamese does."""
    return _network_of(path)


@cached_by_file
def _network_of(path: Path) -> SiameseNetwork:
    weights = load_weights(path, SCHEMA, MAKER)
    from LungNoduleAILib.followup.matching.siamese_network import SiameseNetwork, SiameseSettings

    network = SiameseNetwork(SiameseSettings.from_dict(weights.settings))
    network.load_state_dict(weights.state)
    return network.eval()


ENGINE = learned_engine(
    REIDENTIFIER,
    Siamese.name,
    "a network that knows a nodule again by its look and place; needs PyTorch",
    WEIGHTS_FILE,
    Siamese,
)
