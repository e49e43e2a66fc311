"""One heart in one chest as tissue codes on fine planes, from below the apex to above the valves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardiacBiomechLib.synthesis.short_axis.chest import VOXEL_MM, paint_chest
from CardiacBiomechLib.synthesis.short_axis.heart import Planes, paint_heart, polar
from CardiacBiomechLib.synthesis.short_axis.shapes import Shape, draw_shape

SIZE = 176
HEART = slice(20, 156)  # rows and columns a heart can reach
BELOW_MM, ABOVE_MM = 22.0, 34.0


@dataclass(frozen=True, eq=False)
class Scene:
    """``codes`` (k, j, i) of Tissue, voxels of ``VOXEL_MM``; plane k lies ``apex_plane`` planes above the apex."""

    codes: np.ndarray
    length_mm: float

    @property
    def apex_plane(self) -> float:
        """Index of the plane of the apex."""
        return BELOW_MM / VOXEL_MM[0]

    @property
    def base_plane(self) -> float:
        """Index of the plane of the mitral valve's center."""
        return (BELOW_MM + self.length_mm) / VOXEL_MM[0]


def make_scene(seed: int, valves: str = "spread") -> Scene:
    """Return the scene of a seed; ``valves`` as ``draw_shape`` takes it."""
    random = np.random.default_rng(seed)
    return render(draw_shape(random, valves=valves), random)


def render(shape: Shape, random: np.random.Generator) -> Scene:
    """Return a shape in a chest that is drawn."""
    places = ((np.arange(SIZE) - (SIZE - 1) / 2) * VOXEL_MM[1]).astype(np.float32)
    heights = np.arange(-BELOW_MM, shape.length_mm + ABOVE_MM, VOXEL_MM[0], dtype=np.float32)
    shift = random.uniform(-12.0, 12.0, 2).astype(np.float32)
    planes = Planes((places - shift[0])[None, None, :], (places - shift[1])[None, :, None], heights[:, None, None])
    codes = paint_chest(shape, planes, random)
    near = Planes(planes.x_mm[..., HEART], planes.y_mm[:, HEART], planes.z_mm)
    paint_heart(shape, polar(shape, near), codes[:, HEART, HEART], random)
    return Scene(codes, shape.length_mm)


def load_or_make(seed: int, cache: Path, valves: str = "spread") -> Scene:
    """Return the scene of a seed from the cache folder, made and kept when it is not there yet."""
    path = cache / f"scene_{seed:05d}.npz"
    if path.is_file():
        with np.load(path) as content:
            return Scene(content["codes"], float(content["length_mm"]))
    scene = make_scene(seed, valves)
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez_compressed(partial, codes=scene.codes, length_mm=scene.length_mm)
    partial.replace(path)
    return scene
