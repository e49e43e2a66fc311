"""How much each feature contributes to the score of each group: exact Shapley values, whose sum is the score itself.

Linear scores: weight times distance from the training mean (Lundberg and Lee, NeurIPS 2017). Forests: path-dependent
Shapley values of trees (Lundberg et al., Nature Machine Intelligence 2:56, 2020), leaf by leaf: a leaf counts for a set
of features by the product of "the row goes that way" over the set and of the branch's share of training rows over the
others. Others: all 2^d sets of the selected features, features outside a set taken from training rows.

Except for forests a contribution is in units of log-odds: for two groups, the difference of their contributions and
baselines is the logarithm of the ratio of their probabilities. For forests it is in share of trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np

from CardiacBiomechLib.diagnosis.models.model import DiagnosisModel
from CardiacBiomechLib.diagnosis.models.scores import Arrays, forest_shares, scores
from ThoraxAILib.errors import InputError

BACKGROUND_ROWS, MOST_FEATURES = 100, 12
LOG_ODDS, SHARE = "log-odds", "share of trees"


@dataclass(frozen=True, eq=False)
class Contributions:
    """``values`` (groups, features) and ``baseline`` (groups,), whose sums are ``output`` (groups,), in ``unit``."""

    values: np.ndarray
    baseline: np.ndarray
    output: np.ndarray
    unit: str

    def between(self, group: int, other: int) -> tuple[np.ndarray, float]:
        """Return contributions (features,) for one group against another, and the baseline of that difference."""
        return self.values[group] - self.values[other], float(self.baseline[group] - self.baseline[other])


def contributions(model: DiagnosisModel, row: np.ndarray) -> Contributions:
    """Return the contributions to one row (features,) in clinical units."""
    z = model.standardized(np.asarray(row)[None])
    if model.kind == "logistic":
        values = model.temperature * model.arrays["weights"] * z[0]
        baseline = model.temperature * model.arrays["offsets"]
        return Contributions(values, baseline, values.sum(1) + baseline, LOG_ODDS)
    if model.kind == "forest":
        values, baseline = tree_shapley(model.arrays, z[0])
        return Contributions(values, baseline, forest_shares(model.arrays, z)[0], SHARE)
    values, baseline, output = _all_sets(model, z[0])
    return Contributions(values, baseline, output, LOG_ODDS)


def tree_shapley(arrays: Arrays, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return contributions (groups, features) and baseline (groups,) of a standardized row to the share of trees."""
    row = z.astype(np.float32).astype(float)
    groups, trees = arrays["values"].shape[1], len(arrays["roots"])
    values, baseline = np.zeros((groups, len(row))), np.zeros(groups)
    for root in arrays["roots"]:
        for leaf, ways in _leaves(arrays, int(root), row):
            found = arrays["values"][leaf]
            baseline += found * float(np.prod([share for _goes, share in ways.values()]))
            for feature, weight in _leaf_weights(ways).items():
                values[:, feature] += weight * found
    return values / trees, baseline / trees


def _leaves(arrays: Arrays, root: int, row: np.ndarray) -> list[tuple[int, dict[int, tuple[float, float]]]]:
    """Leaves of a tree; by feature on the way, whether the row goes there (1, 0) and the share of training rows."""
    found: list[tuple[int, dict[int, tuple[float, float]]]] = []
    stack: list[tuple[int, dict[int, tuple[float, float]]]] = [(root, {})]
    while stack:
        node, ways = stack.pop()
        if arrays["left"][node] < 0:
            found.append((node, ways))
            continue
        feature = int(arrays["split"][node])
        goes_left = row[feature] <= arrays["thresholds"][node]
        goes, share = ways.get(feature, (1.0, 1.0))
        for child, taken in ((arrays["left"][node], goes_left), (arrays["right"][node], not goes_left)):
            part = share * float(arrays["cover"][child] / arrays["cover"][node])
            stack.append((int(child), {**ways, feature: (goes * float(taken), part)}))
    return found


def _leaf_weights(ways: dict[int, tuple[float, float]]) -> dict[int, float]:
    """Shapley value by feature of a game that is the product of "goes" over a set and of "share" over the rest."""
    count, found = len(ways), {}
    for feature, (goes, share) in ways.items():
        if goes == share:
            continue
        sums = np.array([1.0])  # by size of the set, of the products over the other features
        for other, (other_goes, other_share) in ways.items():
            if other != feature:
                sums = np.append(sums * other_share, 0.0) + np.append(0.0, sums * other_goes)
        total = sum(sums[size] * factorial(size) * factorial(count - size - 1) for size in range(count))
        found[feature] = (goes - share) * float(total) / factorial(count)
    return found


def _all_sets(model: DiagnosisModel, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = len(z)
    if count > MOST_FEATURES:
        raise InputError(
            f"A {model.kind} of {count} features cannot be explained exactly, {MOST_FEATURES} are the most: train it "
            "with --selection yes."
        )
    step = max(1, len(model.rows) // BACKGROUND_ROWS)
    background = model.rows[::step][:BACKGROUND_ROWS]
    games = np.stack([_game(model, z, background, number) for number in range(1 << count)])
    values = np.zeros((games.shape[1], count))
    for feature in range(count):
        for number in range(1 << count):
            if not number >> feature & 1:
                size = number.bit_count()
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                values[:, feature] += weight * (games[number | 1 << feature] - games[number])
    return values, games[0], games[-1]


def _game(model: DiagnosisModel, z: np.ndarray, background: np.ndarray, number: int) -> np.ndarray:
    """Mean score (groups,) with the features of a set (bits of ``number``) from the row, the others from background."""
    inside = np.array([bool(number >> feature & 1) for feature in range(len(z))])
    return model.temperature * scores(model.kind, model.arrays, np.where(inside, z, background)).mean(0)
