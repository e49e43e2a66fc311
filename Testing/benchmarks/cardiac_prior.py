"""What the Neo-Hookean prior gains over diffusion at equal overlap of the wall, over draws of hearts and noise.

Usage: python Testing/benchmarks/cardiac_prior.py [--draws N]
Per draw the diffusion weight is sought, by halving an interval, whose wall Dice is that of the Neo-Hookean prior;
draws where no weight tried comes within 0.003 are counted apart. Differences are diffusion minus Neo-Hookean:
positive is a gain.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from CardiacBiomechLib.model.heart_labels import ACDC, HeartTissue
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.presets import PRESETS, MotionPreset
from CardiacBiomechLib.synthesis.cine import Frame, Scanner, acquire
from CardiacBiomechLib.synthesis.groups import GROUPS, draw
from CardiacBiomechLib.synthesis.scoring import PhantomScore, score
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.options import InstanceOptions

WEIGHTS = (0.05, 3.2)  # Dice falls from the first to the last
HALVINGS = 5
SCANNER = Scanner((13, 66, 66), (8.0, 2.0, 2.0), signal_to_noise=30.0, samples_per_slice=3, organs=0.5)
EQUAL_DICE = 0.003


def measured(options: InstanceOptions, frames: tuple[Frame, Frame], heart: Ventricle) -> PhantomScore:
    """Register end-diastole (fixed) with end-systole and compare with the exact motion."""
    engine = InstanceEngine(MotionPreset(PRESETS["strain"].bulk, options))
    tissue = HeartTissue(frames[0].labels.array, ACDC)
    return score(engine.register(frames[0].image, frames[1].image, tissue, Progress()).field, heart, frames)


def one_draw(seed: int, base: InstanceOptions) -> tuple[PhantomScore, PhantomScore]:
    """(Neo-Hookean, diffusion at the weight of nearest Dice) of one heart."""
    heart = draw(list(GROUPS)[seed % len(GROUPS)], np.random.default_rng(seed))
    frames = tuple(acquire(heart, SCANNER, np.array([0.0, 1.0]), seed))
    elastic = measured(base, frames, heart)
    (light, heavy), others = WEIGHTS, []
    for _ in range(HALVINGS):
        weight = float(np.sqrt(light * heavy))
        others.append(measured(replace(base, regularizer="diffusion", weight=weight), frames, heart))
        difference = others[-1].wall_dice - elastic.wall_dice
        if abs(difference) <= EQUAL_DICE:
            break
        light, heavy = (weight, heavy) if difference > 0 else (light, weight)
    return elastic, min(others, key=lambda one: abs(one.wall_dice - elastic.wall_dice))


def row(result: PhantomScore) -> list[float]:
    """Dice, EPE, SD of J, Ecc error, Err error."""
    return [result.wall_dice, result.epe_mean_mm, result.wall_j_sd, result.ecc_error, result.err_error]


def main() -> None:
    """Run the draws and print counts and means with signs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20)
    draws = parser.parse_args().draws
    import torch

    torch.set_num_threads(1)
    differences = []
    for seed in range(draws):
        elastic, other = (np.array(row(one)) for one in one_draw(seed, PRESETS["strain"].instance))
        differences.append(other - elastic)
        print(f"draw {seed:2d} neo-hookean {elastic.round(4)} diffusion {other.round(4)}", flush=True)
    table = np.array(differences)
    equal = np.abs(table[:, 0]) <= EQUAL_DICE
    print(f"{draws} draws, {int((~equal).sum())} without equal Dice (+/- {EQUAL_DICE})")
    for name, column in zip(("EPE mm", "J sd", "Ecc error", "Err error"), table[equal].T[1:], strict=True):
        half = 1.96 * column.std(ddof=1) / np.sqrt(len(column))
        print(
            f"{name:10s} gain {column.mean():+.4f} +/- {half:.4f} (95 %), better in {int((column > 0).sum())} of "
            f"{len(column)} at equal Dice"
        )
    better = (table[:, 1] > 0) | (table[:, 2] > 0)
    print(f"lower EPE or lower J sd: {int(better.sum())} of {draws}, {int((better & equal).sum())} at equal Dice")


if __name__ == "__main__":
    main()
