"""What a study makes of hearts that are known exactly, on slices 8 mm apart: volumes, strain by segment, segments.

Usage: python Testing/benchmarks/cardiac_study.py [--hearts N] [--preset NAME]
Volumes: hearts of the five groups with their true labels of both frames; errors against the continuous heart below
its base. Strain: end-systolic circumferential strain of the 16 segments, followed in the images by the study's engine,
against the formula of the motion, in a healthy ventricle and in one with an anterior infarct. Segments: the segment of
10,000 random wall points in six ways a stack may lie, against the angle of the point, 1 degree off borders or more.
"""

from __future__ import annotations

import argparse

import numpy as np

from CardiacBiomechLib.analysis.study import GivenLabels, analyze_study
from CardiacBiomechLib.analysis.study_motion import estimate
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.mechanics.aha import heart_axes
from CardiacBiomechLib.mechanics.wall_motion import WallMotion
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.synthesis.anatomy import LV, MYOCARDIUM, labels_at
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.groups import GROUPS, draw
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from fixtures.heart_segments import (
    HEART,
    INFARCTED,
    ORIENTATIONS,
    analytic_segment,
    exact_circumferential,
    labels_of,
    wall_points,
)
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.progress import Progress

SCANNER = Scanner((16, 90, 90), (8.0, 1.8, 1.8), samples_per_slice=3, organs=0.8)
POINTS, CLEAR_DEGREES, DENSITY_G_ML = 10_000, 1.0, 1.05
INFARCT_SEGMENTS = {1, 7, 13}


def continuous(heart: Ventricle) -> tuple[float, float]:
    """Left ejection fraction in percent and mass in grams of the heart itself, sampled every 1.5 mm."""
    grid = Grid.around(np.array([0.0, 0.0, -14.0]), (1.5, 1.5, 1.5), (90, 90, 90))
    points = grid.centers_ras_mm()
    full, left = (labels_at(heart, heart.at_phase(phase).inverse(points)) for phase in (0.0, 1.0))
    fraction = 100.0 * (1.0 - float((left == LV).sum()) / float((full == LV).sum()))
    return fraction, float((full == MYOCARDIUM).sum()) * 1.5**3 / 1000.0 * DENSITY_G_ML


def volume_errors(heart: Ventricle, seed: int) -> tuple[float, float]:
    """Error of the study's ejection fraction in points and of its mass in percent."""
    frames = acquire(heart, SCANNER, np.array([0.0, 1.0]), seed)
    cine = Cine(tuple(frame.image for frame in frames), None, whole_cycle=False)
    given = GivenLabels(tuple(frame.labels for frame in frames))
    study = analyze_study(cine, StudyOptions(strain=False), given=given).study
    fraction, mass_g = continuous(heart)
    return study.lv.ef_percent - fraction, 100.0 * (study.mass_g / mass_g - 1.0)


def strain_of_segments(heart: Ventricle, preset: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Circumferential strain (16,) as followed in the images, and by the formula."""
    frames = acquire(heart, SCANNER, np.array([0.0, 1.0]), seed)
    labels = frames[0].labels
    axes = heart_axes(labels, ACDC)
    images = [frame.image for frame in frames]
    motion = estimate(images, labels, ACDC, 0, make_engine("instance", preset, threads=1), False, Progress())
    found = WallMotion(labels, ACDC, axes).frame(motion.region.extend(motion.fields[1])).strain[1]
    return found, exact_circumferential(heart, axes)


def points_right(name: str) -> tuple[int, int]:
    """How many of the points that are clear of borders get their segment, and how many there are."""
    axes = heart_axes(labels_of(HEART, ORIENTATIONS[name]), ACDC)
    points = wall_points(HEART, POINTS)
    expected, away = analytic_segment(points, axes)
    clear = away > CLEAR_DEGREES
    return int((axes.segment_of(points) == expected)[clear].sum()), int(clear.sum())


def main() -> None:
    """Print the three parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hearts", type=int, default=2, help="hearts of each group")
    parser.add_argument("--preset", default="study")
    arguments = parser.parse_args()
    for name in ORIENTATIONS:
        right, clear = points_right(name)
        print(f"segments, {name}: {right} of {clear} points right", flush=True)
    errors = []
    for number, group in enumerate(GROUPS):
        for seed in range(arguments.hearts):
            errors.append(volume_errors(draw(group, np.random.default_rng(10 * number + seed)), seed))
            print(f"{group} {seed}: EF {errors[-1][0]:+.2f} points, mass {errors[-1][1]:+.2f} %", flush=True)
    table = np.abs(np.array(errors))
    print(f"EF: mean absolute error {table[:, 0].mean():.2f} points, largest {table[:, 0].max():.2f}, n {len(table)}")
    print(f"mass: mean absolute error {table[:, 1].mean():.2f} %, largest {table[:, 1].max():.2f}, n {len(table)}")
    for name, heart in (("healthy", HEART), ("infarct", INFARCTED)):
        for seed in range(arguments.hearts):
            found, exact = strain_of_segments(heart, arguments.preset, seed)
            least = (np.argsort(-found) + 1)[:3].tolist()
            print(
                f"strain, {name} {seed}: mean absolute error {np.abs(found - exact).mean():.4f}, "
                f"found {found.mean():.3f} for {exact.mean():.3f}, shortening least {least}",
                flush=True,
            )
        if name == "infarct":
            print(f"segments of the infarct: {sorted(INFARCT_SEGMENTS)}")


if __name__ == "__main__":
    main()
