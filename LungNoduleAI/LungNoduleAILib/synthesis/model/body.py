"""One synthetic person: noise-free HU with the truth of every voxel, as networks are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid

SETTINGS = ("training", "held-out")


@dataclass(frozen=True)
class Negative:
    """Something that looks like a nodule and is none: ``kind`` such as plaque, scar, lymph node, bone island."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float
    kind: str


@dataclass(frozen=True, eq=False)
class Body:
    """A person on a grid, arrays (k, j, i) with axes in LPS order: no nodules, no noise, no blur.

    ``clean_hu`` int16; ``labels`` uint8 as in Anatomy (0-6, lungs filled); ``structures`` uint8 as in STRUCTURES;
    ``patterns`` uint8 as in PATTERNS; ``negatives`` the places that imitate nodules; ``is_chest`` False for others.
    """

    seed: int
    setting: str
    grid: Grid
    clean_hu: np.ndarray
    labels: np.ndarray
    structures: np.ndarray
    patterns: np.ndarray
    negatives: tuple[Negative, ...] = ()
    is_chest: bool = True


def check_request(seed: int, setting: str, spacing_mm: tuple[float, float, float]) -> None:
    """Raise InputError unless a body can be made from these."""
    if setting not in SETTINGS:
        raise InputError(f"The setting '{setting}' is not known: use one of {', '.join(SETTINGS)}.")
    if seed < 0:
        raise InputError(f"The seed must be 0 or more, {seed} was given.")
    if len(spacing_mm) != 3 or min(spacing_mm) <= 0:
        raise InputError(f"The spacing must be three positive numbers in mm, found {spacing_mm}.")
