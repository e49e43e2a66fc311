"""The anatomy segmenters that can be chosen by name, and which one "auto" takes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from LungNoduleAILib.anatomy.protocol import AnatomySegmenter
from ThoraxAILib.errors import InputError

AUTO = "auto"


@dataclass(frozen=True)
class ChosenSegmenter:
    """A segmenter and why it was taken."""

    segmenter: AnatomySegmenter
    reason: str


def _classical(_device: str) -> AnatomySegmenter:
    from LungNoduleAILib.anatomy.classical import ClassicalSegmenter

    return ClassicalSegmenter()


def _learned(device: str) -> AnatomySegmenter:
    from LungNoduleAILib.anatomy.learned.segmenter import LearnedSegmenter

    return LearnedSegmenter(device)


_SEGMENTERS: dict[str, tuple[str, Callable[[str], AnatomySegmenter]]] = {
    "learned": ("a network trained on synthetic bodies says where, the CT where the edge is; needs PyTorch", _learned),
    "classical": ("thresholds and morphology, lobes as planes; no download, CPU", _classical),
}


def segmenter_names() -> tuple[str, ...]:
    """Names that ``choose_segmenter`` takes, "auto" first."""
    return (AUTO, *_SEGMENTERS)


def segmenter_description(name: str) -> str:
    """One line about a segmenter."""
    return "learned where PyTorch is installed, else classical" if name == AUTO else _SEGMENTERS[name][0]


def choose_segmenter(name: str = AUTO, device: str = "cpu") -> ChosenSegmenter:
    """The segmenter of this name on ``device``; raises InputError naming the known ones.

    "auto" takes the learned one where it can run. Raises MissingDependencyError when a learned one is asked for by name
    and cannot.
    """
    if name == AUTO:
        missing = _missing_for_learned()
        if missing:
            return ChosenSegmenter(_classical(device), missing)
        return ChosenSegmenter(_learned(device), "PyTorch is installed")
    if name not in _SEGMENTERS:
        raise InputError(f"The anatomy segmenter '{name}' is not known: choose one of {', '.join(segmenter_names())}.")
    return ChosenSegmenter(_SEGMENTERS[name][1](device), "it was asked for")


def _missing_for_learned() -> str:
    """Why the learned segmenter cannot run here; empty when it can."""
    from LungNoduleAILib.anatomy.learned.prediction import WEIGHTS

    if importlib.util.find_spec("torch") is None:
        return "PyTorch is not installed"
    return "" if WEIGHTS.is_file() else "the weights of the learned one are not there"
