"""The smallest change of one and of two features that changes the answer, within what the training studies show.

Size is the distance in standard deviations of the training studies; two features are tried along many directions. The
other features stay as they are, also where one follows from another (an ejection fraction from its volumes): it says
how near the answer is to another one, and is no advice. Every change was classified again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from CardiacBiomechLib.diagnosis.models.model import DiagnosisModel

DIRECTIONS = 48  # of a pair of features, all around
STEP, HALVINGS = 0.1, 40  # deviations


@dataclass(frozen=True)
class Change:
    """Features (numbers), their values after the change, the new answer (number), and its size in deviations."""

    features: tuple[int, ...]
    values: tuple[float, ...]
    answer: int
    size: float


def smallest_change(model: DiagnosisModel, row: np.ndarray, count: int) -> Change | None:
    """Return the smallest change of ``count`` (1 or 2) features of a row (features,), None without one in range."""
    answer = int(model.answers(row[None])[0])
    best: Change | None = None
    for at in range(len(row)):
        best = _nearer(best, _along(model, row, (at,), np.array([[1.0], [-1.0]]), answer, best))
    if count == 1:
        return best
    angles = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    around = np.stack([np.cos(angles), np.sin(angles)], 1)
    around = around[np.abs(around).min(1) > 1e-6]
    pair: Change | None = None
    for chosen in combinations(range(len(row)), 2):
        pair = _nearer(pair, _along(model, row, chosen, around, answer, _nearer(pair, best)))
    return pair


def _nearer(one: Change | None, other: Change | None) -> Change | None:
    if one is None or other is None:
        return one or other
    return one if one.size <= other.size else other


def _along(
    model: DiagnosisModel,
    row: np.ndarray,
    chosen: tuple[int, ...],
    directions: np.ndarray,
    answer: int,
    best: Change | None,
) -> Change | None:
    """Nearest change of the chosen features along directions (n, chosen), if it is nearer than the best so far."""
    columns = list(chosen)
    low, high = model.low[columns], model.high[columns]
    reach = float((np.maximum(np.abs(high - row[columns]), np.abs(row[columns] - low)) / model.scales[columns]).max())
    limit = reach * len(chosen) if best is None else best.size
    radii = np.append(np.arange(STEP, limit, STEP), limit)
    moves = radii[:, None, None] * directions * model.scales[columns]
    places = row[columns] + moves.reshape(-1, len(columns))
    inside = ((places >= low) & (places <= high)).all(1)
    tried = np.repeat(row[None], int(inside.sum()), 0)
    tried[:, columns] = places[inside]
    if not len(tried):
        return None
    changed = np.flatnonzero(model.answers(tried) != answer)
    if not len(changed):
        return None
    at = np.flatnonzero(inside)[changed[0]]
    return _pulled_in(
        model, row, columns, directions[at % len(directions)], float(radii[at // len(directions)]), answer
    )


def _pulled_in(
    model: DiagnosisModel, row: np.ndarray, columns: list[int], direction: np.ndarray, radius: float, answer: int
) -> Change:
    """Return the change on the last step before the answer turns, as near to the row as it goes and in range."""
    low_values, high_values = model.low[columns], model.high[columns]

    def place(at: float) -> np.ndarray:
        moved = row.copy()
        moved[columns] = row[columns] + at * direction * model.scales[columns]
        return moved

    def turned(at: float) -> bool:
        values = place(at)[columns]
        inside = (values >= low_values).all() and (values <= high_values).all()
        return bool(inside and int(model.answers(place(at)[None])[0]) != answer)

    near, far = max(radius - STEP, 0.0), radius
    for _ in range(HALVINGS):
        middle = (near + far) / 2.0
        near, far = (near, middle) if turned(middle) else (middle, far)
    moved = place(far)
    new = int(model.answers(moved[None])[0])
    return Change(tuple(columns), tuple(float(value) for value in moved[columns]), new, far)
