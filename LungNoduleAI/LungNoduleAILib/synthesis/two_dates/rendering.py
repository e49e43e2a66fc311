"""One date of a synthetic person: the clean anatomy seen through a motion, its nodules, and its own scanner and noise.

Dates never share noise: each is rendered from the noise-free body with its own random generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.ndimage import map_coordinates

from LungNoduleAILib.synthesis.geometry.lattice import FieldSampler
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.model.structures import AORTA, HEART, LUNG_VESSEL
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.share import nodule_share, paint_into
from LungNoduleAILib.synthesis.scanner.acquisition import acquire, reconstruct
from LungNoduleAILib.synthesis.scanner.settings import Scanner
from LungNoduleAILib.synthesis.two_dates.motion import Motion
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import SeriesIdentity, Volume

FINEST_SLICE_MM = 1.3
_SLAB = 8


@dataclass(frozen=True, eq=False)
class DateView:
    """A body on one date: ``motion`` leads from this date's coordinates to the body's, ``nodules`` lie in this date's.

    ``contrast_hu`` is added to blood in the heart, the aorta and the lung vessels. ``body_hu`` is what is sampled.
    """

    body: Body
    motion: Motion
    nodules: tuple[PlantedNodule, ...]
    scanner: Scanner
    contrast_hu: float = 0.0
    study_date: str = ""
    body_hu: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        hu = self.body.clean_hu
        if self.contrast_hu:
            blood = np.isin(self.body.structures, (AORTA, HEART, LUNG_VESSEL))
            hu = hu + blood.astype(np.int16) * np.int16(self.contrast_hu)
        object.__setattr__(self, "body_hu", hu)

    def clean_patch(self, grid: Grid) -> np.ndarray:
        """Noise-free float32 HU on a small grid of this date."""
        index = self._body_index(grid, 0, grid.shape_kji[0])
        hu = map_coordinates(self.body_hu, index, order=1, mode="nearest", output=np.float32)
        for nodule in self._near(grid):
            paint_into(hu, grid, nodule)
        return hu

    def patch(self, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """Return scanned float32 HU on a small grid whose k axis is the scanner's."""
        return acquire(self.clean_patch(grid), grid.spacing_kji_mm, self.scanner, rng)

    def volume(self, grid: Grid, rng: np.random.Generator) -> tuple[Volume, np.ndarray]:
        """Return whole scan on ``grid`` (int16 HU) and its labels (uint8); slices thicker than 1.3 mm are averaged."""
        parts = max(1, int(np.ceil(grid.spacing_kji_mm[0] / FINEST_SLICE_MM - 1e-6)))
        fine = _finer_along_k(grid, parts)
        hu, labels = self._clean_volume(fine)
        places = (np.arange(grid.shape_kji[0]) * parts + (parts - 1) / 2).astype(float)
        scanned = np.rint(reconstruct(hu, fine.spacing_kji_mm, self.scanner, rng, places)).astype(np.int16)
        identity = SeriesIdentity(
            series_uid=f"2.25.{7400000000 + int(rng.integers(10**9))}",
            kernel=self.scanner.kernel,
            slice_thickness_mm=round(self.scanner.slice_mm, 2),
            study_date=self.study_date,
            contrast="phantom contrast" if self.contrast_hu else "",
            manufacturer="ThoraxAI phantom",
        )
        return Volume(scanned, grid.ijk_to_ras, identity=identity), labels[(parts - 1) // 2 :: parts].copy()

    def _clean_volume(self, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        hu = np.empty(grid.shape_kji, dtype=np.float32)
        labels = np.empty(grid.shape_kji, dtype=np.uint8)
        for start in range(0, grid.shape_kji[0], _SLAB):
            stop = min(start + _SLAB, grid.shape_kji[0])
            index = self._body_index(grid, start, stop)
            map_coordinates(self.body_hu, index, order=1, mode="nearest", output=hu[start:stop])
            map_coordinates(self.body.labels, index, order=0, mode="constant", output=labels[start:stop])
        for nodule in self.nodules:
            paint_into(hu, grid, nodule)
        return hu, self._with_nodules(labels, grid)

    def _with_nodules(self, labels: np.ndarray, grid: Grid) -> np.ndarray:
        """Labels filled where a nodule reaches beyond the lung, with the lung's label next to it."""
        for nodule in self._near(grid):
            box, share = nodule_share(grid, nodule)
            inside = labels[box][share > 0.5]
            if inside.size and (inside > 0).any():
                labels[box][(share > 0.5) & (labels[box] == 0)] = np.bincount(inside[inside > 0]).argmax()
        return labels

    def _near(self, grid: Grid) -> list[PlantedNodule]:
        """Return the nodules that may reach into a grid; outlines stay within 2.2 times the longest semi-axis."""
        low, high = grid.bounds_ras_mm()
        return [
            nodule
            for nodule in self.nodules
            if all(
                a - 2.2 * max(nodule.semi_axes_mm) < x < b + 2.2 * max(nodule.semi_axes_mm)
                for x, a, b in zip(nodule.center_ras_mm, low, high, strict=True)
            )
        ]

    def _body_index(self, grid: Grid, start: int, stop: int) -> np.ndarray:
        """Voxel positions (3, k, j, i) in the body of slices ``start:stop`` of a grid of this date, float32."""
        motion = self.motion
        to_voxel = np.linalg.inv(self.body.grid.ijk_to_ras)
        step = to_voxel[:3, :3] @ motion.rotation
        rest = step @ -motion.center_ras_mm + to_voxel[:3, :3] @ (motion.center_ras_mm + motion.shift_mm)
        from_index = step @ grid.ijk_to_ras[:3, :3]
        rest = rest + to_voxel[:3, 3] + step @ grid.ijk_to_ras[:3, 3]
        k, j, i = np.indices((stop - start, *grid.shape_kji[1:]), sparse=True)
        index = np.empty((3, stop - start, *grid.shape_kji[1:]), dtype=np.float32)
        bend = self._bend(grid, start, stop)
        for axis in range(3):
            part = index[2 - axis]
            part[:] = from_index[axis, 0] * i + from_index[axis, 1] * j + from_index[axis, 2] * (k + start) + rest[axis]
            for weight, component in zip(to_voxel[axis, :3], bend, strict=False):
                if weight:
                    part += np.float32(weight) * component
        return index

    def _bend(self, grid: Grid, start: int, stop: int) -> list[np.ndarray]:
        """Return the R, A, S components of the elastic displacement on slices of a grid; none where nothing bends."""
        if not self.motion.bend_mm.any():
            return []
        sampler = FieldSampler(self.motion.lattice, grid)
        return [sampler.slab(self.motion.bend_mm[..., axis], start, stop) for axis in range(3)]


def _finer_along_k(grid: Grid, parts: int) -> Grid:
    """Return the grid with every slice cut into ``parts``."""
    matrix = grid.ijk_to_ras.copy()
    matrix[:3, 2] /= parts
    matrix[:3, 3] -= matrix[:3, 2] * (parts - 1) / 2
    return Grid((grid.shape_kji[0] * parts, *grid.shape_kji[1:]), matrix)


def on_date(nodules: Sequence[PlantedNodule], motion: Motion) -> tuple[PlantedNodule, ...]:
    """Nodules of the body as they lie on a date: moved and turned with it, their size kept."""
    moved = []
    for nodule in nodules:
        center = motion.to_current(np.array(nodule.center_ras_mm))
        axes = np.array(nodule.axes_ras) @ motion.rotation
        moved.append(
            replace(
                nodule,
                center_ras_mm=three(float(x) for x in center),
                axes_ras=tuple(three(float(x) for x in row) for row in axes),
            )
        )
    return tuple(moved)
