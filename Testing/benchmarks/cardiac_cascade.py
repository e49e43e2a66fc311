"""The cine cascade on phantom hearts it never saw: errors with intervals, beside no registration.

Usage: python Testing/benchmarks/cardiac_cascade.py [--weights FILE] [--hearts N]
Seeds below 1000 are held out: training draws its hearts from 1000 on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from CardiacBiomechLib.motion.cascade_engine import SHIPPED_WEIGHTS
from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.synthesis.cine import acquire
from CardiacBiomechLib.synthesis.groups import GROUPS, draw
from CardiacBiomechLib.synthesis.scoring import score
from CardiacBiomechLib.training.pairs import draw_scanner
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.weights_file import sha256
from ThoraxAILib.registration.field import Field

COLUMNS = ("EPE mm", "wall Dice", "folded %", "wall J mean", "wall J sd", "EPE before", "Dice before")


def one_heart(seed: int, weights: Path) -> list[float]:
    """The measures of ``COLUMNS`` for the heart of a seed."""
    random = np.random.default_rng(seed)
    heart = draw(list(GROUPS)[seed % len(GROUPS)], random)
    scanner = replace(draw_scanner(random), shape_kji=(12, 110, 110))
    still, moved = acquire(heart, scanner, np.array([0.0, 1.0]), seed)
    found = make_engine("cascade", weights=weights).register(still.image, moved.image, None, Progress())
    result = score(found.field, heart, (still, moved))
    before = score(Field.zero(Grid.of(still.image)), heart, (still, moved))
    return [
        result.epe_mean_mm,
        result.wall_dice,
        result.folded_percent,
        result.wall_j_mean,
        result.wall_j_sd,
        before.epe_mean_mm,
        before.wall_dice,
    ]


def main() -> None:
    """Print means and 95 % intervals over hearts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS)
    parser.add_argument("--hearts", type=int, default=25)
    arguments = parser.parse_args()
    rows = np.array([one_heart(seed, arguments.weights) for seed in range(arguments.hearts)])
    print(f"{arguments.weights.name} sha256 {sha256(arguments.weights)}, n = {len(rows)} held-out phantom hearts")
    half = 1.96 * rows.std(0, ddof=1) / np.sqrt(len(rows))
    for name, mean, error in zip(COLUMNS, rows.mean(0), half, strict=True):
        print(f"{name:12s} {mean:.3f} +/- {error:.3f} (95 %)")


if __name__ == "__main__":
    main()
