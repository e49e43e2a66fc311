"""Scores of many nodules with intervals over people: outlines by size and attachment, types, size bands, suspicion."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from LungNoduleAILib.cases.nodule_evaluation.outlines import (
    ANALYZED,
    BALL,
    CENTER,
    FREE,
    GROWN,
    HALF,
    RANDOM,
    READER,
    VESSEL,
    WALL,
    NoduleScores,
)

WAYS = (CENTER, RANDOM, ANALYZED, GROWN, HALF, BALL)
CONFIDENCE = 0.95
POOR = 0.5
THIN_MM = 1.5
BANDS_MM = (6.0, 8.0, 15.0)  # limits of solid nodules at a first screening, Lung-RADS v2022
TYPES = ("ground-glass", "part-solid", "solid")
SUSPICIOUS, HARMLESS = 4.0, 2.0
NOT_CALCIFIED = 6.0
Rows = Sequence[NoduleScores]


class People:
    """Resamples people; an interval holds CONFIDENCE of what a statistic is on the resamples."""

    def __init__(self, rows: Rows, seed: int, resamples: int) -> None:
        self._index: dict[str, list[int]] = {}
        for number, row in enumerate(rows):
            self._index.setdefault(row.person, []).append(number)
        self._rng_seed, self._resamples = seed, resamples

    def estimate(self, statistic: Callable[[np.ndarray], float | None]) -> dict:
        """Return the statistic of all rows (by their numbers) and its interval; None where it is not defined."""
        everyone = np.arange(sum(len(rows) for rows in self._index.values()))
        value = statistic(everyone)
        if value is None:
            return {"value": None, "low": None, "high": None}
        groups = [np.array(rows) for rows in self._index.values()]
        rng = np.random.default_rng(self._rng_seed)
        drawn = []
        for _ in range(self._resamples):
            picked = np.concatenate([groups[n] for n in rng.integers(len(groups), size=len(groups))])
            again = statistic(picked)
            if again is not None:
                drawn.append(again)
        edge = (1 - CONFIDENCE) / 2
        low, high = np.quantile(drawn, (edge, 1 - edge)) if drawn else (None, None)
        return {
            name: None if v is None else round(float(v), 4) for name, v in zip(_KEYS, (value, low, high), strict=True)
        }


_KEYS = ("value", "low", "high")


def groups_of(rows: Rows) -> dict[str, list[NoduleScores]]:
    """Return the nodules by size, slices and attachment; groups may be empty."""
    return {
        "all": list(rows),
        "under 6 mm": [row for row in rows if row.diameter_mm < 6],
        "6 to 10 mm": [row for row in rows if 6 <= row.diameter_mm < 10],
        "10 to 15 mm": [row for row in rows if 10 <= row.diameter_mm < 15],
        "15 mm and more": [row for row in rows if row.diameter_mm >= 15],
        "slices up to 1.5 mm": [row for row in rows if row.slice_mm <= THIN_MM],
        "thicker slices": [row for row in rows if row.slice_mm > THIN_MM],
        **{name: [row for row in rows if row.attachment == name] for name in (WALL, VESSEL, FREE)},
    }


def outline_scores(rows: Rows, seed: int, resamples: int) -> dict:
    """Return for every group and way: mean Dice, share below POOR, volume errors, each with its interval."""
    return {
        name: {
            "nodules": len(group),
            "people": len({row.person for row in group}),
            **({way: _of_way(group, way, seed, resamples) for way in (*WAYS, READER)} if group else {}),
        }
        for name, group in groups_of(rows).items()
    }


def _of_way(rows: Rows, way: str, seed: int, resamples: int) -> dict:
    rows = [row for row in rows if way != READER or row.reader_dice]
    if not rows:
        return {"nodules": 0}
    if way == READER:
        overlap, error = [row.reader_dice for row in rows], [row.reader_volume_error for row in rows]
    else:
        overlap, error = [(row.dice[way],) for row in rows], [(row.volume_error[way],) for row in rows]
    # one entry per outline: a nodule with four readers has four, all of the same person
    people = People([row for row, some in zip(rows, overlap, strict=True) for _ in some], seed, resamples)

    def over(values: list[tuple[float, ...]], statistic: Callable[[np.ndarray], float]) -> dict:
        flat = np.concatenate(values)
        return people.estimate(lambda numbers: float(statistic(flat[numbers])))

    return {
        "nodules": len(rows),
        "dice": over(overlap, np.mean),
        "dice_median": round(float(np.median(np.concatenate(overlap))), 4),
        "below_half": over(overlap, lambda values: float((values < POOR).mean())),
        "volume_error_median": over(error, np.median),
        "volume_error_absolute_median": over(error, lambda values: float(np.median(np.abs(values)))),
    }


def type_scores(rows: Rows, seed: int, resamples: int) -> dict:
    """Return agreement of types with readers' texture: kappa, table, and what the issue of small solid ones asks."""
    rated = [row for row in rows if "texture" in row.ratings and row.type is not None]
    truth = np.array([type_of_texture(row.ratings["texture"]) for row in rated])
    told = np.array([TYPES.index("solid" if row.type == "calcified" else str(row.type)) for row in rated])
    small = np.array([row.diameter_mm < BANDS_MM[0] for row in rated], bool)
    thin = [number for number, row in enumerate(rated) if row.slice_mm <= THIN_MM]
    people = People(rated, seed, resamples)
    table = np.zeros((3, 3), int)
    np.add.at(table, (truth, told), 1)
    calcified = [row for row in rated if "calcification" in row.ratings]
    hard = np.array([row.ratings["calcification"] < NOT_CALCIFIED for row in calcified], bool)
    found = np.array([row.type == "calcified" for row in calcified], bool)
    return {
        "nodules": len(rated),
        "kappa": people.estimate(lambda numbers: kappa(truth[numbers], told[numbers])),
        "kappa_thin_slices": People([rated[n] for n in thin], seed, resamples).estimate(
            lambda numbers: kappa(truth[thin][numbers], told[thin][numbers])
        ),
        "thin_slices": len(thin),
        "rows_readers_columns_ours": {"order": list(TYPES), "table": table.tolist()},
        "small_solid_told_subsolid": people.estimate(lambda n: _share(told[n] < 2, (truth[n] == 2) & small[n])),
        "small_solid": int(((truth == 2) & small).sum()),
        "part_solid_found": people.estimate(lambda n: _share(told[n] == 1, truth[n] == 1)),
        "part_solid": int((truth == 1).sum()),
        "calcified": {
            "readers": int(hard.sum()),
            "found": int((found & hard).sum()),
            "false": int((found & ~hard).sum()),
        },
    }


def type_of_texture(texture: float) -> int:
    """Return the number in TYPES of readers' texture, 1 non-solid to 5 solid."""
    return 0 if texture < 2.5 else 1 if texture < 3.5 else 2


def _share(what: np.ndarray, among: np.ndarray) -> float | None:
    return float(what[among].mean()) if among.any() else None


def kappa(truth: np.ndarray, told: np.ndarray) -> float | None:
    """Cohen's kappa of two lists of classes; None when only one class occurs."""
    if not len(truth):
        return None
    classes = int(max(truth.max(), told.max())) + 1
    table = np.zeros((classes, classes))
    np.add.at(table, (truth, told), 1)
    agreed, chance = np.trace(table) / table.sum(), (table.sum(0) * table.sum(1)).sum() / table.sum() ** 2
    return None if chance >= 1 else float((agreed - chance) / (1 - chance))


def band_scores(rows: Rows, seed: int, resamples: int) -> dict:
    """Return how often the Lung-RADS band of the diameter differs from that of the consensus, solid nodules only."""
    rated = [row for row in rows if row.ratings.get("texture", 5.0) > 3.5]
    truth = np.array([np.searchsorted(BANDS_MM, row.consensus_diameter_mm, side="right") for row in rated])
    told = np.array([np.searchsorted(BANDS_MM, row.mean_diameter_mm or 0.0, side="right") for row in rated])
    errors = np.array([(row.mean_diameter_mm or 0.0) - row.consensus_diameter_mm for row in rated])
    table = np.zeros((4, 4), int)
    np.add.at(table, (truth, told), 1)
    people = People(rated, seed, resamples)
    return {
        "nodules": len(rated),
        "differs": people.estimate(lambda n: float((truth[n] != told[n]).mean()) if len(n) else None),
        "up": int((told > truth).sum()),
        "down": int((told < truth).sum()),
        "two_or_more": int((np.abs(told - truth) > 1).sum()),
        "rows_readers_columns_ours": table.tolist(),
        "diameter_error_median_mm": round(float(np.median(errors)), 3) if len(errors) else None,
        "diameter_error_absolute_median_mm": round(float(np.median(np.abs(errors))), 3) if len(errors) else None,
    }


def suspicion_scores(rows: Rows, seed: int, resamples: int) -> dict:
    """Return how well suspicion parts what readers rated SUSPICIOUS or more from HARMLESS or less, and calibration."""
    rated = [row for row in rows if "malignancy" in row.ratings and row.suspicion is not None]
    rating = np.array([row.ratings["malignancy"] for row in rated])
    values = {
        "suspicion": np.array([float(row.suspicion or 0) for row in rated]),
        "diameter": np.array([row.mean_diameter_mm or 0.0 for row in rated]),
        "brock": np.array([row.brock or 0.0 for row in rated]),
    }
    people = People(rated, seed, resamples)

    def area(score: np.ndarray) -> dict:
        return people.estimate(lambda n: auc(score[n], rating[n] >= SUSPICIOUS, rating[n] <= HARMLESS))

    own = values["suspicion"]
    intervals = np.array([row.suspicion_interval or (0.0, 0.0) for row in rated]).reshape(-1, 2)
    held = (rating >= intervals[:, 0]) & (rating <= intervals[:, 1])
    difference = people.estimate(
        lambda n: _less(
            auc(own[n], rating[n] >= SUSPICIOUS, rating[n] <= HARMLESS),
            auc(values["diameter"][n], rating[n] >= SUSPICIOUS, rating[n] <= HARMLESS),
        )
    )
    return {
        "nodules": len(rated),
        "suspicious": int((rating >= SUSPICIOUS).sum()),
        "harmless": int((rating <= HARMLESS).sum()),
        "auc": {name: area(score) for name, score in values.items()},
        "auc_more_than_diameter": difference,
        "calibration_slope": people.estimate(
            lambda n: float(np.polyfit(own[n], rating[n], 1)[0]) if np.ptp(own[n]) > 0 else None
        ),
        "mean_error": people.estimate(lambda n: float((own[n] - rating[n]).mean()) if len(n) else None),
        "held_by_interval": people.estimate(lambda n: float(held[n].mean()) if len(n) else None),
    }


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def auc(score: np.ndarray, high: np.ndarray, low: np.ndarray) -> float | None:
    """Area under the ROC curve of a score between two groups, ties counted half; None when one is empty."""
    if not high.any() or not low.any():
        return None
    apart = score[high][:, None] - score[low][None]
    return float((apart > 0).mean() + 0.5 * (apart == 0).mean())
