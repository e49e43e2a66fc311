"""FROC and CPM as LUNA16 computes them: sensitivity against false positives per scan, and its mean at seven rates.

Source: Setio et al., Medical Image Analysis 42 (2017), and the challenge's evaluation script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.statistics.mark_matching import Outcome, match
from ThoraxAILib.statistics.marks import Marks, Places

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
CONFIDENCE = 0.95
RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a FROC curve from the highest threshold down; the first point reports nothing (threshold inf)."""

    false_positives_per_scan: np.ndarray
    sensitivity: np.ndarray
    threshold: np.ndarray

    def sensitivity_at(self, rates: Sequence[float] | np.ndarray = RATES) -> np.ndarray:
        """Sensitivity at these false positives per scan, linear between points and level after the last."""
        return np.interp(rates, self.false_positives_per_scan, self.sensitivity)

    @property
    def cpm(self) -> float:
        """Competition performance metric: the mean sensitivity at the seven rates."""
        return float(self.sensitivity_at().mean())

    def threshold_at(self, rate: float) -> float:
        """Return the lowest threshold whose false positives per scan do not exceed ``rate``."""
        return float(self.threshold[self.false_positives_per_scan <= rate][-1])


@dataclass(frozen=True)
class Interval:
    """Mean and bounds of an interval over resampled scans."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """Intervals from resampling scans with replacement; ``resamples`` are those that held a nodule."""

    cpm: Interval
    sensitivity_at: tuple[Interval, ...]
    confidence: float
    resamples: int
    seed: int


def evaluate_froc(marks: Marks, nodules: Places, excluded: Places, series: Sequence[str]) -> tuple[Outcome, Curve]:
    """Match marks and nodules over the scans ``series`` and give the FROC curve; InputError without a nodule."""
    outcome = match(marks, nodules, excluded, series)
    return outcome, froc_curve(outcome)


def froc_curve(outcome: Outcome) -> Curve:
    """Return FROC curve of an outcome; sensitivity 0 everywhere when no nodule was hit; InputError without a nodule."""
    nodules = int(outcome.is_nodule.sum())
    if nodules == 0:
        raise InputError(
            "There is no nodule in the listed scans, so no sensitivity can be given: check that the "
            "annotations and the list of scans name the same series."
        )
    order, ends = _steps(outcome)
    hit = outcome.is_nodule[order]
    true, false = np.r_[0, np.cumsum(hit)[ends]], np.r_[0, np.cumsum(~hit)[ends]]
    threshold = np.r_[np.inf, outcome.score[order][ends]]
    # rates of a ROC curve scaled back to counts, in the order of the challenge's script: the same last digit
    true_rate, false_rate = true / max(true[-1], 1), false / max(false[-1], 1)
    return Curve(false_rate * false[-1] / len(outcome.series), true_rate * true[-1] / nodules, threshold)


def bootstrap(outcome: Outcome, resamples: int = RESAMPLES, seed: int = 0, confidence: float = CONFIDENCE) -> Bootstrap:
    """Intervals of CPM and of the sensitivities over resampled scans, with the challenge's order statistics.

    A resample without any nodule says nothing about sensitivity and is left out.
    """
    random = np.random.default_rng(seed)
    scans = len(outcome.series)
    order, ends = _steps(outcome)
    hit, scan = outcome.is_nodule[order], outcome.scan[order]
    nodules_of_scan = np.bincount(outcome.scan[outcome.is_nodule], minlength=scans)
    found = []
    for _ in range(resamples):
        times = np.bincount(random.integers(scans, size=scans), minlength=scans)
        nodules = int(times @ nodules_of_scan)
        if nodules == 0:
            continue
        weight = times[scan]
        true = np.r_[0, np.cumsum(weight * hit)[ends]] / nodules
        false = np.r_[0, np.cumsum(weight * ~hit)[ends]] / scans
        found.append(np.interp(RATES, false, true))
    if not found:
        raise InputError("No resample of the scans holds a nodule: evaluate more scans.")
    values = np.array(found)
    columns = [_interval(values.mean(axis=1), confidence), *(_interval(column, confidence) for column in values.T)]
    return Bootstrap(columns[0], tuple(columns[1:]), confidence, len(values), seed)


def _steps(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Return samples with a mark from the highest score down, and the last sample of every distinct score."""
    marked = np.flatnonzero(~outcome.is_missed)
    order = marked[np.argsort(-outcome.score[marked], kind="stable")]
    score = outcome.score[order]
    return order, np.flatnonzero(np.r_[score[1:] != score[:-1], True][: len(score)])


def _interval(values: np.ndarray, confidence: float) -> Interval:
    ordered = np.sort(values)
    tail = (1.0 - confidence) / 2.0
    low, high = (ordered[int(np.floor(part * len(ordered)))] for part in (tail, 1.0 - tail))
    return Interval(float(values.mean()), float(low), float(high))
