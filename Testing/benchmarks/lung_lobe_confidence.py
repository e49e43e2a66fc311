"""Benchmark: how often the lobe of a place is right, by its distance from the border of the lobes.

``python Testing/benchmarks/lung_lobe_confidence.py [--setting S] [--cases N] [--first-seed S] [--pixel-mm X]``; places
are drawn at random in the true lungs of synthetic CTs. Nothing is asserted. Intervals: bootstrap over CTs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable

import numpy as np
from lung_anatomy import in_lps, run

from LungNoduleAILib.guidelines.from_findings import UPPER_LOBES
from LungNoduleAILib.measurement.lobe_confidence import ERROR_MM, confidence_at, to_other_lobe_mm
from LungNoduleAILib.model.anatomy import LLL, LOBE_OF_LABEL, RUL, Anatomy
from LungNoduleAILib.model.findings import SURE_LOBE
from LungNoduleAILib.synthesis import draw_case
from ThoraxAILib.image.volume import Volume

BANDS_MM = (0, 3, 6, 10, 15, 25, 41)
PLACES = 500  # of each CT


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--setting", default="held-out")
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=9100)
    parser.add_argument("--pixel-mm", type=float, default=1.0)
    arguments = parser.parse_args()
    cases = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.cases):
        cases.append(places_of(seed, arguments.setting, arguments.pixel_mm))
        print(seed, report(cases[-1:]), flush=True)
    print(json.dumps(report(cases), indent=1))
    return 0


def places_of(seed: int, setting: str, pixel_mm: float) -> np.ndarray:
    """Return the rows of a synthetic CT; see ``rows_of``."""
    case = draw_case(seed, setting, pixel_mm=pixel_mm)
    volume = in_lps(case.volume)
    found, _ = run("learned", volume, None)
    return rows_of(volume, case.volume.axis_order_to_lps().apply_array(case.labels), found, seed)


def rows_of(volume: Volume, truth: np.ndarray, found: Anatomy, seed: int) -> np.ndarray:
    """Rows (distance to the border, right, upper, found upper) of places in a CT's lungs that the segmenter found."""
    both = (truth >= RUL) & (truth <= LLL) & (found.labels >= RUL) & (found.labels <= LLL)
    candidates = np.argwhere(both[::2, ::3, ::3]) * np.array([2, 3, 3])
    rng = np.random.default_rng([seed, 7])
    rows = []
    for place in candidates[rng.choice(len(candidates), min(PLACES, len(candidates)), replace=False)]:
        own, true = int(found.labels[tuple(place)]), int(truth[tuple(place)])
        gap = to_other_lobe_mm(volume, found, place.astype(float), own)
        rows.append((gap, own == true, *(LOBE_OF_LABEL[n] in UPPER_LOBES for n in (true, own))))
    return np.array(rows, float)


def report(cases: list[np.ndarray]) -> dict:
    """Accuracy by distance, the distance that fits best, and what is sure enough for the guidelines."""
    rows = np.concatenate(cases)
    gap, right = rows[:, 0], rows[:, 1] > 0
    bands = {
        f"{low} to {high} mm": [int(held.sum()), round(float(right[held].mean()), 3)]
        for low, high in itertools.pairwise(BANDS_MM)
        if (held := (gap >= low) & (gap < high)).any()
    }
    scales = np.arange(2.0, 30.0, 0.5)
    chances = [np.clip(1 - 0.5 * np.exp(-gap / scale), 0.5, 0.999) for scale in scales]
    likelihood = [float(np.where(right, np.log(p), np.log(1 - p)).mean()) for p in chances]
    told = np.array([confidence_at(g) for g in gap])
    return {
        "cases": len(cases),
        "right": round(float(right.mean()), 3),
        "by distance": bands,
        "best error mm": float(scales[int(np.argmax(likelihood))]),
        "used error mm": ERROR_MM,
        "mean confidence": round(float(told.mean()), 3),
        "sure": interval(cases, lambda r, sure: float(sure.mean())),
        "upper lobe right where sure": interval(cases, lambda r, sure: float((r[sure, 2] == r[sure, 3]).mean())),
        "upper lobe right elsewhere": interval(cases, lambda r, sure: float((r[~sure, 2] == r[~sure, 3]).mean())),
    }


def interval(cases: list[np.ndarray], statistic: Callable[[np.ndarray, np.ndarray], float]) -> list[float]:
    """Value with its interval of 95 %, CTs drawn again."""
    rng = np.random.default_rng(5)

    def of(drawn: list[np.ndarray]) -> float:
        rows = np.concatenate(drawn)
        return statistic(rows, np.array([confidence_at(g) for g in rows[:, 0]]) >= SURE_LOBE)

    again = [of([cases[n] for n in rng.integers(len(cases), size=len(cases))]) for _ in range(200)]
    return [round(float(v), 3) for v in (of(cases), *np.nanpercentile(again, [2.5, 97.5]))]


if __name__ == "__main__":
    sys.exit(main())
