"""The detectors that can be chosen by name; one line for every implementation."""

from __future__ import annotations

from collections.abc import Callable

from LungNoduleAILib.detection.protocol import Detector
from ThoraxAILib.errors import InputError


def _classical() -> Detector:
    from LungNoduleAILib.detection.classical import ClassicalDetector

    return ClassicalDetector()


_DETECTORS: dict[str, tuple[str, Callable[[], Detector]]] = {
    "classical": ("multi-scale blobs and shape features; no download, CPU", _classical),
}


def detector_names() -> tuple[str, ...]:
    """Names that ``get_detector`` takes."""
    return tuple(_DETECTORS)


def detector_description(name: str) -> str:
    """One line about a detector."""
    return _DETECTORS[name][0]


def get_detector(name: str) -> Detector:
    """The detector of this name; raises InputError naming the known ones."""
    if name not in _DETECTORS:
        raise InputError(f"The detector '{name}' is not known: choose one of {', '.join(_DETECTORS)}.")
    return _DETECTORS[name][1]()
