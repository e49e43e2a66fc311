"""From odds of single pairs to what they mean together: at most one partner for everyone.

Marginals by belief propagation: Williams & Lau, IEEE Trans. Aerosp. Electron. Syst. 50:2942 (2014), eq. 17-20.
"""

from __future__ import annotations

import numpy as np

MAX_LOG_ODDS = 25.0
ITERATIONS, TOLERANCE = 200, 1e-7


def pair_probabilities(log_odds: np.ndarray) -> np.ndarray:
    """Probability of every pair (..., n, m) when everyone has at most one partner.

    ``log_odds`` (..., n, m) compare "these two are the same" with "both stay alone"; -inf forbids a pair.
    """
    odds = np.exp(np.clip(log_odds, -MAX_LOG_ODDS * 4, MAX_LOG_ODDS))
    odds = np.where(np.isneginf(log_odds), 0.0, odds)
    free = np.ones_like(odds)
    for _ in range(ITERATIONS):
        weighted = odds * free
        claim = odds / (1.0 + weighted.sum(axis=-1, keepdims=True) - weighted)
        before, free = free, 1.0 / (1.0 + claim.sum(axis=-2, keepdims=True) - claim)
        if np.abs(free - before).max(initial=0.0) < TOLERANCE:
            break
    weighted = odds * free
    return weighted / (1.0 + weighted.sum(axis=-1, keepdims=True))


def best_assignment(log_odds: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of the most probable one-to-one assignment; a dummy partner stands for "alone".

    Rejecting costs nothing, so only pairs with positive log odds can be part of it.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = log_odds.shape
    if not rows or not columns:
        return []
    gain = np.zeros((rows, columns + rows))
    gain[:, :columns] = np.where(log_odds > 0, np.minimum(log_odds, 4 * MAX_LOG_ODDS), -1e6)
    chosen = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return [(int(i), int(j)) for i, j in chosen if j < columns and log_odds[i, j] > 0]
