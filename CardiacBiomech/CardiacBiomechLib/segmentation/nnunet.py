"""A person's own nnU-Net as heart segmenter: the folder of a trained model (version 2), run with its own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from CardiacBiomechLib.model.heart_classes import LV, MYOCARDIUM, RV
from CardiacBiomechLib.segmentation.protocol import HEART_SEGMENTER
from ThoraxAILib.engines.engine import Engine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.nnunet.model_folder import DATASET, TrainedFolder, missing_nnunet, read_trained_folder
from ThoraxAILib.networks.nnunet.run import NnunetRun
from ThoraxAILib.registration.inputs import check_image

# names that data sets of hearts give their parts, in lower case
NAMES = {
    RV: ("rv", "rvc", "right ventricle", "right_ventricle", "rv cavity"),
    MYOCARDIUM: ("myo", "mlv", "lvm", "myocardium", "lv myocardium", "left ventricular myocardium", "lv_myo"),
    LV: ("lv", "lvc", "left ventricle", "left_ventricle", "lv cavity", "lv blood"),
}


class NnunetSegmenter:
    """Runs a trained nnU-Net over every frame; its labels are found by their names in dataset.json."""

    name = "nnunet"

    def __init__(self, device: str = "cpu", weights: Path | None = None) -> None:
        """Raise InputError for a folder that is no trained model, MissingDependencyError without nnU-Net."""
        trained = _trained(weights)
        self._values = heart_values(trained)
        self._run = NnunetRun(trained, device)
        self.device = self._run.device
        self.fingerprint = trained.fingerprint()

    def segment(self, frames: Sequence[Volume], progress: Progress) -> tuple[Volume, ...]:
        """Return the labels of every frame; see HeartSegmenter."""
        for number, frame in enumerate(frames, start=1):
            check_image(frame, f"frame {number}")
        found = []
        for index, frame in enumerate(frames):
            told = progress.part(index / len(frames), (index + 1) / len(frames))
            found.append(frame.with_array(renumbered(self._run.labels(frame, told), self._values)))
        progress(1.0, "Heart segmented")
        return tuple(found)


def _trained(weights: Path | None) -> TrainedFolder:
    if weights is None:
        raise InputError(
            "The segmenter nnunet needs the folder of a trained model: give it with --segmenter-weights FOLDER."
        )
    return read_trained_folder(Path(weights))


def _fingerprint(weights: Path | None = None) -> str:
    return _trained(weights).fingerprint()


def heart_values(trained: TrainedFolder) -> dict[int, int]:
    """Return the ACDC label of each of the model's values.

    Raises InputError when a part has no name that is known, or when the model wants more than one channel.
    """
    if trained.channels != 1:
        raise InputError(f"The nnU-Net wants {trained.channels} channels, a cine has one: give a model of one channel.")
    by_name = {name.lower(): name for name in trained.labels}
    values = {}
    for part, names in NAMES.items():
        name = next((by_name[name] for name in names if name in by_name), None)
        if name is None:
            known = ", ".join(sorted(by_name))
            raise InputError(
                f"No label of the nnU-Net is called {names[0].upper()} (it has {known}): rename the labels in "
                f"{DATASET} to RV, MYO and LV."
            )
        values[trained.value_of(name)] = part
    return values


def renumbered(labels: np.ndarray, values: Mapping[int, int]) -> np.ndarray:
    """Return ACDC labels (uint8) of labels in a model's own numbers."""
    result = np.zeros(labels.shape, dtype=np.uint8)
    for value, part in values.items():
        result[labels == value] = part
    return result


ENGINE = Engine(
    HEART_SEGMENTER,
    NnunetSegmenter.name,
    "your own nnU-Net: --segmenter-weights names the folder of its trained model; needs nnunetv2",
    "that of the model",
    NnunetSegmenter,
    version="nnunetv2",
    missing=missing_nnunet,
    uses_device=True,
    fingerprint_with=_fingerprint,
)
