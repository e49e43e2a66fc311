"""What the learned detector searches: the CT around the lungs on cubes, and where within it nodules are looked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.anatomy.hull import coarse_hull_depth_mm, coarse_strides, on_voxels
from LungNoduleAILib.detection.two_levels import SPACING_MM
from LungNoduleAILib.model.anatomy import AIRWAY, RLL, Anatomy
from ThoraxAILib.image.boxes import Box
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume

MARGIN_MM = 15.0
HULL_MARGIN_MM = 4.5  # the hull is made of blocks of 4 mm


@dataclass(frozen=True, eq=False)
class SearchImage:
    """HU (float32) around the lungs on ``grid``, cubes of SPACING_MM; ``wanted`` (bool), where nodules may lie."""

    hu: np.ndarray
    wanted: np.ndarray
    grid: Grid

    @staticmethod
    def around(volume: Volume, anatomy: Anatomy, box: Box) -> SearchImage:
        """Return the image of a box of the CT: fine voxels are averaged, coarse ones interpolated linearly."""
        step = SPACING_MM / volume.spacing_kji_mm
        inside = anatomy.labels[box]
        size = [max(1, int((n - 1) / s) + 1) for n, s in zip(inside.shape, step, strict=True)]
        places = [np.arange(n) * s for n, s in zip(size, step, strict=True)]
        nearest = [np.minimum(np.rint(at).astype(int), n - 1) for at, n in zip(places, inside.shape, strict=True)]
        hu = averaged(volume.array[box], places, step)
        grid = Grid.of(volume).stepped([b.start for b in box], step, size)
        return SearchImage(hu, within_hull(inside[np.ix_(*nearest)]), grid)


def averaged(array: np.ndarray, places: list[np.ndarray], step: np.ndarray) -> np.ndarray:
    """float32 values at ``places`` (voxels, per axis): a triangle of half-width ``step`` voxels, but at least one."""
    k, j, i = (_triangles(at, n, max(1.0, float(wide))) for at, n, wide in zip(places, array.shape, step, strict=True))
    planes = np.stack([j @ plane.astype(np.float32) @ i.T for plane in array])
    return (k @ planes.reshape(len(planes), -1)).reshape(len(k), len(j), len(i))


def _triangles(places: np.ndarray, count: int, half_width: float) -> np.ndarray:
    """Weights (places, count) of each voxel, float32; each row sums to one."""
    weights = np.clip(1 - np.abs(np.arange(count)[None] - places[:, None]) / half_width, 0, None)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def within_hull(labels: np.ndarray) -> np.ndarray:
    """Where nodules are looked for: the lungs, closed so far that tumors on the wall lie inside, and a margin."""
    spacing = np.full(3, SPACING_MM)
    right = (labels > 0) & (labels <= RLL)
    left = (labels > RLL) & (labels < AIRWAY)
    deep = np.maximum(coarse_hull_depth_mm(right, spacing), coarse_hull_depth_mm(left, spacing)) > -HULL_MARGIN_MM
    return on_voxels(deep, labels.shape, coarse_strides(spacing))
