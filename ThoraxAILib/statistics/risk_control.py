"""Choose a threshold whose expected loss on a new scan stays below a stated limit, whatever the distribution.

Conformal Risk Control: Angelopoulos, Bates, Fisch, Lei, Schuster, "Conformal Risk Control", ICLR 2024
(arXiv 2208.02814), theorem 1. Risk-controlling prediction sets with the Waudby-Smith-Ramdas bound: Bates, Angelopoulos,
Lei, Malik, Jordan, "Distribution-free, risk-controlling prediction sets", J. ACM 68 (2021), proposition 5.
Both ask that calibration scans and the new scan are exchangeable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import InputError

CRC, RCPS = "crc", "rcps"
METHODS = (CRC, RCPS)
ROUNDING = 1e-12  # of sums of losses
BISECTIONS = 40


@dataclass(frozen=True, eq=False)
class LossTable:
    """Loss of each scan at each threshold: thresholds (m,) rising, losses (n, m) in 0..bound, never falling along m.

    A higher threshold reports less, so it never loses less; rows that do are lifted to their running maximum, which
    keeps the guarantee (arXiv 2208.02814, section 2.3). ``lifted`` counts those rows.
    """

    thresholds: np.ndarray
    losses: np.ndarray
    bound: float = 1.0
    lifted: int = 0

    @staticmethod
    def of(thresholds: np.ndarray, losses: np.ndarray, bound: float = 1.0) -> LossTable:
        """Return a table from columns in any order; raises InputError for what is no table of losses."""
        values, table = np.asarray(thresholds, dtype=float), np.asarray(losses, dtype=float)
        if table.ndim != 2 or not table.size or table.shape[1] != len(values):
            raise InputError("The table of losses is empty: give one row for each scan, one column for each threshold.")
        if not np.isfinite(values).all() or len(np.unique(values)) < len(values):
            raise InputError("The thresholds of the table must be different, finite numbers: correct its first line.")
        wrong = ~((table >= -ROUNDING) & (table <= bound + ROUNDING))
        if wrong.any():
            raise InputError(
                f"{int(wrong.sum())} of {table.size} losses are not numbers from 0 to {bound:g} (the first is "
                f"{table[wrong][0]:g}): a loss is 1 - sensitivity of a scan."
            )
        order = np.argsort(values)
        ordered = table[:, order]
        if ordered[:, -1].mean() < ordered[:, 0].mean() - ROUNDING:
            raise InputError(
                "The losses fall as the threshold rises, which no detector does: give 1 - sensitivity, not sensitivity."
            )
        rising = np.maximum.accumulate(ordered, axis=1)
        lifted = int((rising > ordered + ROUNDING).any(axis=1).sum())
        return LossTable(values[order], np.clip(rising, 0.0, bound), bound, lifted)

    @property
    def scans(self) -> int:
        """How many scans the table holds."""
        return len(self.losses)

    def of_rows(self, rows: np.ndarray) -> LossTable:
        """Return the table of some scans, by mask or by row."""
        return LossTable(self.thresholds, self.losses[rows], self.bound)


@dataclass(frozen=True)
class Controlled:
    """A threshold and what is promised with it.

    ``risk`` is the mean loss of the calibration scans there, ``adjusted`` the bound that was held below the limit:
    the risk with the finite-sample term (CRC) or its upper confidence bound (RCPS).
    """

    threshold: float
    risk: float
    adjusted: float
    scans: int


def least_scans(alpha: float, bound: float = 1.0) -> int:
    """Return how many calibration scans CRC needs at least: the smallest n with bound / (n + 1) <= alpha."""
    return max(1, math.ceil(bound / alpha - 1.0 - ROUNDING))


def control_risk(table: LossTable, alpha: float) -> Controlled:
    """Return the highest threshold whose expected loss on a new scan is at most ``alpha`` (CRC).

    It is the last one before n/(n+1) R + bound/(n+1) first reaches alpha, R being the mean loss. Raises InputError when
    no threshold of the table gets there, with what could be had and how many scans that needs.
    """
    _check_alpha(alpha, table.bound)
    scans = table.scans
    risk = table.losses.mean(axis=0)
    adjusted = (scans / (scans + 1)) * risk + table.bound / (scans + 1)
    if adjusted[0] > alpha + ROUNDING:
        raise InputError(_infeasible(table, alpha, float(risk[0]), float(adjusted[0])))
    reached = np.flatnonzero(adjusted >= alpha)
    index = max(int(reached[0]) - 1, 0) if len(reached) else len(risk) - 1
    return Controlled(float(table.thresholds[index]), float(risk[index]), float(adjusted[index]), scans)


def _infeasible(table: LossTable, alpha: float, risk: float, adjusted: float) -> str:
    lowest, scans = table.thresholds[0], table.scans
    head = (
        f"A mean loss of at most {alpha:g} cannot be promised from {scans} scans: the lowest threshold ({lowest:g}) "
        f"loses {risk:.3g} on them, which with the term for their small number is {adjusted:.3g}. "
    )
    if risk < alpha:
        needed = max(least_scans(alpha, table.bound), math.ceil((table.bound - alpha) / (alpha - risk) - ROUNDING))
        return head + f"At this loss at least {needed} scans are needed: add scans or allow a larger alpha."
    return head + f"No number of scans helps: lower the lowest threshold or allow an alpha above {risk:.3g}."


def control_risk_with_confidence(table: LossTable, alpha: float, delta: float) -> Controlled:
    """Return the highest threshold whose risk is at most ``alpha`` with probability 1 - ``delta`` (RCPS, WSR bound).

    Raises InputError when no threshold of the table gets there.
    """
    _check_alpha(alpha, table.bound)
    if not 0 < delta < 1:
        raise InputError(f"The probability delta must lie between 0 and 1, {delta:g} was given: choose e.g. 0.1.")
    best: Controlled | None = None
    upper = 0.0
    for column, threshold in enumerate(table.thresholds):
        upper = upper_bound_of_mean(table.losses[:, column] / table.bound, delta) * table.bound
        if upper > alpha:
            break
        best = Controlled(float(threshold), float(table.losses[:, column].mean()), upper, table.scans)
    if best is None:
        raise InputError(
            f"A mean loss of at most {alpha:g} with confidence {1 - delta:g} cannot be promised from {table.scans} "
            f"scans: at the lowest threshold its upper bound is {upper:.3g}. Add scans or allow a larger alpha."
        )
    return best


def upper_bound_of_mean(values: np.ndarray, delta: float) -> float:
    """Return the Waudby-Smith-Ramdas upper confidence bound of the mean of values (n,) in 0..1 at level 1 - delta.

    The capital process of proposition 5 of the source above, read in the order of ``values``; the bound is the
    smallest mean at which it ever reaches 1 / delta, found by bisection.
    """
    count = len(values)
    numbers = np.arange(1, count + 1)
    means = (0.5 + np.cumsum(values)) / (1 + numbers)
    variances = (0.25 + np.cumsum((values - means) ** 2)) / (1 + numbers)
    before = np.concatenate(([0.25], variances[:-1]))
    bets = np.minimum(1.0, np.sqrt(2.0 * math.log(1.0 / delta) / (count * before)))

    def refuted(mean: float) -> bool:
        with np.errstate(divide="ignore"):
            capital = np.cumsum(np.log(np.maximum(1.0 - bets * (values - mean), 0.0)))
        return bool(capital.max() > math.log(1.0 / delta))

    if not refuted(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if refuted(middle) else (middle, high)
    return high


def _check_alpha(alpha: float, bound: float) -> None:
    if not 0 < alpha < bound:
        raise InputError(f"Alpha must lie between 0 and {bound:g}, {alpha:g} was given: choose e.g. 0.1.")
