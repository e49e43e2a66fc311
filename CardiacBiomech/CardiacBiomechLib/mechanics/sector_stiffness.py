"""Which of six sectors of a patient's wall is stiffer than the others, by both estimators of relative stiffness.

The apparent index reads the motion from end-diastole to end-systole. Virtual fields need a wall that is stretched by
its loads alone, as in filling: they read the same motion backwards, with end-systole as the state of rest. Pressure of
the right ventricle and of the pericardium is left out, and so is what is left of active tension.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation

from CardiacBiomechLib.mechanics.aha import SIXTHS, HeartAxes, segment_at
from CardiacBiomechLib.mechanics.stiffness import (
    RegionalStiffness,
    apparent_stiffness,
    inverse_of,
    virtual_fields_stiffness,
)
from CardiacBiomechLib.mechanics.virtual_fields import WallFields
from CardiacBiomechLib.mechanics.wall_motion import ONLY_SHAPE, gradient_at, wall_of
from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.deformation.elasticity import determinant
from ThoraxAILib.registration.field import Field

BULK = 10.0  # of bulk to shear modulus, as in the finite-element ventricle that the estimator was tried on
BLOCK_DEGREES = 20.0
MIN_POINTS = 8


@dataclass(frozen=True, eq=False)
class SectorStiffness:
    """Both estimates for the sectors of the basal segments 1 to 6, over the whole length of the wall."""

    apparent: RegionalStiffness
    virtual_fields: RegionalStiffness


def sector_stiffness(labels: Volume, parts: HeartLabels, axes: HeartAxes, field: Field) -> SectorStiffness | None:
    """Return both estimates; ``labels`` are those of end-diastole, the fixed image of ``field`` to end-systole.

    None when a sector holds no wall.
    """
    wall = wall_of(labels, parts, axes)
    points = labels.ras_from_kji(np.argwhere(wall))
    angles = axes.angle_degrees(points)
    sector = segment_at(angles, np.zeros(1, int)) - 1
    if np.bincount(sector, minlength=len(SIXTHS)).min() < MIN_POINTS:
        return None
    F = gradient_at(field, wall)
    heights = axes.height_mm(axes.middles_ras_mm)
    nearest = np.abs(axes.height_mm(points)[:, None] - heights).argmin(axis=1)
    blocks = nearest * 18 + (angles // BLOCK_DEGREES).astype(int)
    apparent = apparent_stiffness(F, np.ones(len(points)), sector, ONLY_SHAPE, blocks=blocks)
    moved = _in_heart(points + field.displacement_ras_mm[wall], axes)
    beside = np.stack([binary_dilation(plane) for plane in labels.array == parts.lv])
    fields = WallFields(
        moved[beside[wall]], moved[:, 2].min() - axes.slice_mm / 2, moved[:, 2].max() + axes.slice_mm / 2
    )
    turn = _directions(axes)
    back = np.einsum("ab,bcn,dc->adn", turn, inverse_of(F), turn)
    volumes = np.maximum(determinant(F), 0.0)  # of the points at end-systole
    virtual = virtual_fields_stiffness(back, volumes, sector, fields.gradients(moved), BULK)
    return SectorStiffness(apparent, virtual)


def _in_heart(points_ras_mm: np.ndarray, axes: HeartAxes) -> np.ndarray:
    """Return points (n, 3) in mm from the middle of the ventricle towards septum, anterior and base."""
    return (points_ras_mm - axes.middles_ras_mm.mean(axis=0)) @ _directions(axes).T


def _directions(axes: HeartAxes) -> np.ndarray:
    return np.stack([axes.septum, axes.anterior, axes.up])
