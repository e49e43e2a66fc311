"""Ejection fraction of phantom hearts of the five groups on 8 mm slices: exact, from labels, from motion.

Usage: python Testing/benchmarks/cardiac_ejection.py [--hearts N] [--presets NAME...]
Exact is the volume of the continuous cavities below the base, sampled every 2 mm. "true labels" is what a
perfect reader gets on the same slices: its distance from exact is what thick slices cost, not the registration.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.motion.propagate import propagate
from CardiacBiomechLib.synthesis.anatomy import LV, RV, labels_at
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.groups import GROUPS, draw
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.image.grid import Grid

SCANNER = Scanner((14, 100, 100), (8.0, 1.6, 1.6), organs=0.8, samples_per_slice=3)
SCANNER = replace(SCANNER, brightness=replace(SCANNER.brightness, papillary_mm=3.5))
PARTS = {"LV": LV, "RV": RV}


def exact(heart: Ventricle) -> dict[str, float]:
    """Ejection fraction in percent of the continuous cavities."""
    points = Grid.centered((75, 85, 85), (2.0, 2.0, 2.0)).centers_ras_mm() + np.array([10.0, 0.0, -10.0])
    counts = []
    for phase in (0.0, 1.0):
        labels = np.concatenate(
            [labels_at(heart, heart.at_phase(phase).inverse(part)).ravel() for part in np.array_split(points, 10)]
        )
        counts.append({name: int((labels == value).sum()) for name, value in PARTS.items()})
    return {name: 100.0 * (counts[0][name] - counts[1][name]) / counts[0][name] for name in PARTS}


def one_heart(group: str, seed: int, preset: str) -> dict[str, list[float]]:
    """By cavity: exact EF, from the true labels, from carried labels, from motion (%)."""
    heart = draw(group, np.random.default_rng(seed))
    still, moved = acquire(heart, SCANNER, np.array([0.0, 1.0]), seed)
    found = propagate(still.image, still.labels, moved.image, make_engine("instance", preset, threads=1))
    truth, rows = exact(heart), {}
    for name, value in PARTS.items():
        full, left = ((frame.labels.array == value).sum() for frame in (still, moved))
        ejection = found.ejections[name]
        rows[name] = [
            truth[name],
            100.0 * float(full - left) / float(full),
            ejection["from_labels"]["ef_percent"],
            ejection["from_motion"]["ef_percent"],
        ]
    return rows


def main() -> None:
    """A table by preset, cavity and group, and the errors over all hearts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hearts", type=int, default=2, help="hearts of each group")
    parser.add_argument("--presets", nargs="+", default=["balanced", "strain"])
    arguments = parser.parse_args()
    for preset in arguments.presets:
        found = {
            group: [one_heart(group, 10 * number + seed, preset) for seed in range(arguments.hearts)]
            for number, group in enumerate(GROUPS)
        }
        for part in PARTS:
            print(f"{preset}, EF of the {part} (%): exact, true labels, carried labels, motion")
            for group, hearts in found.items():
                print(f"  {group:5s} " + "  ".join(f"{value:5.1f}" for value in np.mean([h[part] for h in hearts], 0)))
            table = np.array([heart[part] for hearts in found.values() for heart in hearts])
            error = table[:, 1:] - table[:, :1]
            half = 1.96 * error.std(0, ddof=1) / np.sqrt(len(error))
            print(
                f"  error against exact (n = {len(table)}, 95 %): "
                + "  ".join(f"{mean:+.1f} +/- {width:.1f}" for mean, width in zip(error.mean(0), half, strict=True)),
                flush=True,
            )


if __name__ == "__main__":
    main()
