"""Scores of the matching benchmarks with intervals from a bootstrap over people or cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

RESAMPLES = 2000


def interval_over_groups(marks: Sequence[tuple[Hashable, bool]]) -> str:
    """Share of true marks with its 95 % interval, resampling whole groups."""
    counts = group_counts(marks)
    low, high = bootstrap(counts, lambda sums: sums[..., 0] / np.maximum(sums[..., 1], 1))
    right, total = counts.sum(axis=0)
    return f"{right / total:.3f} ({low:.3f}-{high:.3f}) n={total}"


def group_counts(marks: Sequence[tuple[Hashable, bool]]) -> np.ndarray:
    """True marks and all marks of every group (groups, 2)."""
    counts: dict[Hashable, list[int]] = defaultdict(lambda: [0, 0])
    for group, right in marks:
        counts[group][0] += int(right)
        counts[group][1] += 1
    return np.array(list(counts.values()))


def bootstrap(counts: np.ndarray, score: object) -> tuple[float, float]:
    """95 % interval of ``score(sums)`` when the rows of ``counts`` (groups, numbers) are drawn anew."""
    random = np.random.default_rng(0)
    drawn = random.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=RESAMPLES)
    low, high = np.percentile(score(drawn @ counts), [2.5, 97.5])
    return float(low), float(high)


def f1(sums: np.ndarray) -> np.ndarray:
    """F1 of (true positive, false positive, false negative) sums (..., 3)."""
    return 2 * sums[..., 0] / np.maximum(2 * sums[..., 0] + sums[..., 1] + sums[..., 2], 1)
