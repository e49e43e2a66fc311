"""Greedy forward-backward (floating) selection of features, as in Pudil et al., Pattern Recognition Letters 15:1119.

A set is judged by cross-validation of a regularized linear discriminant (Friedman, JASA 84:165, 1989), which has a
closed form, so that all candidates of a step are judged at once: by the likelihood it gives to the true groups of the
held-out rows, a proper score that also moves where accuracy does not. Ties fall to the order of the features. What a
fold learns, standardization included, it learns from its training rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHRINKAGE = 0.1
FOLDS = 5
MAX_FEATURES = 10
GAIN = 1e-9
WORST = -20.0  # log-likelihood of one row, so that none decides alone


@dataclass(frozen=True, eq=False)
class _Fold:
    """What is needed of one split: standardized held-out rows, group means, pooled covariance, and the truth."""

    held_out: np.ndarray
    truth: np.ndarray
    means: np.ndarray
    covariance: np.ndarray
    log_share: np.ndarray


def fold_numbers(numbers: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the fold (rows,) of every row: each group is spread over all folds, shuffled by the seed."""
    random = np.random.default_rng(seed)
    found = np.zeros(len(numbers), dtype=int)
    start = 0
    for group in np.unique(numbers):
        members = random.permutation(np.flatnonzero(numbers == group))
        found[members] = (start + np.arange(len(members))) % folds
        start += len(members)
    return found


class Judge:
    """Scores sets of features on one table by cross-validation."""

    def __init__(self, values: np.ndarray, numbers: np.ndarray, groups: int, seed: int = 0) -> None:
        fold = fold_numbers(numbers, FOLDS, seed)
        self._folds = [_fold(values, numbers, groups, fold == number) for number in range(FOLDS)]
        self._rows = len(numbers)

    def judge(self, sets: np.ndarray) -> np.ndarray:
        """Return the mean log-likelihood (sets,) of held-out rows for sets (sets, size) of feature numbers."""
        return sum((_held_out(fold, sets) for fold in self._folds if len(fold.truth)), np.zeros(len(sets))) / self._rows


def select_features(
    values: np.ndarray,
    numbers: np.ndarray,
    groups: int,
    most: int = MAX_FEATURES,
    seed: int = 0,
) -> list[int]:
    """Return the numbers of the selected columns of values (rows, features), in the order they came in.

    Add the best feature, then drop any whose loss improves the result; stop when neither helps, or at ``most``.
    """
    judge = Judge(values, numbers, groups, seed)
    chosen: list[int] = []
    reached = -np.inf
    while len(chosen) < min(most, values.shape[1]):
        rest = [number for number in range(values.shape[1]) if number not in chosen]
        best, found = _best(judge, [[*chosen, number] for number in rest])
        if found <= reached + GAIN:
            break
        chosen, reached = best, found
        while len(chosen) > 2:
            fewer, found = _best(judge, [chosen[:at] + chosen[at + 1 :] for at in range(len(chosen))])
            if found <= reached + GAIN:
                break
            chosen, reached = fewer, found
    return chosen


def _best(judge: Judge, sets: list[list[int]]) -> tuple[list[int], float]:
    found = judge.judge(np.array(sets))
    at = int(np.round(found, 9).argmax())
    return sets[at], float(found[at])


def _fold(values: np.ndarray, numbers: np.ndarray, groups: int, held_out: np.ndarray) -> _Fold:
    train, truth = values[~held_out], numbers[~held_out]
    middle, scale = train.mean(0), train.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    z = (train - middle) / scale
    counts = np.bincount(truth, minlength=groups)
    means = np.stack([z[truth == g].mean(0) if counts[g] else np.zeros(z.shape[1]) for g in range(groups)])
    within = z - means[truth]
    covariance = within.T @ within / max(len(z) - groups, 1)
    log_share = np.log((counts + 0.5) / (len(z) + 0.5 * groups))
    return _Fold((values[held_out] - middle) / scale, numbers[held_out], means, covariance, log_share)


def _held_out(fold: _Fold, sets: np.ndarray) -> np.ndarray:
    """Sum (sets,) of the log-likelihood over the held-out rows of a fold."""
    size = sets.shape[1]
    covariance = fold.covariance[sets[:, :, None], sets[:, None, :]]
    level = np.maximum(np.trace(covariance, axis1=1, axis2=2) / size, 1e-12)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * level[:, None, None] * np.eye(size)
    means = fold.means[:, sets].transpose(1, 2, 0)  # sets, size, groups
    weights = np.linalg.solve(covariance, means)
    offsets = fold.log_share - 0.5 * (weights * means).sum(1)
    scores = fold.held_out[:, sets].transpose(1, 0, 2) @ weights + offsets[:, None, :]
    scores -= scores.max(-1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    own = log_p[:, np.arange(len(fold.truth)), fold.truth]
    return np.maximum(own, WORST).sum(1)
