"""Which marks hit which nodules, by the rules of LUNA16 (Setio et al. 2017, evaluation script of the challenge).

A mark hits where its squared distance to the center is below (d/2)^2; of several hits the best score counts and the
others are ignored; marks on excluded findings are ignored; every other mark is a false positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.statistics.marks import Marks, Places, rows_by_series

MAX_MARKS = 100
FALSE_POSITIVE = -1


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of every mark and every nodule: one sample for each nodule, then one for each false positive.

    ``score`` (n,) is minus infinity for a missed nodule; ``scan`` (n,) is the place in ``series``; ``nodule`` (n,) is
    the row in ``nodules`` or FALSE_POSITIVE.
    """

    series: tuple[str, ...]
    nodules: Places
    score: np.ndarray
    scan: np.ndarray
    nodule: np.ndarray
    marks: int = 0
    marks_cut: int = 0
    marks_on_excluded: int = 0
    doubles: int = 0
    marks_elsewhere: int = 0
    nodules_elsewhere: int = 0

    @property
    def is_nodule(self) -> np.ndarray:
        """Which samples are nodules, hit or missed."""
        return self.nodule != FALSE_POSITIVE

    @property
    def is_missed(self) -> np.ndarray:
        """Which samples are nodules without a mark."""
        return np.isneginf(self.score)

    def among(self, chosen: np.ndarray) -> Outcome:
        """Return the outcome for the nodules chosen by a mask over ``nodules``; false positives stay as they are."""
        keep = ~self.is_nodule
        keep[self.is_nodule] = np.asarray(chosen, dtype=bool)[self.nodule[self.is_nodule]]
        return Outcome(
            self.series,
            self.nodules,
            self.score[keep],
            self.scan[keep],
            self.nodule[keep],
            self.marks,
            self.marks_cut,
            self.marks_on_excluded,
            self.doubles,
            self.marks_elsewhere,
            self.nodules_elsewhere,
        )

    def at_threshold(self, threshold: float) -> tuple[float, float]:
        """(sensitivity, false positives per scan) when only marks of this score or above are reported."""
        reported, nodules = self.score >= threshold, self.is_nodule
        sensitivity = float((reported & nodules).sum() / nodules.sum()) if nodules.any() else 0.0
        return sensitivity, float((reported & ~nodules).sum() / len(self.series))


@dataclass(frozen=True, eq=False)
class _Scan:
    """What came of one scan: best score of each of its nodules, scores of its false positives, counts."""

    nodule_score: np.ndarray
    false_positives: np.ndarray
    cut: int
    on_excluded: int
    doubles: int


def match(
    marks: Marks, nodules: Places, excluded: Places, series: Sequence[str], most_marks: int = MAX_MARKS
) -> Outcome:
    """Return the outcome of ``marks`` over the scans ``series``; rows of other scans are left out and counted.

    Scans without a mark or a nodule count as scans. Raises InputError for an empty or repeating list of scans.
    """
    names = _checked_series(series)
    of_marks, of_nodules, of_excluded = (rows_by_series(rows.series) for rows in (marks, nodules, excluded))
    nothing = np.empty(0, dtype=int)
    score, scan, nodule = [np.empty(0)], [nothing], [nothing]
    totals = np.zeros(4, dtype=int)
    for index, name in enumerate(names):
        of_marks_here, here = of_marks.get(name, nothing), of_nodules.get(name, nothing)
        found = _match_scan(marks, of_marks_here, nodules, here, excluded, of_excluded.get(name, nothing), most_marks)
        score += [found.nodule_score, found.false_positives]
        nodule += [here, np.full(len(found.false_positives), FALSE_POSITIVE)]
        scan.append(np.full(len(here) + len(found.false_positives), index))
        totals += (len(of_marks_here), found.cut, found.on_excluded, found.doubles)
    elsewhere = len(marks.series) - totals[0], len(nodules.series) - sum(len(of_nodules.get(n, ())) for n in names)
    return Outcome(
        names,
        nodules,
        np.concatenate(score),
        np.concatenate(scan),
        np.concatenate(nodule),
        *(int(count) for count in (*totals, *elsewhere)),
    )


def _checked_series(series: Sequence[str]) -> tuple[str, ...]:
    names = tuple(str(name) for name in series)
    if not names:
        raise InputError("The list of scans is empty: name at least one series.")
    repeated = len(names) - len(set(names))
    if repeated:
        raise InputError(f"The list of scans names {repeated} series more than once: give each series one line.")
    return names


def _match_scan(
    marks: Marks,
    rows: np.ndarray,
    nodules: Places,
    here: np.ndarray,
    excluded: Places,
    left_out: np.ndarray,
    most_marks: int,
) -> _Scan:
    kept = rows[_within_limit(marks.score[rows], most_marks)]
    scores = marks.score[kept]
    hits = _hits(nodules, here, marks, kept)
    on_excluded = _hits(excluded, left_out, marks, kept).any(axis=0)
    on_nodule = hits.any(axis=0)
    best = np.where(hits, scores, -np.inf).max(axis=1, initial=-np.inf)
    doubles = int(np.maximum(hits.sum(axis=1) - 1, 0).sum())
    return _Scan(
        best, scores[~on_nodule & ~on_excluded], len(rows) - len(kept), int((on_excluded & ~on_nodule).sum()), doubles
    )


def _within_limit(score: np.ndarray, most_marks: int) -> np.ndarray:
    """Which marks of one scan count: all up to the limit, else those strictly above the first score beyond it."""
    if len(score) <= most_marks:
        return np.ones(len(score), dtype=bool)
    return score > np.sort(score)[::-1][most_marks]


def _hits(places: Places, rows: np.ndarray, marks: Marks, kept: np.ndarray) -> np.ndarray:
    """(places, marks): whether a mark lies strictly inside the sphere of a place."""
    d = places.centers_ras_mm[rows][:, None] - marks.centers_ras_mm[kept][None]
    return d[..., 0] ** 2 + d[..., 1] ** 2 + d[..., 2] ** 2 < places.squared_radius_mm2[rows][:, None]
