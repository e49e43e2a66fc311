"""Vessel and airway trees of the held-out setting, grown leaf by leaf along short ways with short detours.

Each leaf joins the tree where wire plus a share of the way to the root is shortest (Cuntz H et al. (2010) One rule to
grow them all. PLoS Comput Biol 6:e1000877); radii follow r_parent^g = sum of r_child^g with g = 2.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from LungNoduleAILib.synthesis.body.torso import Torso
from LungNoduleAILib.synthesis.geometry.trees import Tree, TreePlan

_LAW = 2.7
_BALANCE = 0.35  # how much the way to the root counts against new wire
_PIECE_MM = 6.0


@dataclass(frozen=True, eq=False)
class _Grown:
    """Nodes of a growing tree: place, parent, and way to the root in mm."""

    place: np.ndarray
    parent: np.ndarray
    way: np.ndarray

    @staticmethod
    def of(room: int) -> _Grown:
        return _Grown(np.empty((room, 3)), np.full(room, -1), np.zeros(room))


def grow_held_out_tree(plan: TreePlan, torso: Torso, candidates_ras_mm: np.ndarray, rng: np.random.Generator) -> Tree:
    """Return a tree from the plan's trunk to random points of one lung; leaves farther from the root come first."""
    count = max(60, plan.leaves // 2)
    trunk = _subdivided(np.asarray(plan.trunk_ras_mm, dtype=float))
    leaves = candidates_ras_mm[rng.choice(len(candidates_ras_mm), count)] + rng.uniform(-1.8, 1.8, (count, 3))
    order = np.argsort(-np.linalg.norm(leaves - trunk[-1], axis=1) * rng.uniform(0.4, 1, count))
    grown = _Grown.of(len(trunk) + 60 * count)
    used = 0
    for place in trunk:
        used = _add(grown, used, place, used - 1)
    for leaf in leaves[order]:
        gap = np.linalg.norm(grown.place[len(trunk) - 1 : used] - leaf, axis=1)
        joint = int(np.argmin(gap + _BALANCE * grown.way[len(trunk) - 1 : used])) + len(trunk) - 1
        pieces = min(int(np.ceil(gap[joint - len(trunk) + 1] / _PIECE_MM)), 50)
        bent = rng.standard_normal(3) * 0.10 * gap[joint - len(trunk) + 1]
        start, parent = grown.place[joint].copy(), joint
        for share in np.arange(1, pieces + 1) / pieces:
            place = start + share * (leaf - start) + bent * np.sin(np.pi * share)
            used = _add(grown, used, place, parent)
            parent = used - 1
    return _with_radii(grown, used, plan.leaf_radius_mm * 1.15)


def _add(grown: _Grown, used: int, place: np.ndarray, parent: int) -> int:
    grown.place[used], grown.parent[used] = place, parent
    if parent >= 0:
        grown.way[used] = grown.way[parent] + np.linalg.norm(place - grown.place[parent])
    return used + 1


def _subdivided(path: np.ndarray) -> np.ndarray:
    places = [path[:1]]
    for start, end in pairwise(path):
        pieces = max(1, int(np.ceil(np.linalg.norm(end - start) / _PIECE_MM)))
        places.append(start + (end - start) * (np.arange(1, pieces + 1) / pieces)[:, None])
    return np.concatenate(places)


def _with_radii(grown: _Grown, used: int, leaf_radius_mm: float) -> Tree:
    """Branches between nodes, as thick as the leaves they feed ask for."""
    parent = grown.parent[:used]
    leaves = np.zeros(used)
    leaves[np.setdiff1d(np.arange(used), parent)] = 1
    for node in range(used - 1, 0, -1):  # children always come after their parent
        leaves[parent[node]] += leaves[node]
    child = np.arange(1, used)
    radius = leaf_radius_mm * leaves[child] ** (1 / _LAW)
    return Tree(grown.place[parent[child]], grown.place[child], radius, parent[child] - 1, np.zeros((used - 1, 3)))
