"""Anatomy as in the report's pipeline: MONAI's SegResNet for 104 structures, before and after as its bundle.

Source: Project-MONAI/model-zoo, models/wholeBody_ct_segmentation/configs/inference.json and metadata.json (v0.2).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.anatomy.protocol import ANATOMY_SEGMENTER
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.published.memory import within_memory
from LungNoduleAILib.published.monai_detector import missing_packages
from LungNoduleAILib.published.named_anatomy import anatomy_of
from LungNoduleAILib.published.structures import NAMES_104
from ThoraxAILib.engines.engine import FINGERPRINT_DIGITS, Engine, weights_fingerprint
from ThoraxAILib.errors import MissingDependencyError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice
from ThoraxAILib.networks.published.catalog import find_published
from ThoraxAILib.networks.published.files import file_of, missing_words

if TYPE_CHECKING:
    from torch import Tensor

MODEL = find_published("wholeBody_ct_segmentation")
FINE, COARSE = "monai-wholebody", "monai-wholebody-3mm"
FILES = {FINE: "models/model.pt", COARSE: "models/model_lowres.pt"}
SPACINGS_MM = {FINE: (1.5, 1.5, 1.5), COARSE: (3.0, 3.0, 3.0)}
TILE, TILE_OVERLAP = (96, 96, 96), 0.25
LOBES_HOW = "a published network (MONAI, 104 structures) places them"


class MonaiWholeBody:
    """MONAI's whole-body segmentation behind the protocol of anatomy segmenters; needs PyTorch and MONAI."""

    def __init__(self, device: str = "cpu", name: str = FINE, weights: Path | None = None) -> None:
        """Read the weights; raises InputError for a foreign file, MissingDependencyError without the packages."""
        lacks = missing_packages()
        if lacks:
            raise MissingDependencyError(f"The anatomy segmenter {name} cannot run here, because {lacks}.")
        from LungNoduleAILib.published.segresnet import load_network
        from ThoraxAILib.networks.weights_file import sha256

        path = weights or file_of(MODEL, FILES[name])
        self.name = name
        self._network = load_network(path)
        self._device = NetworkDevice(device)
        self.fingerprint = sha256(path)[:FINGERPRINT_DIGITS]

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self._device.used

    def segment(self, volume: Volume, progress: Progress) -> Anatomy:
        """Anatomy on the grid of ``volume`` (HU, axes in LPS order); see AnatomySegmenter."""
        found = self.labels_104(volume, progress.part(0.0, 0.9))
        progress(0.9, "Looking at the lungs")
        anatomy = anatomy_of(volume, found, NAMES_104, LOBES_HOW)
        progress(1.0, "Lungs found")
        return anatomy

    def labels_104(self, volume: Volume, progress: Progress) -> np.ndarray:
        """Return the network's own labels, 0 to 104 (uint8, k, j, i), on the grid of ``volume``."""
        from LungNoduleAILib.published.segresnet import prepare
        from LungNoduleAILib.published.tiled_labels import tiled_labels
        from ThoraxAILib.networks.threads import torch_threads

        progress(0.0, "Preparing the image")
        given = "cuda" if self._device.given == "cuda" else "cpu"
        image, prepared = prepare(volume, SPACINGS_MM[self.name])

        def on_tile(done: int, total: int) -> None:
            progress(0.05 + 0.9 * done / total, f"Tile {done + 1} of {total}")

        def on(device: str) -> Tensor:
            found = tiled_labels(self._network.to(device), prepared, TILE, TILE_OVERLAP, device, on_tile)
            self._device.ran_on(device)
            return found

        with torch_threads(None):
            labels = within_memory(on, given, TILE)
        return image.put_back(labels)


def _engine(name: str, what: str) -> Engine:
    make: Callable[..., MonaiWholeBody] = partial(MonaiWholeBody, name=name)
    return Engine(
        ANATOMY_SEGMENTER,
        name,
        f"{MODEL.title} at {what} with the published weights ({MODEL.trained_on}); thoraxai models get {MODEL.name}",
        MODEL.licence,
        make,
        version=lambda: weights_fingerprint(file_of(MODEL, FILES[name])),
        missing=lambda: missing_packages() or missing_words(MODEL, FILES[name]),
        uses_device=True,
    )


ENGINES = (_engine(FINE, "1.5 mm"), _engine(COARSE, "3 mm"))
