"""How far scores can be read as probabilities: reliability curve, expected calibration error, predictive value.

Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015 (ECE);
bins of equal count, as equal widths leave most bins of a detector empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import InputError

BINS = 10
RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Bin:
    """Scores of similar size: their mean, how often they were right, and how many they are."""

    score: float
    right: float
    count: int


@dataclass(frozen=True)
class Reliability:
    """Bins from low to high scores, and the expected calibration error with its interval over resampled scans."""

    bins: tuple[Bin, ...]
    error: float
    low: float
    high: float
    marks: int
    scans: int

    def to_dict(self) -> dict:
        """JSON form."""
        return {
            "expected_calibration_error": round(self.error, 6),
            "interval": {"low": round(self.low, 6), "high": round(self.high, 6), "confidence": CONFIDENCE},
            "marks": self.marks,
            "scans": self.scans,
            "bins": [{key: round(value, 6) for key, value in vars(one).items()} for one in self.bins],
        }


def reliability(scores: np.ndarray, right: np.ndarray, scan: np.ndarray, seed: int = 0) -> Reliability:
    """Return how scores (n,) in 0..1 of marks agree with being right (n,), resampling over scans (n,).

    Raises InputError without a mark.
    """
    if not len(scores):
        raise InputError("There is no mark: a reliability curve needs the marks of a detector.")
    bins = _bins(scores, right)
    generator = np.random.default_rng(seed)
    names = np.unique(scan)
    rows = [np.flatnonzero(scan == name) for name in names]
    errors = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([rows[n] for n in generator.integers(0, len(names), len(names))])
        errors.append(_error(_bins(scores[chosen], right[chosen])))
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(errors, (outside, 1 - outside))
    return Reliability(bins, _error(bins), float(low), float(high), len(scores), len(names))


def predictive_value(sensitivity: float, false_positive_share: float, prevalence: float) -> float:
    """Return the positive predictive value by Bayes' rule; 0 where nothing would be told positive."""
    true, false = sensitivity * prevalence, false_positive_share * (1 - prevalence)
    return true / (true + false) if true + false > 0 else 0.0


def _bins(scores: np.ndarray, right: np.ndarray) -> tuple[Bin, ...]:
    order = np.argsort(scores, kind="stable")
    return tuple(
        Bin(float(scores[part].mean()), float(right[part].mean()), len(part))
        for part in np.array_split(order, min(BINS, len(order)))
        if len(part)
    )


def _error(bins: tuple[Bin, ...]) -> float:
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.score - one.right) for one in bins) / total
