"""The detectors that can be chosen by name; one line for every implementation."""

from __future__ import annotations

from collections.abc import Callable

from LungNoduleAILib.detection.protocol import Detector
from ThoraxAILib.errors import InputError


def _classical(_device: str) -> Detector:
    from LungNoduleAILib.detection.classical import ClassicalDetector

    return ClassicalDetector()


def _learned(device: str) -> Detector:
    from LungNoduleAILib.detection.learned import LearnedDetector

    return LearnedDetector(device=device)


_DETECTORS: dict[str, tuple[str, Callable[[str], Detector]]] = {
    "classical": ("multi-scale blobs and shape features; no download, CPU", _classical),
    "learned": ("networks trained on synthetic bodies alone; no download, needs PyTorch, CPU or CUDA", _learned),
}


def detector_names() -> tuple[str, ...]:
    """Names that ``get_detector`` takes."""
    return tuple(_DETECTORS)


def detector_description(name: str) -> str:
    """One line about a detector."""
    return _DETECTORS[name][0]


def get_detector(name: str, device: str = "auto") -> Detector:
    """The detector of this name, on ``device`` when it is a learned one.

    Raises InputError naming the known ones, MissingDependencyError when a learned one lacks PyTorch.
    """
    if name not in _DETECTORS:
        raise InputError(f"The detector '{name}' is not known: choose one of {', '.join(_DETECTORS)}.")
    return _DETECTORS[name][1](device)
