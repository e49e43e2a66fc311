"""A cohort of synthetic hearts of the five groups, measured as patients are: labels on thick slices, field with errors.

Hearts are those of ``synthesis.groups``, of people of different size; slices lie anywhere, as thick and as coarse as in
practice. The motion is the exact one plus a smooth error as registration leaves it; the same code measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from CardiacBiomechLib.diagnosis.features.from_labels import label_features
from CardiacBiomechLib.diagnosis.features.measure import motion_features
from CardiacBiomechLib.diagnosis.features.table import FeatureTable, table_of
from CardiacBiomechLib.mechanics.aha import heart_axes
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.synthesis.anatomy import labels_at
from CardiacBiomechLib.synthesis.groups import GROUPS
from CardiacBiomechLib.synthesis.people import draw_person
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.field import Field

SLICE_MM, PIXEL_MM = (7.0, 10.0), (1.6, 2.1)
LENGTH_MM, WIDTH_MM = 145.0, 185.0
ERROR_REACH_MM, NEAR_MM = 10.0, 12.0


@dataclass(frozen=True)
class CohortRequest(Options):
    """How many hearts, and where their table goes."""

    output: Path = option(help="table of features with groups", metavar="CSV")
    hearts: int = option(500, "of the five groups in turn", label="number of hearts", at_least=5, at_most=20000)
    error_mm: float = option(0.6, "of the motion, standard deviation", label="error", unit="mm", at_least=0, at_most=5)
    seed: int = option(1, "of the hearts", at_least=0)
    first: int = option(0, "number of the first heart, so that parts of a cohort can be made apart", at_least=0)


def cohort_table(
    hearts: int, error_mm: float, seed: int, progress: Progress | None = None, first: int = 0
) -> FeatureTable:
    """Return the features of so many hearts, numbered from ``first``; raises Cancelled."""
    progress = progress or Progress()
    rows, groups = {}, []
    for number in range(first, first + hearts):
        progress((number - first) / hearts, "Measuring synthetic hearts")
        group = list(GROUPS)[number % len(GROUPS)]
        rows[f"{group}{number:05d}"] = heart_features(group, error_mm, np.random.default_rng([seed, number]))
        groups.append(group)
    return table_of(rows, groups)


def heart_features(group: str, error_mm: float, random: np.random.Generator) -> dict[str, float]:
    """Return the features of one heart of a group, with the body surface of a person it fits."""
    heart, surface_m2 = draw_person(group, random)
    slice_mm, pixel_mm = random.uniform(*SLICE_MM), random.uniform(*PIXEL_MM)
    across = round(WIDTH_MM / pixel_mm)
    grid = Grid.centered((round(LENGTH_MM / slice_mm), across, across), (slice_mm, pixel_mm, pixel_mm))
    grid.ijk_to_ras[:3, 3] += np.array([10.0, 0.0, -14.0 + random.uniform(-0.5, 0.5) * slice_mm])
    centers = grid.centers_ras_mm()
    still = grid.volume(labels_at(heart, centers))
    near = _near(still.array > 0, grid)
    moved = np.zeros_like(still.array)
    moved[near] = labels_at(heart, heart.at_phase(1.0).inverse(centers[near]))
    found = label_features(still, grid.volume(moved), ACDC, surface_m2)
    way = _error(grid, error_mm, random)
    way[near] += heart.displacement(centers[near])
    return found | motion_features(still, ACDC, heart_axes(still, ACDC), Field(way.astype(np.float32), grid))


def _near(heart: np.ndarray, grid: Grid) -> np.ndarray:
    """Voxels within ``NEAR_MM`` of the heart at end-diastole: a contracting heart stays there."""
    return distance_transform_edt(~heart, sampling=grid.spacing_kji_mm) <= NEAR_MM


def _error(grid: Grid, error_mm: float, random: np.random.Generator) -> np.ndarray:
    """Smooth error (k, j, i, 3) of a motion in mm, the same everywhere in size."""
    reach = [ERROR_REACH_MM / float(step) for step in grid.spacing_kji_mm]
    noise = [gaussian_filter(random.standard_normal(grid.shape_kji), reach) for _axis in range(3)]
    return np.stack([error_mm * one / max(float(one.std()), 1e-12) for one in noise], -1)
