"""The learned heart segmenter: a network taught by synthetic hearts with random contrast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CardiacBiomechLib.segmentation.constraints import best_labels, constrained
from CardiacBiomechLib.segmentation.outer_wall import outer_wall_as_seen
from CardiacBiomechLib.segmentation.prediction import WEIGHTS, chances_around, find_heart, load_network
from CardiacBiomechLib.segmentation.protocol import HEART_SEGMENTER
from CardiacBiomechLib.segmentation.right_heart import over_the_beat
from CardiacBiomechLib.segmentation.view import View
from ThoraxAILib.engines.engine import learned_engine, weights_fingerprint
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice
from ThoraxAILib.registration.inputs import check_image

LOOKED_AT = 3  # frames in which the heart is looked for


class LearnedSegmenter:
    """Cavities and wall by a 2-D network that sees neighboring slices, kept anatomical over the beat; needs PyTorch."""

    name = "learned"

    def __init__(self, device: str = "cpu", weights: Path | None = None) -> None:
        """Raise InputError for a file without such weights, MissingDependencyError without PyTorch."""
        from ThoraxAILib.networks.weights_file import require_torch

        require_torch("Learned heart segmentation", "give a label of one frame")
        path = WEIGHTS if weights is None else weights
        self._device = NetworkDevice("cpu" if device == "openvino" else device)
        self._network = load_network(path)
        self.fingerprint = weights_fingerprint(path)

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self._device.used

    def segment(self, frames: Sequence[Volume], progress: Progress) -> tuple[Volume, ...]:
        """Return the labels of every frame; see HeartSegmenter."""
        for number, frame in enumerate(frames, start=1):
            check_image(frame, f"frame {number}")
        view = View.of(frames[0], self._network.settings.pixel_mm)
        spacing = three(float(step) for step in frames[0].spacing_kji_mm)
        shown = sorted({round(at) for at in np.linspace(0, len(frames) - 1, min(LOOKED_AT, len(frames)))})
        middles = []
        for count, index in enumerate(shown):
            progress(0.15 * count / len(shown), "Looking for the heart")
            middles.append(find_heart(self._network, view.pixels(frames[index].array), spacing[0], self._device.given))
        middle = int(np.median([row for row, _ in middles])), int(np.median([column for _, column in middles]))
        found = []
        for index, frame in enumerate(frames):
            progress(0.15 + 0.85 * index / len(frames), f"Drawing frame {index + 1} of {len(frames)}")
            chance = chances_around(self._network, view.pixels(frame.array), middle, self._device.given)
            labels = constrained(best_labels(view.back(chance)), spacing)
            labels = outer_wall_as_seen(labels, frame.array, spacing)
            found.append(frame.with_array(labels))
        self._device.ran_on(self._device.given)
        progress(1.0, "Heart segmented")
        return over_the_beat(found)


ENGINE = learned_engine(
    HEART_SEGMENTER,
    LearnedSegmenter.name,
    "a network taught by synthetic hearts of random contrast and 2-D slices of people; needs PyTorch",
    WEIGHTS,
    LearnedSegmenter,
    own_weights=True,
)
