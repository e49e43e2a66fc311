"""A coarse volume onto which solids are drawn one over the other, through a random smooth deformation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LungNoduleAILib.synthesis.geometry.lattice import FieldSampler, Lattice
from LungNoduleAILib.synthesis.geometry.shape import smooth_noise
from LungNoduleAILib.synthesis.geometry.tubes import Tubes, draw_distance
from LungNoduleAILib.synthesis.model.structures import OTHER_BODY
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three

STEP_MM = 2.0


class Canvas:
    """HU (float32, starts as air) and structure labels on a box of RAS space; ``r``, ``a``, ``s`` are deformed mm."""

    def __init__(
        self,
        low_ras_mm: Sequence[float],
        high_ras_mm: Sequence[float],
        rng: np.random.Generator,
        wobble_mm: float = 3.0,
        turn_degrees: float = 8.0,
    ) -> None:
        self.rng = rng
        lattice = Lattice.covering(np.array(low_ras_mm, dtype=float), np.array(high_ras_mm, dtype=float), STEP_MM)
        matrix = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
        matrix[:3, 3] = lattice.low_ras_mm
        self._lattice, self.grid = lattice, Grid(lattice.shape_xyz[::-1], matrix)
        self.hu = np.full(self.grid.shape_kji, -1000, dtype=np.float32)
        self.structures = np.zeros(self.grid.shape_kji, dtype=np.uint8)
        angle = np.radians(rng.uniform(-turn_degrees, turn_degrees))
        r, a, s = (axis.transpose(2, 1, 0) for axis in lattice.open_axes())
        wobble = [wobble_mm * smooth_noise(rng, self.grid.shape_kji, 9) for _ in range(3)]
        self.r = (np.cos(angle) * r + np.sin(angle) * a + wobble[0]).astype(np.float32)
        self.a = (np.cos(angle) * a - np.sin(angle) * r + wobble[1]).astype(np.float32)
        self.s = (s + wobble[2]).astype(np.float32)
        self.texture = smooth_noise(rng, self.grid.shape_kji, 30)

    def fill(
        self,
        distance_mm: np.ndarray,
        hu: float | np.floating | np.ndarray,
        structure: int = OTHER_BODY,
        only: np.ndarray | None = None,
    ) -> None:
        """Draw where the signed distance is negative, with partial volume; ``only`` (bool) limits it."""
        share = np.clip(0.5 - distance_mm / np.float32(STEP_MM), 0, 1)
        if only is not None:
            share = share * only
        self.hu += share * (hu - self.hu)
        self.structures[share > 0.5] = structure

    def ellipsoid(self, center: Sequence[float], semi_mm: Sequence[float], lean: float = 0.0) -> np.ndarray:
        """Approximate signed distance to an ellipsoid; ``lean`` turns it about the S axis, radians."""
        x, y, z = (axis - np.float32(at) for axis, at in zip((self.r, self.a, self.s), center, strict=True))
        if lean:
            x, y = np.cos(lean) * x + np.sin(lean) * y, np.cos(lean) * y - np.sin(lean) * x
        squared = sum((axis / np.float32(size)) ** 2 for axis, size in zip((x, y, z), semi_mm, strict=True))
        return (np.sqrt(squared) - 1) * np.float32(min(semi_mm))

    def tube(
        self, path: Sequence[Sequence[float]] | np.ndarray, radius_mm: float | np.ndarray, reach_mm: float = 4.0
    ) -> np.ndarray:
        """Signed distance to a bent tube (9 mm where far away); not deformed."""
        distance = np.full(self.grid.shape_kji, 9, dtype=np.float32)
        draw_distance(distance, self.grid, Tubes.along(np.array(path, dtype=float), radius_mm), reach_mm)
        return distance

    def rendered(self, spacing_mm: tuple[float, float, float]) -> tuple[Grid, np.ndarray, np.ndarray]:
        """Grid of ``spacing_mm`` in LPS order over the box, int16 HU and uint8 structures."""
        low, high = self.grid.bounds_ras_mm()
        low, high = low + STEP_MM, high - STEP_MM
        shape = three(int(np.floor(size / mm)) for size, mm in zip(high - low, spacing_mm, strict=True))
        grid = Grid.around((low + high) / 2, spacing_mm, shape)
        sampler, turned = FieldSampler(self._lattice, grid), self.hu.transpose(2, 1, 0)
        hu = np.empty(grid.shape_kji, dtype=np.int16)
        for start in range(0, len(hu), 8):
            stop = min(start + 8, len(hu))
            hu[start:stop] = np.clip(np.rint(sampler.slab(turned, start, stop)), -1024, 3071)
        nearest = []
        for axis, ras in enumerate((2, 1, 0)):
            mm = grid.ijk_to_ras[ras, 3] + grid.ijk_to_ras[ras, ras] * np.arange(grid.shape_kji[axis])
            index = np.rint((mm - self._lattice.low_ras_mm[ras]) / STEP_MM).astype(int)
            nearest.append(np.clip(index, 0, self.grid.shape_kji[axis] - 1))
        return grid, hu, self.structures[np.ix_(*nearest)]
