"""The detectors that can be chosen by name; one line for every implementation."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from LungNoduleAILib.detection.protocol import Detector
from ThoraxAILib.errors import InputError, MissingDependencyError

AUTO = "auto"


def _classical(_device: str) -> Detector:
    from LungNoduleAILib.detection.classical import ClassicalDetector

    return ClassicalDetector()


def _learned(device: str) -> Detector:
    from LungNoduleAILib.detection.learned import LearnedDetector

    return LearnedDetector(device=device)


_DETECTORS: dict[str, tuple[str, Callable[[str], Detector]]] = {
    "learned": ("networks trained on synthetic bodies alone; no download, needs PyTorch, CPU or CUDA", _learned),
    "classical": ("multi-scale blobs and shape features; no download, CPU", _classical),
}


def detector_names() -> tuple[str, ...]:
    """Names that ``get_detector`` takes, "auto" first."""
    return (AUTO, *_DETECTORS)


def detector_description(name: str) -> str:
    """One line about a detector."""
    return "learned where PyTorch is installed, else classical" if name == AUTO else _DETECTORS[name][0]


def get_detector(name: str = AUTO, device: str = "auto") -> Detector:
    """The detector of this name, on ``device`` when it is a learned one; "auto" takes the learned one where it can run.

    Raises InputError naming the known ones, MissingDependencyError when a learned one is asked for by name and cannot.
    """
    if name == AUTO:
        return _learned(device) if _learned_runs() else _classical(device)
    if name not in _DETECTORS:
        raise InputError(f"The detector '{name}' is not known: choose one of {', '.join(detector_names())}.")
    return _DETECTORS[name][1](device)


def operating_point(name: str) -> float:
    """The confidence from which a detector reports; 0 when it cannot run here."""
    try:
        return get_detector(name).operating_point
    except MissingDependencyError:
        return 0.0


def _learned_runs() -> bool:
    from LungNoduleAILib.detection.detector_file import SHIPPED

    return importlib.util.find_spec("torch") is not None and SHIPPED.is_file()
