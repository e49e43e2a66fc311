"""Benchmark: what Conformal Risk Control promises and holds, over many random splits of simulated scans.

``python Testing/benchmarks/lung_guarantee.py [--splits N]``; nothing is asserted. Scans are drawn to the shape of a
published calibration of a lung nodule detector (Hulsman et al., arXiv 2412.20167: 277, 197, 98 and 83 scans with 629,
381, 197 and 130 nodules): the number of nodules per scan, scores of nodules and of false marks. Half of the scans
calibrate, the other half judges. Beside it: a threshold of 0.5, and one threshold for all where one stratum is harder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from LungNoduleAILib.guarantee.calibrate import calibrate
from LungNoduleAILib.guarantee.loss_tables import ScanLosses
from ThoraxAILib.statistics.risk_control import LossTable, control_risk

SETS = {"at least 1 reader": (277, 629, 2.0), "2": (197, 381, 2.8), "3": (98, 197, 4.2), "4": (83, 130, 5.0)}
THRESHOLDS = np.linspace(0, 1, 1001)
ALPHA = 0.1
NEVER_PROPOSED = 0.02
FALSE_MARKS = 40  # candidates of a scan, nearly all of low score


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    print(f"alpha {ALPHA:g}, {arguments.splits} random halves of each set")
    print(f"{'set':<20} scans  sensitivity (SE)     false marks/scan   at 0.5: sensitivity, false marks/scan")
    for name, (scans, nodules, skill) in SETS.items():
        losses, false_marks = simulated(generator, scans, nodules, skill)
        print(f"{name:<20} {scans:>5}  {split_scores(generator, losses, false_marks, arguments.splits)}")
    print(strata(generator, arguments.splits))
    return 0


def simulated(generator: np.random.Generator, scans: int, nodules: int, skill: float) -> tuple[np.ndarray, np.ndarray]:
    """Losses (scans, thresholds) and false marks (scans, thresholds) of one set."""
    counts = 1 + generator.multinomial(nodules - scans, np.full(scans, 1 / scans))
    losses, false_marks = np.empty((scans, len(THRESHOLDS))), np.empty((scans, len(THRESHOLDS)))
    for scan, count in enumerate(counts):
        scores = generator.beta(skill, 1.0, count)
        scores[generator.random(count) < NEVER_PROPOSED] = -1.0
        losses[scan] = 1 - (scores[:, None] >= THRESHOLDS).mean(axis=0)
        false_marks[scan] = (generator.beta(0.35, 4.0, FALSE_MARKS)[:, None] >= THRESHOLDS).sum(axis=0)
    return losses, false_marks


def split_scores(generator: np.random.Generator, losses: np.ndarray, false_marks: np.ndarray, splits: int) -> str:
    """Mean sensitivity and false marks on the judging halves."""
    half = len(losses) // 2
    found = np.empty((splits, 4))
    fixed = int(np.searchsorted(THRESHOLDS, 0.5))
    for split in range(splits):
        order = generator.permutation(len(losses))
        threshold = control_risk(LossTable.of(THRESHOLDS, losses[order[:half]]), ALPHA).threshold
        column, judged = int(np.searchsorted(THRESHOLDS, threshold)), order[half:]
        found[split] = (
            1 - losses[judged, column].mean(),
            false_marks[judged, column].mean(),
            1 - losses[judged, fixed].mean(),
            false_marks[judged, fixed].mean(),
        )
    error = found[:, 0].std(ddof=1) / np.sqrt(splits)
    low, high = 1 - ALPHA - 3 * error, 1 - ALPHA + 2 / (half + 1) + 3 * error
    held = "held" if low <= found[:, 0].mean() <= high else "NOT HELD"
    mean = found.mean(axis=0)
    return f"{mean[0]:.4f} ({error:.4f}) {held}  {mean[1]:6.2f}             {mean[2]:.3f}, {mean[3]:.2f}"


def strata(generator: np.random.Generator, splits: int) -> str:
    """What each of two strata loses at its own and at the pooled threshold, on scans that did not calibrate."""
    pools = {"easy": simulated(generator, 2000, 4000, 6.0)[0], "hard": simulated(generator, 2000, 4000, 1.6)[0]}
    own: dict[str, list[float]] = {name: [] for name in pools}
    pooled: dict[str, list[float]] = {name: [] for name in pools}
    coarse = np.arange(0, len(THRESHOLDS), 10)
    for _ in range(max(splits // 4, 10)):
        chosen = {name: generator.permutation(2000)[:120] for name in pools}
        rows = np.concatenate([pools[name][chosen[name][:60]][:, coarse] for name in pools])
        names = tuple(name for name in pools for _ in range(60))
        made = calibrate(ScanLosses(LossTable.of(THRESHOLDS[coarse], rows), {"site": names}), ALPHA, groups="site")
        for stratum in made.strata:
            fresh = pools[stratum.name][chosen[stratum.name][60:]]
            for kept, threshold in ((own, stratum.threshold), (pooled, made.threshold)):
                kept[stratum.name].append(float(fresh[:, int(np.searchsorted(THRESHOLDS, threshold - 1e-9))].mean()))
    lines = [f"two strata of 60 calibration scans, promised loss {ALPHA:g}:"]
    for name in pools:
        told = [
            f"{np.mean(x[name]):.4f} (SE {np.std(x[name], ddof=1) / len(x[name]) ** 0.5:.4f})" for x in (own, pooled)
        ]
        lines.append(f"  {name}: own threshold {told[0]}, pooled threshold {told[1]}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
