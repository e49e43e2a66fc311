"""Vessel and airway trees that fill the lobes and obey Murray's law: r_parent^3 = sum of r_child^3.

Murray CD (1926) The physiological principle of minimum work. PNAS 12:207-214. Radii follow from the number of leaves
a branch feeds, r = r_leaf * n^(1/3), so the law holds at every branching by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from LungNoduleAILib.synthesis.geometry.shape import Shapes
from LungNoduleAILib.synthesis.geometry.tubes import Tubes


@dataclass(frozen=True, eq=False)
class Tree:
    """Branches with their parents: ``parent`` (n,) is the index of the branch each starts from, -1 for the root."""

    start_ras_mm: np.ndarray
    end_ras_mm: np.ndarray
    radius_mm: np.ndarray
    parent: np.ndarray
    bend_mm: np.ndarray

    def tubes(self) -> Tubes:
        """Return the branches as tubes, each slightly bent in its middle."""
        middle = (self.start_ras_mm + self.end_ras_mm) / 2 + self.bend_mm
        return Tubes(
            np.concatenate([self.start_ras_mm, middle]),
            np.concatenate([middle, self.end_ras_mm]),
            np.concatenate([self.radius_mm, self.radius_mm]),
        )


@dataclass(frozen=True)
class TreePlan:
    """One tree of one lung: ``trunk_ras_mm`` from its origin to the hilum, how many leaves, how thick they are."""

    trunk_ras_mm: tuple[tuple[float, float, float], ...]
    right: bool
    leaves: int
    leaf_radius_mm: float
    lobar_mm: float = 12.0


ARTERIES = (
    TreePlan(((-14, 26, 38), (10, 12, 33), (38, -4, 26)), True, 2600, 0.46),
    TreePlan(((-18, 26, 42), (-32, 8, 44), (-45, -14, 38)), False, 2400, 0.46),
)
VEINS = (
    TreePlan(((14, -14, -8), (38, 2, -2)), True, 2300, 0.44),
    TreePlan(((-22, -14, -8), (-42, -2, 4)), False, 2100, 0.44),
)
BRONCHI = (
    TreePlan(((2, -8, 46), (20, -14, 32), (38, -16, 20)), True, 190, 1.0, 14.0),
    TreePlan(((2, -8, 46), (-24, -16, 32), (-46, -20, 22)), False, 165, 1.0, 14.0),
)
TRACHEA = ((0, 2, 158), (0, -2, 110), (2, -8, 46))
TRACHEA_RADIUS_MM = 8.6


def grow_tree(plan: TreePlan, shapes: Shapes, candidates_ras_mm: np.ndarray, rng: np.random.Generator) -> Tree:
    """Return a tree whose leaves are drawn from candidate points of one lung; each lobe gets its own branch."""
    picked = candidates_ras_mm[rng.choice(len(candidates_ras_mm), plan.leaves)]
    leaves = picked + rng.uniform(-1.5, 1.5, picked.shape)
    lobes = shapes.lobe_at(leaves)
    trunk = np.asarray(plan.trunk_ras_mm, dtype=float)
    parts = _Branches()
    parent = -1
    radius = plan.leaf_radius_mm * plan.leaves ** (1 / 3)
    for start, end in pairwise(trunk):
        parent = parts.add(start[None], end[None], np.array([radius]), np.array([parent]), np.zeros((1, 3)))[0]
    groups = [leaves[lobes == lobe] for lobe in np.unique(lobes)]
    starts = np.repeat(trunk[-1:], len(groups), axis=0)
    ends = np.stack([trunk[-1] + plan.lobar_mm * _unit(group.mean(axis=0) - trunk[-1]) for group in groups])
    sizes = np.array([len(group) for group in groups])
    roots = parts.add(starts, ends, plan.leaf_radius_mm * np.cbrt(sizes), np.full(len(groups), parent), 0 * ends)
    _fill(parts, np.concatenate(groups), sizes, ends, roots, plan.leaf_radius_mm, rng)
    return parts.tree()


class _Branches:
    """Branches gathered level by level."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, ...]] = []
        self._count = 0

    def add(self, *arrays: np.ndarray) -> np.ndarray:
        """Append branches (start, end, radius, parent, bend); returns their indices."""
        self._parts.append(arrays)
        first, self._count = self._count, self._count + len(arrays[0])
        return np.arange(first, self._count)

    def tree(self) -> Tree:
        """All branches as one tree."""
        return Tree(*(np.concatenate(part) for part in zip(*self._parts, strict=True)))


def _fill(
    parts: _Branches,
    points: np.ndarray,
    sizes: np.ndarray,
    origin: np.ndarray,
    parent: np.ndarray,
    leaf_radius_mm: float,
    rng: np.random.Generator,
) -> None:
    """Halve each group of leaves along its widest axis until every leaf has its own branch, all groups at once.

    ``points`` are sorted by group; groups of ``sizes`` grow from ``origin`` as children of ``parent``.
    """
    while len(sizes):
        first = np.cumsum(sizes) - sizes
        owner = np.repeat(np.arange(len(sizes)), sizes)
        points, sizes, source = _halved(points, owner, sizes, first, origin, rng)
        first = np.cumsum(sizes) - sizes
        center = np.add.reduceat(points, first, axis=0) / sizes[:, None]
        share = np.where(sizes == 1, 1.0, rng.uniform(0.32, 0.55, len(sizes)))[:, None]
        start = origin[source]
        end = start + share * (center - start)
        bend = rng.standard_normal(end.shape) * 0.05 * np.linalg.norm(end - start, axis=1, keepdims=True)
        index = parts.add(start, end, leaf_radius_mm * np.cbrt(sizes), parent[source], bend)
        going = sizes > 1
        points, sizes, origin, parent = points[np.repeat(going, sizes)], sizes[going], end[going], index[going]


def _halved(
    points: np.ndarray,
    owner: np.ndarray,
    sizes: np.ndarray,
    first: np.ndarray,
    origin: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each group split in two across its main axis (less weight along the way it came); groups of one stay.

    Returns points sorted by new group, the new sizes, and which old group each came from.
    """
    center = np.add.reduceat(points, first, axis=0) / sizes[:, None]
    away = points - center[owner]
    heading = _unit(center - origin)
    away = away - 0.75 * (away * heading[owner]).sum(axis=1, keepdims=True) * heading[owner]
    spread = np.add.reduceat(away[:, :, None] * away[:, None, :], first, axis=0)
    axis = np.linalg.eigh(spread)[1][:, :, -1]
    order = np.lexsort(((away * axis[owner]).sum(axis=1), owner))
    left = np.clip(np.round(sizes * rng.uniform(0.28, 0.72, len(sizes))), 1, np.maximum(sizes - 1, 1)).astype(int)
    halves = np.stack([left, sizes - left], axis=1).reshape(-1)
    source = np.repeat(np.arange(len(sizes)), 2)
    kept = halves > 0
    return points[order], halves[kept], source[kept]


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
