"""How a person lies and breathes on another date: a known map from the current scan back to the prior one, RAS mm.

Rigid (another position on the table), breath (the bases move, the apices stay) and a smooth elastic part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from LungNoduleAILib.synthesis.geometry.lattice import Lattice
from LungNoduleAILib.synthesis.geometry.shape import smooth_noise
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.registration.field import Field

STEP_MM = 10.0
KNOT_MM = 65.0
INVERSION_STEPS, INVERSION_MM = 40, 1e-4


@dataclass(frozen=True)
class MotionRange:
    """The most a date may differ: shift per axis, turn per axis, elastic displacement and breath at the lung base."""

    shift_mm: float = 15.0
    turn_degrees: float = 4.0
    elastic_mm: float = 10.0
    breath_mm: float = 12.0


@dataclass(frozen=True, eq=False)
class Motion:
    """The tissue at x of the current scan lies at ``to_prior(x)`` in the prior one: rigid about a center, plus a bend.

    ``bend_mm`` (x, y, z, 3) are displacements on ``lattice`` in current coordinates.
    """

    rotation: np.ndarray
    shift_mm: np.ndarray
    center_ras_mm: np.ndarray
    lattice: Lattice
    bend_mm: np.ndarray

    def bend_at(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Elastic displacement (..., 3) at current points."""
        points = np.asarray(points_ras_mm, dtype=float)
        parts = [self.lattice.sample(self.bend_mm[..., axis], points.reshape(-1, 3)) for axis in range(3)]
        return np.stack(parts, axis=-1).reshape(points.shape)

    def to_prior(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Where current points (..., 3) lie in the prior scan."""
        points = np.asarray(points_ras_mm, dtype=float)
        turned = (points - self.center_ras_mm) @ self.rotation.T
        return turned + self.center_ras_mm + self.shift_mm + self.bend_at(points)

    def to_current(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Where prior points (..., 3) lie in the current scan, by fixed-point iteration."""
        points = np.asarray(points_ras_mm, dtype=float)
        current = points - self.shift_mm
        for _ in range(INVERSION_STEPS):
            rest = points - self.center_ras_mm - self.shift_mm - self.bend_at(current)
            before, current = current, rest @ self.rotation + self.center_ras_mm
            if np.abs(current - before).max(initial=0.0) < INVERSION_MM:
                break
        return current

    def field(self, grid: Grid) -> Field:
        """Return the truth as a pull-back field on a grid of the current scan: the prior is sampled at x + u(x)."""
        centers = grid.centers_ras_mm()
        return Field((self.to_prior(centers) - centers).astype(np.float32), grid)


def no_motion(low_ras_mm: np.ndarray, high_ras_mm: np.ndarray) -> Motion:
    """Return the map of a scan onto itself over a box."""
    lattice = Lattice.covering(low_ras_mm, high_ras_mm, STEP_MM)
    return Motion(np.eye(3), np.zeros(3), np.zeros(3), lattice, np.zeros((*lattice.shape_xyz, 3), dtype=np.float32))


def draw_motion(rng: np.random.Generator, low_ras_mm: np.ndarray, high_ras_mm: np.ndarray, most: MotionRange) -> Motion:
    """Return a random motion of the lungs that fill a box (RAS mm) of the prior scan."""
    center = (low_ras_mm + high_ras_mm) / 2
    shift = rng.uniform(-most.shift_mm, most.shift_mm, 3)
    rotation = Rotation.from_euler("xyz", rng.uniform(-1, 1, 3) * most.turn_degrees, degrees=True).as_matrix()
    reach = 60.0 + most.shift_mm
    lattice = Lattice.covering(low_ras_mm - reach, high_ras_mm + reach, STEP_MM)
    knots = max(6, int(np.ceil(max(lattice.shape_xyz) * STEP_MM / KNOT_MM)) + 3)
    bend = np.stack([smooth_noise(rng, lattice.shape_xyz, knots) for _ in range(3)], axis=-1)
    amount = rng.uniform(0.3, 1.0) * most.elastic_mm
    bend *= amount / max(float(np.linalg.norm(bend, axis=-1).max()), 1e-6)
    bend += _breath(lattice, low_ras_mm, high_ras_mm, rng.uniform(-most.breath_mm, most.breath_mm))
    return Motion(rotation, shift, center, lattice, bend.astype(np.float32))


def _breath(lattice: Lattice, low_ras_mm: np.ndarray, high_ras_mm: np.ndarray, base_mm: float) -> np.ndarray:
    """Displacement of another breath level: ``base_mm`` along S at the lung base, a quarter of it at the front wall."""
    _, a, s = lattice.open_axes()
    depth = np.clip((high_ras_mm[2] - s) / (high_ras_mm[2] - low_ras_mm[2]), 0.0, 1.2)
    front = np.clip((a - low_ras_mm[1]) / (high_ras_mm[1] - low_ras_mm[1]), 0.0, 1.2)
    displacement = np.zeros((*lattice.shape_xyz, 3), dtype=np.float32)
    displacement[..., 2] = base_mm * depth**1.5
    displacement[..., 1] = -0.25 * base_mm * front * depth
    return displacement
