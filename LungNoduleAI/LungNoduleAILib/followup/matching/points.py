"""Matching by coordinates alone: two sets of points that differ by a shift, some scale and breathing.

Every pair of points proposes a shift; each proposal is refined to the affine map that explains most points (maximum a
posteriori, assignment and map in turn), and the best explained proposal wins. RAS mm throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.followup.matching.association import best_assignment
from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option

MAX_PROPOSALS = 400
REFINEMENTS = 4


@dataclass(frozen=True)
class PointOptions(Options):
    """How far two scans of one person may differ.

    ``scatter_mm`` is the deviation of one point from the common map (breathing, pose), ``reject_mm`` the distance from
    which "no partner" explains a point better. ``shift_mm`` are scales (R, A, S) of the shift between the scanner
    coordinates of two dates: a person lies about the middle of the table; table height and length are arbitrary, so
    a larger shift costs at most ``most_shift_cost``. ``stretch`` is the deviation of the entries of the affine map.
    """

    scatter_mm: float = option(8.0, unit="mm", more_than=0)
    reject_mm: float = option(30.0, unit="mm", more_than=0)
    shift_mm: tuple[float, float, float] = option((15.0, 20.0, 40.0))
    most_shift_cost: tuple[float, float, float] = option((6.0, 3.0, 3.0))
    stretch: float = option(0.05, more_than=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.shift_mm) <= 0:
            raise InputError("Distances and scales of the matching of points must be positive: give mm.")


@dataclass(frozen=True, eq=False)
class PointMatch:
    """``pairs`` (prior index, current index); prior points lie at ``matrix @ x + shift_mm`` in the current scan."""

    pairs: tuple[tuple[int, int], ...]
    matrix: np.ndarray
    shift_mm: np.ndarray
    distance_mm: np.ndarray

    def moved(self, prior_ras_mm: np.ndarray) -> np.ndarray:
        """Prior points (n, 3) in the coordinates of the current scan."""
        return np.asarray(prior_ras_mm, dtype=float) @ self.matrix.T + self.shift_mm


def match_positions(
    prior_ras_mm: np.ndarray, current_ras_mm: np.ndarray, options: PointOptions | None = None
) -> PointMatch:
    """One-to-one matching of prior (n, 3) and current (m, 3) points whose common shift is not known.

    Points without a partner are left out of ``pairs``. Raises InputError for arrays that are not points.
    """
    prior, current = (_points(points) for points in (prior_ras_mm, current_ras_mm))
    options = options or PointOptions()
    if not len(prior) or not len(current):
        return PointMatch((), np.eye(3), np.zeros(3), np.zeros((len(prior), len(current))))
    refined = [_refined(prior, current, shift, options) for shift in _proposals(prior, current, options)]
    _gain, best = max(refined, key=lambda one: one[0])
    return best


def _points(values: np.ndarray) -> np.ndarray:
    points = np.asarray(values, dtype=float).reshape(-1, 3) if np.size(values) % 3 == 0 else None
    if points is None or not np.isfinite(points).all():
        raise InputError("Points must be finite triples of R, A, S in mm: give an array of shape (n, 3).")
    return points


def _shift_cost(shift: np.ndarray, options: PointOptions) -> np.ndarray:
    """Cost of shifts (..., 3): Cauchy near zero, flat where coordinates are arbitrary."""
    return np.minimum(np.log1p((shift / options.shift_mm) ** 2), options.most_shift_cost).sum(axis=-1)


def _proposals(prior: np.ndarray, current: np.ndarray, options: PointOptions) -> list[np.ndarray]:
    """No shift, and the shift of every pair, the likeliest first when there are very many."""
    shifts = (current[None] - prior[:, None]).reshape(-1, 3)
    near = np.linalg.norm(shifts[:, None] - shifts[None], axis=2) if len(shifts) <= 2500 else np.zeros((1, len(shifts)))
    votes = np.exp(-0.5 * (near / (2 * options.scatter_mm)) ** 2).sum(axis=0)
    order = np.argsort(_shift_cost(shifts, options) - votes, kind="stable")[:MAX_PROPOSALS]
    return [np.zeros(3), *shifts[order]]


def _refined(
    prior: np.ndarray, current: np.ndarray, shift: np.ndarray, options: PointOptions
) -> tuple[float, PointMatch]:
    """Return the map near one proposed shift and how much better it explains the points than leaving all alone."""
    center = prior.mean(axis=0)
    matrix = np.eye(3)
    pairs: list[tuple[int, int]] = []
    for _ in range(REFINEMENTS):
        distance = np.linalg.norm(_map(prior, center, matrix, shift)[:, None] - current[None], axis=2)
        worth = (options.reject_mm**2 - distance**2) / (2 * options.scatter_mm**2)
        before, pairs = pairs, best_assignment(worth)
        if not pairs or pairs == before:
            break
        matrix, shift = _fitted(prior, current, center, pairs, shift, options)
    gain = sum(worth[pair] for pair in pairs) - float(_shift_cost(shift, options))
    gain -= float(((matrix - np.eye(3)) ** 2).sum()) / (2 * options.stretch**2)
    return gain, PointMatch(tuple(pairs), matrix, center + shift - matrix @ center, distance)


def _map(points: np.ndarray, center: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return (points - center) @ matrix.T + center + shift


def _fitted(
    prior: np.ndarray,
    current: np.ndarray,
    center: np.ndarray,
    pairs: list[tuple[int, int]],
    shift: np.ndarray,
    options: PointOptions,
) -> tuple[np.ndarray, np.ndarray]:
    """Affine map and shift of matched pairs: ridge regression towards the identity and, along each axis, no shift.

    The ridge of the shift is that of its Cauchy prior at the shift found before (iteratively reweighted).
    """
    rows, columns = np.array(pairs).T
    source, target = prior[rows] - center, current[columns] - center
    design = np.column_stack([source, np.ones(len(source))])
    entries = (options.scatter_mm / options.stretch) ** 2
    change = np.empty((4, 3))
    for axis in range(3):
        scale = options.shift_mm[axis]
        stiff = 2 * options.scatter_mm**2 / (scale**2 + shift[axis] ** 2)
        ridge = np.diag([entries] * 3 + [stiff])
        change[:, axis] = np.linalg.solve(design.T @ design + ridge, design.T @ (target - source)[:, axis])
    return np.eye(3) + change[:3].T, change[3]
