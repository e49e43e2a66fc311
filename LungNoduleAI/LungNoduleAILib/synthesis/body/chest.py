"""A person of one setting: build, warp, shapes, trees and tissue put together on one grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY
from LungNoduleAILib.synthesis.body.habitus import Habitus, draw_habitus
from LungNoduleAILib.synthesis.body.held_out_torso import draw_held_out_habitus, make_held_out_torso
from LungNoduleAILib.synthesis.body.held_out_trees import grow_held_out_tree
from LungNoduleAILib.synthesis.body.lung_tissue import FINE_GRAIN, MIXED_GRAIN, Grain, LungPainter, draw_lung_fields
from LungNoduleAILib.synthesis.body.negatives import paint_negatives
from LungNoduleAILib.synthesis.body.torso import Torso, make_torso
from LungNoduleAILib.synthesis.body.torso_tissue import BandedWallSlab, TorsoSlab, render_torso
from LungNoduleAILib.synthesis.geometry.trees import ARTERIES, BRONCHI, TRACHEA, VEINS, Tree, TreePlan, grow_tree
from LungNoduleAILib.synthesis.geometry.tubes import Tubes, draw_coverage, draw_distance, paint
from LungNoduleAILib.synthesis.model.body import Body
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three

_MARGIN_MM = 10.0
_MAX_MM = (500.0, 400.0)


@dataclass(frozen=True)
class Recipe:
    """The parts a setting makes its persons of; ``stream`` keeps its random numbers apart."""

    setting: str
    stream: int
    habitus: Callable[[np.random.Generator], Habitus]
    torso: Callable[[Habitus, np.random.Generator], Torso]
    tree: Callable[[TreePlan, Torso, np.ndarray, np.random.Generator], Tree]
    slab: type[TorsoSlab]
    grain: Grain


TRAINING = Recipe("training", 11, draw_habitus, make_torso, grow_tree, TorsoSlab, FINE_GRAIN)
HELD_OUT = Recipe(
    "held-out", 12, draw_held_out_habitus, make_held_out_torso, grow_held_out_tree, BandedWallSlab, MIXED_GRAIN
)


def make_chest(seed: int, recipe: Recipe, spacing_mm: tuple[float, float, float]) -> Body:
    """Return the body of a seed."""
    build, shape, growth, air, disease, organs, grain, mimics = _streams(seed, recipe)
    torso = recipe.torso(recipe.habitus(build), shape)
    grid = field_of_view(torso, spacing_mm)
    trees = _grow(torso, recipe.tree, growth)
    airways = _airways(torso, trees, air)
    fields = draw_lung_fields(torso, disease)
    tissue = render_torso(torso, grid, organs, recipe.slab)
    hu = np.zeros(grid.shape_kji, dtype=np.float32)
    labels, structures, patterns = (np.zeros(grid.shape_kji, dtype=np.uint8) for _ in range(3))
    vessels = [tree.tubes() for name, tree in trees.items() if "bronchi" not in name]
    if vessels:
        draw_coverage(hu, grid, Tubes.joined(vessels))
    LungPainter(torso, fields, tissue, grid, recipe.grain, grain).paint(hu, labels, structures, patterns)
    del tissue
    _draw_airways(hu, labels, structures, patterns, grid, airways)
    negatives = paint_negatives(hu, grid, torso, mimics)
    clean = np.clip(np.rint(hu, out=hu), -1024, 3071).astype(np.int16)
    return Body(seed, recipe.setting, grid, clean, labels, structures, patterns, negatives)


def habitus_of(seed: int, recipe: Recipe) -> Habitus:
    """Return the build of the person of a seed, without making the body."""
    return recipe.habitus(_streams(seed, recipe)[0])


def _streams(seed: int, recipe: Recipe) -> list[np.random.Generator]:
    return np.random.default_rng([seed, recipe.stream]).spawn(8)


def field_of_view(torso: Torso, spacing_mm: tuple[float, float, float]) -> Grid:
    """Return axial grid around the skin, from below the domes to above the apices as far as the person's scan goes."""
    build = torso.build
    step, low_corner = torso.lattice.step_mm, torso.lattice.low_ras_mm
    inside = torso.skin < 0
    low, high = [], []
    for axis in (0, 1):
        found = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
        low.append(low_corner[axis] + step * found[0] - _MARGIN_MM)
        high.append(low_corner[axis] + step * found[-1] + _MARGIN_MM)
        over = max(0.0, high[axis] - low[axis] - _MAX_MM[axis]) / 2
        low[axis], high[axis] = low[axis] + over, high[axis] - over
    top = build.height * 125 + build.top_mm
    base = build.height * (min(build.right_dome_mm, build.left_dome_mm) - 45)
    low.append(max(base - build.bottom_mm, low_corner[2] + step))
    high.append(min(top, low_corner[2] + step * (torso.lattice.shape_xyz[2] - 2)))
    size = np.array(high) - np.array(low)
    shape = three(int(np.ceil(length / mm)) for length, mm in zip(size, spacing_mm, strict=True))
    return Grid.around((np.array(low) + np.array(high)) / 2, spacing_mm, shape)


def _grow(
    torso: Torso, tree: Callable[[TreePlan, Torso, np.ndarray, np.random.Generator], Tree], rng: np.random.Generator
) -> dict[str, Tree]:
    """Arteries, veins and bronchi of both lungs, where there is lung."""
    build, trees = torso.build, {}
    for name, plans, depth_mm in (("arteries", ARTERIES, 3.0), ("veins", VEINS, 3.0), ("bronchi", BRONCHI, 16.0)):
        index = np.argwhere(torso.lung < -depth_mm)
        points = torso.lattice.low_ras_mm + torso.lattice.step_mm * index
        right = torso.position[0][tuple(index.T)] > 0
        for plan in plans:
            own = points[right == plan.right]
            if len(own) * torso.lattice.step_mm**3 < 4e5:  # less than 0.4 L of lung left
                continue
            side = "right" if plan.right else "left"
            trees[f"{side} {name}"] = tree(_personal(plan, name, torso, build), torso, own, rng)
    return trees


def _personal(plan: TreePlan, name: str, torso: Torso, build: Habitus) -> TreePlan:
    """Return a plan in the patient's space with the person's calibres."""
    trunk = torso.warp.patient(np.array(plan.trunk_ras_mm, dtype=float))
    path = tuple(three(float(x) for x in point) for point in trunk)
    if name == "bronchi":
        return replace(plan, trunk_ras_mm=path)
    return replace(plan, trunk_ras_mm=path, leaves=int(plan.leaves * build.leaves), leaf_radius_mm=build.leaf_radius_mm)


def _airways(torso: Torso, trees: dict[str, Tree], rng: np.random.Generator) -> tuple[Tubes, Tubes | None]:
    """Trachea with main bronchi, and the bronchi beyond."""
    radius = float(rng.uniform(6.8, 10.5))
    main = [torso.warp.tubes(Tubes.along(np.array(TRACHEA, dtype=float), radius))]
    distal = []
    for tree in (tree for name, tree in trees.items() if "bronchi" in name):
        tubes = tree.tubes()
        trunk = np.tile(tree.radius_mm > 0.999 * tree.radius_mm[0], 2)
        main.append(tubes.where(trunk))
        distal.append(tubes.where(~trunk))
    return Tubes.joined(main), Tubes.joined(distal) if distal else None


def _draw_airways(
    hu: np.ndarray,
    labels: np.ndarray,
    structures: np.ndarray,
    patterns: np.ndarray,
    grid: Grid,
    airways: tuple[Tubes, Tubes | None],
) -> None:
    """Walls first, then the air in them; beyond the hilum only inside the lung. Lumen becomes a structure."""
    central, distal = airways
    lung = labels > 0
    paint(hu, grid, central.grown(1.3), 20)
    distance = np.full(grid.shape_kji, 9, dtype=np.float32)
    if distal is not None:
        paint(hu, grid, distal.grown(0.25 + 0.18 * distal.radius_mm), -250, lung)
        paint(hu, grid, distal, -985, lung)
        draw_distance(distance, grid, distal, 0.3)
        structures[(distance < 0) & lung] = AIRWAY
    paint(hu, grid, central, -1000)
    distance.fill(9)
    draw_distance(distance, grid, central, 0.5)
    inside = (distance < 0) & (structures > 0)
    labels[inside] = structures[inside] = AIRWAY
    patterns[inside] = 0
