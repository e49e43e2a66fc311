"""Accuracy by the number of training studies: random subsets, spread over the groups, tested on all other rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.diagnosis.evaluation.cross_validation import answer
from CardiacBiomechLib.diagnosis.models.train import DiagnosisTraining, choose

SUBSETS = 50


@dataclass(frozen=True)
class CurvePoint:
    """Accuracy with ``rows`` training rows: mean over the subsets, their 2.5th and 97.5th percentile."""

    rows: int
    mean: float
    low: float
    high: float


def learning_curve(
    values: np.ndarray,
    numbers: np.ndarray,
    groups: int,
    sizes: Sequence[int],
    options: DiagnosisTraining,
    subsets: int = SUBSETS,
) -> list[CurvePoint]:
    """Return the curve; with ``options.select`` every subset selects its own features. Sizes too large are left out."""
    found = []
    for size in sizes:
        if size < 2 * groups or size >= len(numbers):
            continue
        right = []
        for subset in range(subsets):
            train = spread_subset(numbers, groups, size, np.random.default_rng([options.seed, size, subset]))
            columns = choose(values[train], numbers[train], groups, options)
            test = ~train
            told = answer(values[train][:, columns], numbers[train], values[test][:, columns], groups, options)
            right.append(float((told == numbers[test]).mean()))
        found.append(CurvePoint(size, float(np.mean(right)), *(float(q) for q in np.percentile(right, (2.5, 97.5)))))
    return found


def spread_subset(numbers: np.ndarray, groups: int, size: int, random: np.random.Generator) -> np.ndarray:
    """Return a mask (rows,) of a random subset with as equal a number of each group as there are rows."""
    orders = [list(random.permutation(np.flatnonzero(numbers == group))) for group in range(groups)]
    taken: list[int] = []
    while len(taken) < size:
        for order in random.permutation(groups):
            if orders[order] and len(taken) < size:
                taken.append(orders[order].pop())
    mask = np.zeros(len(numbers), dtype=bool)
    mask[taken] = True
    return mask
