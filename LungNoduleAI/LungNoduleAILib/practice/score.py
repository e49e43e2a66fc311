"""How well marks agree with the truth: found, missed and false marks, error of size, time; and progress over cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule

LEAST_REACH_MM = 5.0  # a mark this near counts for the smallest nodules too


@dataclass(frozen=True)
class Mark:
    """What a trainee, or the software, marked: a place (RAS mm) and a diameter in mm where one was measured."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float | None = None


@dataclass(frozen=True)
class Score:
    """``pairs`` are (index of the mark, id of the nodule); ``size_error_mm`` is the mean absolute one, None without."""

    found: tuple[str, ...]
    missed: tuple[str, ...]
    false_marks: tuple[int, ...]
    pairs: tuple[tuple[int, str], ...]
    size_error_mm: float | None
    seconds: float | None = None

    def to_dict(self) -> dict:
        """JSON form."""
        entry = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in entry.items()} | {
            "pairs": [list(pair) for pair in self.pairs]
        }


def score_marks(marks: Sequence[Mark], nodules: Sequence[PlantedNodule], seconds: float | None = None) -> Score:
    """Return the score: each nodule takes one mark within its radius (at least 5 mm), as many as can, nearest first.

    The pairs are those of the most hits and, among these, of the least sum of distances.
    """
    from scipy.optimize import linear_sum_assignment

    reach = np.array([max(nodule.diameter_mm / 2, LEAST_REACH_MM) for nodule in nodules])
    places = np.array([nodule.center_ras_mm for nodule in nodules]).reshape(-1, 3)
    points = np.array([mark.center_ras_mm for mark in marks], dtype=float).reshape(-1, 3)
    gaps = np.linalg.norm(points[:, None] - places[None], axis=2)
    hits = gaps <= reach[None]
    no_hit = 1.0 + float(reach.sum()) if len(reach) else 1.0  # dearer than all hits together
    rows, columns = linear_sum_assignment(np.where(hits, gaps, no_hit)) if gaps.size else ((), ())
    pairs = tuple(
        (int(row), nodules[column].id) for row, column in zip(rows, columns, strict=True) if hits[row, column]
    )
    by_id = {nodule.id: nodule for nodule in nodules}
    found, hitting = {name for _, name in pairs}, {row for row, _ in pairs}
    errors = [
        abs(diameter - by_id[name].diameter_mm)
        for row, name in pairs
        if (diameter := marks[row].diameter_mm) is not None
    ]
    return Score(
        tuple(nodule.id for nodule in nodules if nodule.id in found),
        tuple(nodule.id for nodule in nodules if nodule.id not in found),
        tuple(row for row in range(len(marks)) if row not in hitting),
        pairs,
        round(float(np.mean(errors)), 2) if errors else None,
        seconds,
    )
