"""TotalSegmentator as anatomy segmenter (117 structures, lung vessels) and as nodule detector (its task lung_nodules).

It runs as a program of its own, before and after included; see ThoraxAILib.networks.totalsegmentator.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from LungNoduleAILib.anatomy.protocol import ANATOMY_SEGMENTER
from LungNoduleAILib.detection.protocol import DETECTOR
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.options import MAX_SCORE
from LungNoduleAILib.published.components import SCORES, candidates_of
from LungNoduleAILib.published.named_anatomy import anatomy_of
from LungNoduleAILib.published.structures import LABEL_OF_NAME
from ThoraxAILib.engines.engine import Engine
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.totalsegmentator.installed import (
    COARSE,
    LICENCE,
    ROUGH,
    WHOLE,
    Task,
    fingerprint_of,
    missing_for,
)
from ThoraxAILib.networks.totalsegmentator.run import segment

NAME = "totalsegmentator"
FINE_TASK = Task("total", WHOLE)
COARSE_TASK = Task("total", (COARSE,), fast=True)
LUNGS_TASK = Task("total", (*WHOLE, ROUGH), roi_subset=tuple(LABEL_OF_NAME))
VESSELS_TASK = Task("lung_vessels", (117, COARSE))
NODULES_TASK = Task("lung_nodules", (913, ROUGH), probability_of="lung_nodules")
OPERATING_POINT = 0.5  # a voxel more likely nodule than not; a calibration gives a better one
LOBES_HOW = "TotalSegmentator places them"
TRAINED_ON = "no score on its own training data is clean; lung_nodules saw scans of LIDC-IDRI"


class TotalSegmentatorAnatomy:
    """Tasks of TotalSegmentator one after the other; what a later one finds stands where an earlier one says the same.

    ``tasks`` begins with one that finds lobes.
    """

    def __init__(self, device: str = "cpu", name: str = NAME, tasks: tuple[Task, ...] = (FINE_TASK,)) -> None:
        self.name, self._tasks = name, tasks
        self.device = "cuda" if device == "cuda" else "cpu"
        self.fingerprint = _fingerprint(tasks)

    def segment(self, volume: Volume, progress: Progress) -> Anatomy:
        """Anatomy on the grid of ``volume`` (HU, axes in LPS order); see AnatomySegmenter."""
        labels, names = np.zeros(volume.array.shape, np.uint8), ["background"]
        for number, task in enumerate(self._tasks):
            share = progress.part(0.9 * number / len(self._tasks), 0.9 * (number + 1) / len(self._tasks))
            found = segment(volume, task, self.device, share)
            values = np.array([_value_of(name, names) for name in found.names], np.uint8)
            there = found.labels > 0
            labels[there] = values[found.labels[there]]
        progress(0.9, "Looking at the lungs")
        anatomy = anatomy_of(volume, labels, names, LOBES_HOW)
        progress(1.0, "Lungs found")
        return anatomy


class TotalSegmentatorNodules:
    """The task lung_nodules: its probabilities on its own grid of 1.5 mm, cut into detections."""

    name = NAME
    operating_point = OPERATING_POINT

    def __init__(self, device: str = "cpu", score: str = MAX_SCORE) -> None:
        self._score = score
        self.device = "cuda" if device == "cuda" else "cpu"
        self.fingerprint = nodules_fingerprint(score)

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU, axes in LPS order), best first; see Detector. The anatomy is not used."""
        found = segment(volume, NODULES_TASK, self.device, progress.part(0.0, 0.95))
        progress(0.95, "Cutting the map into detections")
        if found.probability is None:  # no lungs were found, so nothing was looked at
            return []
        grid = known(found.probability_ijk_to_ras, "the grid of the probabilities")
        return candidates_of(found.probability, grid, self._score)


def nodules_fingerprint(score: str = MAX_SCORE) -> str:
    """Return the fingerprint of the task and of the score: another score is another detector for a calibration."""
    if score not in SCORES:
        raise InputError(f"There is no score '{score}': choose one of {', '.join(SCORES)}.")
    return f"{fingerprint_of(NODULES_TASK)}-{score}"


def _value_of(name: str, names: list[str]) -> int:
    """Return the value of a structure among ``names``, which it joins when it is new."""
    if name not in names:
        names.append(name)
    return names.index(name)


def _fingerprint(tasks: tuple[Task, ...]) -> str:
    return "-".join(fingerprint_of(task) for task in tasks)


def _missing(tasks: tuple[Task, ...]) -> str:
    return next((lacks for task in tasks if (lacks := missing_for(task))), "")


def _anatomy_engine(name: str, what: str, *tasks: Task) -> Engine:
    make: Callable[..., TotalSegmentatorAnatomy] = partial(TotalSegmentatorAnatomy, name=name, tasks=tasks)
    return Engine(
        ANATOMY_SEGMENTER,
        name,
        f"TotalSegmentator, {what}; needs its program and weights",
        LICENCE,
        make,
        version=lambda: _fingerprint(tasks),
        missing=lambda: _missing(tasks),
        uses_device=True,
    )


ANATOMY_ENGINES = (
    _anatomy_engine(NAME, "117 structures at 1.5 mm", FINE_TASK),
    _anatomy_engine(f"{NAME}-3mm", "117 structures at 3 mm", COARSE_TASK),
    _anatomy_engine(f"{NAME}-lungs", "only lobes and trachea at 1.5 mm", LUNGS_TASK),
    _anatomy_engine(
        f"{NAME}-vessels", "117 structures at 3 mm, then arteries, veins and airways", COARSE_TASK, VESSELS_TASK
    ),
)
DETECTOR_ENGINE = Engine(
    DETECTOR,
    NAME,
    f"TotalSegmentator's task lung_nodules ({TRAINED_ON}); needs its program and weights",
    LICENCE,
    TotalSegmentatorNodules,
    version=nodules_fingerprint,
    missing=lambda: missing_for(NODULES_TASK),
    uses_device=True,
    settings=("score",),
    fingerprint_with=nodules_fingerprint,
)
