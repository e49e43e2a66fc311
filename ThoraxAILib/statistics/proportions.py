"""Exact intervals and tests of counts: how sure "14 of 15" is, and whether one classifier beats another."""

from __future__ import annotations


def clopper_pearson(right: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a proportion (Clopper and Pearson, Biometrika 26:404, 1934); 0 to 1 for no case."""
    from scipy.stats import beta

    if total <= 0:
        return 0.0, 1.0
    tail = (1.0 - level) / 2.0
    low = 0.0 if right == 0 else float(beta.ppf(tail, right, total - right + 1))
    high = 1.0 if right == total else float(beta.ppf(1.0 - tail, right + 1, total - right))
    return low, high


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of a paired comparison from its discordant pairs (McNemar, Psychometrika 12:153)."""
    from scipy.stats import binomtest

    total = only_first + only_second
    return 1.0 if total == 0 else float(binomtest(only_first, total, 0.5).pvalue)
