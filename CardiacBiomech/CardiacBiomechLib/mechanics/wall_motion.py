"""Strain, rotation and energy of the wall in every frame, from the motion out of end-diastole.

Strain is Green-Lagrange about end-diastole, E = (F^T F - I)/2, along the heart's radial, circumferential and
longitudinal axes; engineering strain is sqrt(1 + 2E) - 1. Longitudinal strain of short-axis slices is told by its
name: slices 8 mm apart hardly see it, long-axis views do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.mechanics.aha import HeartAxes
from CardiacBiomechLib.mechanics.stiffness import apparent_stiffness
from CardiacBiomechLib.mechanics.strain import strain_along_axes
from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.deformation.elasticity import deformation_gradient, determinant, isochoric_term
from ThoraxAILib.registration.field import Field

DIRECTIONS = ("radial", "circumferential", "longitudinal")
ENGINEERING = "engineering strain sqrt(1 + 2E) - 1"
STIFFNESS = (
    "apparent stiffness index: inverse energy of shape change at end-systole for a shear modulus of 1, mean of the "
    "segments 1, with a 95 % interval; it has no unit and ranks segments of one heart: a high value is wall that "
    "deforms little, be it stiff, scarred or followed badly"
)
ONLY_SHAPE = 0.0  # no bulk term: the change of volume that registration finds is error for the most part


@dataclass(frozen=True, eq=False)
class WallFrame:
    """One frame: strain (3, 16) by direction and segment, global strain (3,), rotation (3,) by ring in degrees,
    isochoric energy (16,) for a shear modulus of 1, and mean and spread of J in the wall.
    """

    strain: np.ndarray
    global_strain: np.ndarray
    rotation_degrees: np.ndarray
    energy: np.ndarray
    volume_ratio: float
    volume_ratio_sd: float


def wall_of(labels: Volume, parts: HeartLabels, axes: HeartAxes) -> np.ndarray:
    """Return where (k, j, i; bool) the wall lies in the slices that show the cavity."""
    wall = np.zeros(labels.array.shape, dtype=bool)
    wall[list(axes.slices)] = labels.array[list(axes.slices)] == parts.myocardium
    return wall


def gradient_at(field: Field, where: np.ndarray) -> np.ndarray:
    """Return the deformation gradient (3, 3, n) in RAS at the voxels ``where`` (k, j, i; bool) of a field's grid."""
    F = deformation_gradient(field.along_axes_mm(), field.grid.spacing_kji_mm)[:, :, where]
    turn = field.grid.axes_ras
    return np.einsum("ab,bcn,dc->adn", turn, F, turn)


class WallMotion:
    """Measures frames on one wall at end-diastole."""

    def __init__(self, labels: Volume, parts: HeartLabels, axes: HeartAxes) -> None:
        self._where = wall_of(labels, parts, axes)
        self._points = labels.ras_from_kji(np.argwhere(self._where))
        self._axes = axes
        self._local = axes.local_axes(self._points)
        self._segment = axes.segment_of(self._points)
        heights = axes.height_mm(axes.middles_ras_mm)
        self._height_order = np.abs(axes.height_mm(self._points)[:, None] - heights).argmin(1)
        self._ring = axes.rings[self._height_order]
        self._angle = axes.angle_degrees(self._points)

    def frame(self, field: Field) -> WallFrame:
        """Return the measures of a frame; ``field`` has end-diastole as its fixed image."""
        F = gradient_at(field, self._where)
        strains = strain_along_axes(F, self._local)
        J, energy = determinant(F), 0.5 * isochoric_term(F)
        by_segment = np.full((3, 16), np.nan)
        energies = np.full(16, np.nan)
        for number in range(1, 17):
            here = self._segment == number
            if here.any():
                by_segment[:, number - 1] = strains[:, here].mean(1)
                energies[number - 1] = float(np.median(energy[here]))
        return WallFrame(by_segment, strains.mean(1), self._rotation(field), energies, float(J.mean()), float(J.std()))

    def stiffness(self, field: Field) -> np.ndarray:
        """Return the apparent stiffness index (3, 16) at a frame: value, low and high end of its interval by segment.

        NaN for segments that are not seen, and for all when fewer than two are. Blocks of the interval: one slice,
        20 degrees.
        """
        found = np.full((3, 16), np.nan)
        seen = self._segment <= 16
        numbers, regions = np.unique(self._segment[seen], return_inverse=True)
        if len(numbers) < 2:
            return found
        blocks = self._height_order[seen] * 18 + (self._angle[seen] // 20.0).astype(int)
        index = apparent_stiffness(
            gradient_at(field, self._where)[:, :, seen], np.ones(int(seen.sum())), regions, ONLY_SHAPE, blocks=blocks
        )
        found[:, numbers - 1] = [index.index, index.low, index.high]
        return found

    def _rotation(self, field: Field) -> np.ndarray:
        """Mean turn of each ring about its own middle in degrees, counter-clockwise seen from the apex."""
        moved = self._points + field.displacement_ras_mm[self._where]
        turns = np.full(3, np.nan)
        for ring in range(3):
            here = self._ring == ring
            if here.sum() < 8:
                continue
            before = self._points[here] - self._points[here].mean(0)
            after = moved[here] - moved[here].mean(0)
            x, y = self._axes.septum, self._axes.anterior
            cross = (before @ x) * (after @ y) - (before @ y) * (after @ x)
            dot = (before @ x) * (after @ x) + (before @ y) * (after @ y)
            turns[ring] = -float(np.degrees(np.arctan2(cross.sum(), dot.sum())))
        return turns


def engineering(green: np.ndarray) -> np.ndarray:
    """Engineering strain of Green-Lagrange strain."""
    return np.sqrt(np.maximum(1.0 + 2.0 * np.asarray(green), 0.0)) - 1.0


def peak(curves: np.ndarray, direction: str) -> np.ndarray:
    """Index (...) of the peak along the first axis: the largest radial strain, the smallest of the others."""
    filled = np.where(np.isfinite(curves), curves, 0.0)
    return filled.argmax(0) if direction == "radial" else filled.argmin(0)
