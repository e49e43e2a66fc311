"""Wall thickness around each slice: between the radii of endocardium and epicardium in narrow sectors.

The radius of a border in a sector of angle a is sqrt(2 A / a) with A the area inside it, so that it is known better
than a pixel. The centre is that of the cavity in the same frame; this is thickness along the radius.
"""

from __future__ import annotations

import numpy as np

from CardiacBiomechLib.mechanics.aha import HeartAxes
from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume

SECTORS = 36
FINE = 4  # samples across a pixel
MIN_CAVITY_VOXELS = 4


def thickness_mm(labels: Volume, parts: HeartLabels, axes: HeartAxes) -> np.ndarray:
    """Thickness (slices, sectors) in mm by slice of ``axes`` and angle from the septum; NaN where there is no wall."""
    found = np.full((len(axes.slices), SECTORS), np.nan)
    for row, k in enumerate(axes.slices):
        found[row] = _slice_thickness(labels, parts, axes, k)
    return found


def _slice_thickness(labels: Volume, parts: HeartLabels, axes: HeartAxes, k: int) -> np.ndarray:
    marked = labels.array[k]
    cavity, wall = marked == parts.lv, marked == parts.myocardium
    if cavity.sum() < MIN_CAVITY_VOXELS or not wall.any():
        return np.full(SECTORS, np.nan)
    middle = labels.ras_from_kji([k, *np.argwhere(cavity).mean(0)])
    rows, columns = np.nonzero(cavity | wall)
    steps = (np.arange(FINE) + 0.5) / FINE - 0.5
    fine = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    places = (np.stack([rows, columns], -1)[:, None] + fine).reshape(-1, 2)
    points = labels.ras_from_kji(np.column_stack([np.full(len(places), k), places]))
    offset = points - middle
    angle = np.degrees(np.arctan2(offset @ axes.anterior, offset @ axes.septum)) % 360.0
    sector = (angle / 360.0 * SECTORS).astype(int) % SECTORS
    area = float(np.prod(labels.spacing_kji_mm[1:])) / len(fine)
    inside = np.repeat(cavity[rows, columns], len(fine))
    endo = np.bincount(sector[inside], minlength=SECTORS) * area
    whole = np.bincount(sector, minlength=SECTORS) * area
    width = 2 * np.pi / SECTORS
    thick = np.sqrt(2 * whole / width) - np.sqrt(2 * endo / width)
    walled = np.bincount(sector[~inside], minlength=SECTORS) > 0
    return np.where(walled, thick, np.nan)


def by_segment(values: np.ndarray, axes: HeartAxes) -> np.ndarray:
    """Mean (16,) by segment of values (slices, sectors); NaN for a segment that no slice shows."""
    from CardiacBiomechLib.mechanics.aha import segment_at

    angles = (np.arange(SECTORS) + 0.5) * 360.0 / SECTORS
    segment = np.stack([segment_at(angles, np.full(SECTORS, ring)) for ring in axes.rings])
    means = np.full(16, np.nan)
    for number in range(1, 17):
        here = values[segment == number]
        if np.isfinite(here).any():
            means[number - 1] = float(np.nanmean(here))
    return means
