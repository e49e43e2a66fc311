"""Strain, rotation and energy of the wall in every frame, from the motion out of end-diastole.

Strain is Green-Lagrange about end-diastole, E = (F^T F - I)/2, along the heart's radial, circumferential and
longitudinal axes; engineering strain is sqrt(1 + 2E) - 1. Longitudinal strain of short-axis slices is told by its
name: slices 8 mm apart hardly see it, long-axis views do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.mechanics.aha import HeartAxes
from CardiacBiomechLib.mechanics.strain import strain_along_axes
from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.deformation.elasticity import deformation_gradient, determinant, isochoric_term
from ThoraxAILib.registration.field import Field

DIRECTIONS = ("radial", "circumferential", "longitudinal")
ENGINEERING = "engineering strain sqrt(1 + 2E) - 1"


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


class WallMotion:
    """Measures frames on one wall at end-diastole."""

    def __init__(self, labels: Volume, parts: HeartLabels, axes: HeartAxes) -> None:
        wall = labels.array == parts.myocardium
        kept = np.zeros_like(wall)
        kept[list(axes.slices)] = wall[list(axes.slices)]
        self._where = kept
        self._points = labels.ras_from_kji(np.argwhere(kept))
        self._axes = axes
        self._local = axes.local_axes(self._points)
        self._segment = axes.segment_of(self._points)
        heights = axes.height_mm(axes.middles_ras_mm)
        self._ring = axes.rings[np.abs(axes.height_mm(self._points)[:, None] - heights).argmin(1)]

    def frame(self, field: Field) -> WallFrame:
        """Return the measures of a frame; ``field`` has end-diastole as its fixed image."""
        F = deformation_gradient(field.along_axes_mm(), field.grid.spacing_kji_mm)[:, :, self._where]
        turn = field.grid.axes_ras
        F = np.einsum("ab,bcn,dc->adn", turn, F, turn)
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
