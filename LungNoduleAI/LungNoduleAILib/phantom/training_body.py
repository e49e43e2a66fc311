"""The person networks are trained on."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.phantom.body import Body
from LungNoduleAILib.phantom.grid import FieldSampler, Grid
from LungNoduleAILib.phantom.shape import Build, make_shapes
from LungNoduleAILib.phantom.structures import AORTA, HEART, LUNG_VESSEL, OTHER_BODY, OTHER_BONE, SPINE
from LungNoduleAILib.phantom.thorax import CENTER_RAS_MM, FIELD_OF_VIEW_MM, _grow, _render
from LungNoduleAILib.phantom.tissue import _ASCENDING_AORTA, _DESCENDING_AORTA
from LungNoduleAILib.phantom.tubes import Tubes, draw_coverage, draw_distance


def make_training_body(seed: int, setting: str, spacing_mm: tuple[float, float, float]) -> Body:
    """The body of a seed."""
    person = np.random.default_rng([seed, 11])
    shape = tuple(int(np.ceil(size / step)) for size, step in zip(FIELD_OF_VIEW_MM, spacing_mm, strict=True))
    grid = Grid.around(np.array(CENTER_RAS_MM), spacing_mm, shape)
    shapes = make_shapes(Build.drawn(person), person)
    trees = _grow(shapes, person)
    vessels = Tubes.joined([tree.tubes() for name, tree in trees.items() if "bronchi" not in name])
    hu, labels = _render(shapes, grid, trees, vessels, (), 42.0, True)
    structures = np.zeros(grid.shape_kji, dtype=np.uint8)
    sampler = FieldSampler(shapes.lattice, grid)
    structures[sampler.slab(shapes.skin, 0, grid.shape_kji[0]) < 0] = OTHER_BODY
    heart = sampler.slab(shapes.heart, 0, grid.shape_kji[0]) < 0
    bone = (structures == OTHER_BODY) & (hu > 150) & (labels == 0)
    structures[bone] = OTHER_BONE
    columns = np.abs(grid.ijk_to_ras[0, 3] + grid.ijk_to_ras[0, 0] * np.arange(grid.shape_kji[2])) < 32
    rows = (grid.ijk_to_ras[1, 3] + grid.ijk_to_ras[1, 1] * np.arange(grid.shape_kji[1])) < -20
    structures[bone & columns[None, None] & rows[None, :, None]] = SPINE
    structures[heart & (labels == 0)] = HEART
    distance = np.full(grid.shape_kji, 9, dtype=np.float32)
    draw_distance(distance, grid, Tubes.joined([Tubes.along(np.array(p), r) for p, r in (
        (_ASCENDING_AORTA, 14.0), (_DESCENDING_AORTA, 12.0))]), 0.5)
    structures[(distance < 0) & (labels == 0)] = AORTA
    structures[labels > 0] = labels[labels > 0]
    coverage = np.zeros(grid.shape_kji, dtype=np.float32)
    draw_coverage(coverage, grid, vessels)
    structures[(coverage > 0.5) & (labels > 0) & (labels < 6)] = LUNG_VESSEL
    patterns = ((labels > 0) & (labels < 6)).astype(np.uint8)
    return Body(seed, setting, grid, np.rint(hu).astype(np.int16), labels, structures, patterns)
