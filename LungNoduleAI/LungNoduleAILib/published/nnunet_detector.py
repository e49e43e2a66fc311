"""A person's own nnU-Net as nodule detector: its probabilities, cut into detections (see components.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungNoduleAILib.detection.protocol import DETECTOR
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.options import MAX_SCORE
from LungNoduleAILib.published.components import SCORES, candidates_of
from ThoraxAILib.engines.engine import Engine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.nnunet.model_folder import TrainedFolder, missing_nnunet, read_trained_folder

NAME = "nnunet"
OPERATING_POINT = 0.5  # a voxel more likely nodule than not; a calibration gives a better one
NODULE_WORDS = ("nodule", "lesion", "tumor", "tumour", "cancer", "mass")
FOLDER_OPTION = "--detector-weights"


class NnunetDetector:
    """Runs a trained nnU-Net; its nodules are the class whose name says so, or its only class."""

    name = NAME
    operating_point = OPERATING_POINT

    def __init__(self, device: str = "cpu", weights: Path | None = None, score: str = MAX_SCORE) -> None:
        """Raise InputError for a folder that cannot be used, MissingDependencyError without nnU-Net."""
        from ThoraxAILib.networks.nnunet.run import NnunetRun

        trained = _trained(weights)
        self.nodule_label = nodule_label(trained)
        self._score = score
        self._run = NnunetRun(trained, device)
        self.device = self._run.device
        self.fingerprint = fingerprint(weights, score)

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU, axes in LPS order), best first; see Detector. The anatomy is not used."""
        probability = self.probability(volume, progress.part(0.0, 0.95))
        progress(0.95, "Cutting the map into detections")
        return candidates_of(probability, volume.ijk_to_ras, self._score)

    def probability(self, volume: Volume, progress: Progress) -> np.ndarray:
        """Return the probability of a nodule in each voxel (k, j, i) of ``volume`` (LPS order).

        A model whose reader turns images to RAS before training gets them that way, and its answer is turned back.
        """
        turned = (slice(None), slice(None, None, -1), slice(None, None, -1))
        if not self._run.trained.wants_ras:
            return self._run.probabilities(volume, self.nodule_label, progress)
        given = volume.with_array(volume.array[turned])
        return self._run.probabilities(given, self.nodule_label, progress)[turned]


def nodule_label(trained: TrainedFolder) -> str:
    """Return the class of a model that stands for nodules; raises InputError when none can be told."""
    if trained.channels != 1:
        raise InputError(f"The nnU-Net wants {trained.channels} channels, a CT has one: give a model of one channel.")
    names = list(trained.labels)
    for word in NODULE_WORDS:
        found = [name for name in names if word in name.lower()]
        if len(found) == 1:
            return found[0]
    if len(names) == 1:
        return names[0]
    raise InputError(
        f"Which label of the nnU-Net is the nodule cannot be told (it has {', '.join(names) or 'none'}): call one of "
        "them 'nodule' in dataset.json."
    )


def fingerprint(weights: Path | None, score: str = MAX_SCORE) -> str:
    """Return the fingerprint of a folder, and of the score: another score is another detector for a calibration."""
    if score not in SCORES:
        raise InputError(f"There is no score '{score}': choose one of {', '.join(SCORES)}.")
    return f"{_trained(weights).fingerprint()}-{score}"


def _trained(weights: Path | None) -> TrainedFolder:
    if weights is None:
        raise InputError(
            f"The detector {NAME} needs the folder of a trained model: give it with {FOLDER_OPTION} FOLDER."
        )
    return read_trained_folder(Path(weights))


ENGINE = Engine(
    DETECTOR,
    NAME,
    f"your own nnU-Net that segments nodules: {FOLDER_OPTION} names the folder of its trained model; needs nnunetv2",
    "that of the model",
    NnunetDetector,
    missing=missing_nnunet,
    uses_device=True,
    settings=("weights", "score"),
    fingerprint_with=fingerprint,
)
