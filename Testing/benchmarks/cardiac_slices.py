"""What putting mis-shifted slices in line gains, on phantoms whose shifts are known.

Usage: python Testing/benchmarks/cardiac_slices.py [--hearts N] [--shift-mm MM] [--propagate]
Residual: in-plane distance of every slice from where it belongs, after removing what no image can show (a common
shift and a tilt of the whole stack). With --propagate also the Dice of labels carried to end-systole, on the slices as
acquired, with and without the correction.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from CardiacBiomechLib.analysis.track import SecondLabels, TrackOptions, track
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.motion.slice_alignment import measure_slice_shifts
from CardiacBiomechLib.synthesis.cine import Frame, Scanner, acquire
from CardiacBiomechLib.synthesis.groups import GROUPS, draw

SCANNER = Scanner((14, 100, 100), (8.0, 1.6, 1.6), organs=0.8, samples_per_slice=3)


def residual_mm(shifts_mm: np.ndarray, seen: np.ndarray) -> float:
    """Root mean square distance (mm) of the seen slices from a straight line through them."""
    index = np.nonzero(seen)[0]
    design = np.stack([np.ones(len(index)), index], 1)
    values = shifts_mm[index]
    rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return float(np.sqrt((rest**2).sum(1).mean()))


def true_shifts_mm(seed: int, largest_mm: float) -> np.ndarray:
    """Along the array axes j and i: the phantom draws them first, along R and A, and its grid runs the other way."""
    drawn = np.random.default_rng(seed).uniform(-largest_mm, largest_mm, (SCANNER.shape_kji[0], 2))
    return drawn[:, ::-1]


def carried(frames: list[Frame], align: bool) -> tuple[float, float]:
    """Mean Dice of labels carried to end-systole, and the spread of J in the wall."""
    options = TrackOptions("direct", align_slices=align)
    found = track(
        Cine(tuple(frame.image for frame in frames)),
        frames[0].labels,
        0,
        options,
        make_engine("instance", threads=1),
        SecondLabels(frames[1].labels, 1),
    )
    return float(np.mean(list(found.scores["result"].values()))), found.frames[1].quality.tissue_j_sd


def main() -> None:
    """Print residuals before and after, and what the correction does to carried labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hearts", type=int, default=10)
    parser.add_argument("--shift-mm", type=float, default=3.0)
    parser.add_argument("--propagate", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.hearts):
        group = list(GROUPS)[seed % len(GROUPS)]
        scanner = replace(SCANNER, slice_shift_mm=arguments.shift_mm)
        frames = acquire(draw(group, np.random.default_rng(seed)), scanner, np.array([0.0, 1.0]), seed)
        shifts = measure_slice_shifts(frames[0].labels, ACDC)
        truth = true_shifts_mm(seed, arguments.shift_mm)
        row = [residual_mm(truth, shifts.measured), residual_mm(truth - shifts.shifts_mm, shifts.measured)]
        if arguments.propagate:
            (plain, plain_sd), (aligned, aligned_sd) = (carried(frames, align) for align in (False, True))
            row += [plain, aligned, aligned - plain, plain_sd, aligned_sd]
        rows.append(row)
        print(group, " ".join(f"{value:.3f}" for value in row), flush=True)
    table = np.array(rows)
    names = (
        "residual before mm",
        "residual after mm",
        "Dice as acquired",
        "Dice aligned",
        "gain in Dice",
        "wall J SD as acquired",
        "wall J SD aligned",
    )
    for name, column in zip(names, table.T, strict=False):
        half = 1.96 * column.std(ddof=1) / np.sqrt(len(column))
        print(f"{name:22s} {column.mean():+.4f} +/- {half:.4f} (95 %, n = {len(column)})")


if __name__ == "__main__":
    main()
