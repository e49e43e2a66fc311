"""Benchmark: the pattern map on held-out synthetic bodies whose patterns are known voxel by voxel.

``python Testing/benchmarks/lung_patterns.py [--bodies N] [--mm X]``; nothing is asserted. The lungs given are the true
ones, so that only the patterns are graded. Bodies without disease show what is wrongly called so.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.parenchyma.pattern_map import CLASSES, PATTERNS, map_patterns
from LungNoduleAILib.synthesis import acquire, draw_scanner, make_body
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

FIRST_SEED = 9400


def graded(seed: int, setting: str, spacing_mm: float) -> np.ndarray:
    """Voxel counts (truth, found) of one body, 3 x 4: what is found may be solid, which no body is; prints its line."""
    body = make_body(seed, setting, (spacing_mm,) * 3)
    rng = np.random.default_rng([seed, 77])
    scanner = draw_scanner(rng, setting)
    hu = acquire(body.clean_hu.astype(np.float32), body.grid.spacing_kji_mm, scanner, rng)
    volume = Volume(np.rint(hu).astype(np.int16), body.grid.ijk_to_ras)
    started = time.process_time()
    found = map_patterns(volume, Anatomy(body.labels), Progress()).labels
    seconds = time.process_time() - started
    lungs = (found > 0) & (body.patterns > 0)
    pairs = (body.patterns[lungs].astype(int) - 1) * len(CLASSES) + found[lungs] - 1
    table = np.bincount(pairs, minlength=len(PATTERNS) * len(CLASSES)).reshape(len(PATTERNS), len(CLASSES))
    shares = [
        f"{name} {100 * table[n].sum() / table.sum():.0f}/{100 * table[:, n].sum() / table.sum():.0f} %"
        for n, name in enumerate(PATTERNS)
    ]
    shares.append(f"solid 0/{100 * table[:, -1].sum() / table.sum():.1f} %")
    print(
        f"{seed} {setting} {scanner.kernel} {scanner.slice_mm:.1f} mm {scanner.noise_hu:.0f} HU, true/found: "
        f"{', '.join(shares)}; accuracy {np.trace(table) / table.sum():.3f}, {seconds:.1f} s",
        flush=True,
    )
    return table


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bodies", type=int, default=8)
    parser.add_argument("--mm", type=float, default=1.5)
    parser.add_argument("--setting", default="held-out")
    arguments = parser.parse_args()
    tables = [
        graded(seed, arguments.setting, arguments.mm) for seed in range(FIRST_SEED, FIRST_SEED + arguments.bodies)
    ]
    total = np.sum(tables, axis=0)
    print(f"accuracy over all lung voxels {np.trace(total) / total.sum():.3f}, n {len(tables)}")
    for n, name in enumerate(PATTERNS):
        dice = 2 * total[n, n] / (total[n].sum() + total[:, n].sum())
        errors = [abs(table[n].sum() - table[:, n].sum()) / table.sum() * 100 for table in tables]
        print(
            f"{name:<14}Dice {dice:.3f}, share of the lungs off by {np.mean(errors):.1f} points on average, "
            f"{np.max(errors):.1f} at most"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
