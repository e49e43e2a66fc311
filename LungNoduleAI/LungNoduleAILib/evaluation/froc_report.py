"""froc.json, froc.csv and froc.png: one evaluation of a detector as files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from LungNoduleAILib.evaluation.froc_picture import draw_froc
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.statistics.froc import (
    RATES,
    RESAMPLES,
    Bootstrap,
    Curve,
    Interval,
    bootstrap,
    evaluate_froc,
    froc_curve,
)
from ThoraxAILib.statistics.mark_matching import Outcome
from ThoraxAILib.statistics.marks import Marks, Places

SCHEMA = "thoraxai.froc/1"
CSV_FILE, PICTURE_FILE, JSON_FILE = "froc.csv", "froc.png", "froc.json"
SIZE_EDGES_MM = (0.0, 4.0, 6.0, 8.0, 15.0, 30.0, np.inf)  # the size limits of Lung-RADS and of a mass
DECIMALS = 6


@dataclass(frozen=True, eq=False)
class FrocReport:
    """One evaluation: what came of marks and nodules, the curve, and its intervals over resampled scans.

    One scan cannot be resampled: there is no interval then. ``training_scans`` trained the detector: with any of them
    the score is not clean.
    """

    outcome: Outcome
    curve: Curve
    intervals: Bootstrap | None
    threshold: float | None = None
    training_scans: tuple[str, ...] = ()

    @property
    def of_sizes(self) -> list[dict]:
        """Results per band of diameter that holds a nodule; unknown diameters are a band of their own."""
        diameter = self.outcome.nodules.diameter_mm
        bands: list[tuple[dict, dict[str, float | None]]] = [(self._of(diameter < 0), {"from_mm": None, "to_mm": None})]
        for low, high in pairwise(SIZE_EDGES_MM):
            limits = {"from_mm": low, "to_mm": high if np.isfinite(high) else None}
            bands.append((self._of((diameter >= low) & (diameter < high)), limits))
        return [{**limits, **result} for result, limits in bands if result]

    @property
    def of_types(self) -> dict[str, dict]:
        """Results per nodule type, when the annotations name types."""
        types = np.array(self.outcome.nodules.type, dtype=str)
        results = {str(name): self._of(types == name) for name in sorted(set(types))}
        return {name: result for name, result in results.items() if result}

    def to_dict(self) -> dict:
        """Return the content of froc.json."""
        outcome, nodules = self.outcome, self.outcome.is_nodule
        content = {
            "schema": SCHEMA,
            **_scores(self.curve),
            "nodules": int(nodules.sum()),
            "scans": len(outcome.series),
            "confidence_interval": None if self.intervals is None else _intervals(self.intervals),
            "detected": int((nodules & ~outcome.is_missed).sum()),
            "marks": {
                "in_listed_scans": outcome.marks,
                "false_positives": int((~nodules).sum()),
                "doubles": outcome.doubles,
                "on_excluded": outcome.marks_on_excluded,
                "beyond_100_per_scan": outcome.marks_cut,
                "in_other_scans": outcome.marks_elsewhere,
            },
            "nodules_in_other_scans": outcome.nodules_elsewhere,
            "per_size": self.of_sizes,
            "is_clean": not self.training_scans,
            "training_scans": list(self.training_scans),
        }
        if outcome.nodules.type:
            content["per_type"] = self.of_types
        if self.threshold is not None:
            sensitivity, rate = outcome.at_threshold(self.threshold)
            content["at_threshold"] = {
                "threshold": self.threshold,
                "sensitivity": round(sensitivity, DECIMALS),
                "false_positives_per_scan": round(rate, DECIMALS),
            }
        return content

    def _of(self, chosen: np.ndarray) -> dict:
        """Scores for the chosen nodules against all false positives; empty when no listed scan holds one."""
        outcome = self.outcome.among(chosen)
        count = int(outcome.is_nodule.sum())
        return {"nodules": count, **_scores(froc_curve(outcome))} if count else {}


def make_report(
    marks: Marks,
    nodules: Places,
    excluded: Places,
    series: tuple[str, ...],
    seed: int = 0,
    resamples: int = RESAMPLES,
    threshold: float | None = None,
) -> FrocReport:
    """Evaluate marks over scans with intervals from ``resamples`` resampled sets of scans; raises InputError."""
    outcome, curve = evaluate_froc(marks, nodules, excluded, series)
    intervals = bootstrap(outcome, resamples, seed) if len(outcome.series) > 1 else None
    return FrocReport(outcome, curve, intervals, threshold)


def write_report(report: FrocReport, output: Path, title: str = "") -> None:
    """Write froc.json, froc.csv and froc.png to the folder ``output``, all or none."""
    with OutputFolder(output, (CSV_FILE, PICTURE_FILE, JSON_FILE)) as folder:
        _write_curve(folder / CSV_FILE, report.curve)
        (folder / PICTURE_FILE).write_bytes(draw_froc(report.curve, report.intervals, title))
        text = json.dumps(report.to_dict(), indent=2, allow_nan=False)
        (folder / JSON_FILE).write_text(text + "\n", encoding="utf-8")


def _write_curve(path: Path, curve: Curve) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = SafeWriter(file)
        writer.writerow(("threshold", "false_positives_per_scan", "sensitivity"))
        for row in zip(curve.threshold, curve.false_positives_per_scan, curve.sensitivity, strict=True):
            writer.writerow(f"{value:.9g}" for value in row)


def _scores(curve: Curve) -> dict:
    at = {f"{rate:g}": round(float(value), DECIMALS) for rate, value in zip(RATES, curve.sensitivity_at(), strict=True)}
    return {"cpm": round(curve.cpm, DECIMALS), "sensitivity_at": at}


def _intervals(found: Bootstrap) -> dict:
    at = {f"{rate:g}": _bounds(interval) for rate, interval in zip(RATES, found.sensitivity_at, strict=True)}
    return {
        "of": "cpm",
        **_bounds(found.cpm),
        "confidence": found.confidence,
        "resamples": found.resamples,
        "seed": found.seed,
        "unit": "scan",
        "sensitivity_at": at,
    }


def _bounds(interval: Interval) -> dict:
    return {name: round(value, DECIMALS) for name, value in vars(interval).items()}
