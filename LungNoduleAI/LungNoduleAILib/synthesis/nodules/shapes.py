"""Outlines of nodules that are not ellipsoids: a radius over direction, made of bumps, spikes, spheres and a flat side.

Star-shaped outlines keep the volume a simple integral over directions, V = abc * mean(rho^3) * 4/3 pi.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ThoraxAILib.image.tuples import five

SHAPE_KINDS = ("ellipsoid", "lobulated", "spiculated", "irregular")


@dataclass(frozen=True)
class NoduleShape:
    """Radius over unit direction, in units of the nodule's semi-axes and along them (1 is the ellipsoid).

    ``bumps`` are (x, y, z, sharpness, height): height * exp(sharpness * (cos angle - 1)) added to 1.
    ``spheres`` are (x, y, z, radius), each holding the centre; the outline is at least the farthest of them.
    ``flat`` is (x, y, z, offset): nothing reaches beyond that plane (the pleura a nodule sits on).
    """

    kind: str
    bumps: tuple[tuple[float, float, float, float, float], ...] = ()
    spheres: tuple[tuple[float, float, float, float], ...] = ()
    flat: tuple[float, float, float, float] | None = None

    def radius(self, directions: np.ndarray) -> np.ndarray:
        """Outline (n,) float32 in unit directions (n, 3) of the scaled axes."""
        u = np.asarray(directions, dtype=np.float32)
        rho = np.ones(len(u), dtype=np.float32)
        if self.bumps:
            table = np.array(self.bumps, dtype=np.float32)
            rho += np.exp((u @ table[:, :3].T - 1) * table[:, 3]) @ table[:, 4]
            np.maximum(rho, 0.35, out=rho)
        if self.spheres:
            table = np.array(self.spheres, dtype=np.float32)
            along = u @ table[:, :3].T
            reach = along + np.sqrt(np.maximum(along**2 + table[:, 3] ** 2 - (table[:, :3] ** 2).sum(axis=1), 0))
            rho = reach.max(axis=1)
        if self.flat is not None:
            *normal, offset = self.flat
            toward = u @ np.array(normal, dtype=np.float32)
            rho = np.minimum(rho, np.float32(offset) / np.maximum(toward, np.float32(offset) / 9))
        return rho

    def volume_factor(self, directions: int = 20000) -> float:
        """Volume relative to the ellipsoid of the same semi-axes."""
        return float((self.radius(even_directions(directions)).astype(np.float64) ** 3).mean())

    def reach(self) -> float:
        """Largest radius over all directions, with a margin for narrow spikes."""
        return float(self.radius(even_directions(4096)).max()) * 1.05


@lru_cache(maxsize=4)
def even_directions(count: int) -> np.ndarray:
    """Return unit vectors spread evenly over the sphere (Fibonacci lattice), float32 (count, 3)."""
    index = np.arange(count) + 0.5
    up = 1 - 2 * index / count
    turn = np.pi * (1 + 5**0.5) * index
    flat = np.sqrt(1 - up**2)
    points = np.stack([flat * np.cos(turn), flat * np.sin(turn), up], axis=1).astype(np.float32)
    points.setflags(write=False)
    return points


def draw_shape(rng: np.random.Generator, kind: str) -> NoduleShape | None:
    """Return a random outline of one of SHAPE_KINDS; None for the plain ellipsoid."""
    if kind == "ellipsoid":
        return None
    bumps = _bumps(rng, int(rng.integers(5, 10)), (1.5, 5), (-0.10, 0.14))
    if kind == "lobulated":
        bumps += _bumps(rng, int(rng.integers(3, 7)), (5, 12), (0.15, 0.42))
    elif kind == "spiculated":
        bumps += _bumps(rng, int(rng.integers(3, 6)), (4, 10), (0.05, 0.2))
        bumps += _bumps(rng, int(rng.integers(7, 22)), (60, 260), (0.25, 0.95))
    else:
        bumps += _bumps(rng, int(rng.integers(6, 14)), (6, 30), (-0.22, 0.32))
    return NoduleShape(kind, tuple(bumps))


def _bumps(
    rng: np.random.Generator, count: int, sharpness: tuple[float, float], height: tuple[float, float]
) -> list[tuple[float, float, float, float, float]]:
    directions = rng.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    low, high = np.log(sharpness)
    table = np.column_stack([directions, np.exp(rng.uniform(low, high, count)), rng.uniform(*height, count)])
    return [five(round(float(x), 5) for x in row) for row in table]
