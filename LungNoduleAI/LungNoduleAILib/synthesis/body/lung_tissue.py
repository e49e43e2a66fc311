"""Parenchyma of one person: density by gravity, mottle, emphysema, fissures, and ground-glass or reticular patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LungNoduleAILib.synthesis.body.torso import Torso
from LungNoduleAILib.synthesis.body.torso_tissue import Tissue
from LungNoduleAILib.synthesis.geometry.lattice import FieldSampler, Lattice
from LungNoduleAILib.synthesis.geometry.shape import lobe_labels, smooth_noise
from LungNoduleAILib.synthesis.model.structures import GROUND_GLASS, LUNG_VESSEL, NORMAL, RETICULAR
from ThoraxAILib.image.grid import Grid

_SLAB = 8
_TILE = 80


@dataclass(frozen=True)
class Grain:
    """Spectrum of the lung's mottle: Gaussian grains of some sizes in mm (sigma), each with its weight."""

    sigma_mm: tuple[float, ...]
    weight: tuple[float, ...]


FINE_GRAIN, MIXED_GRAIN = Grain((1.7,), (1.0,)), Grain((0.9, 2.4, 6.0), (0.6, 0.6, 0.5))


@dataclass(frozen=True, eq=False)
class LungFields:
    """Fields on the torso's lattice: density (HU), and where patches are (positive inside, None if there are none)."""

    density: np.ndarray
    emphysema: np.ndarray | None
    ground_glass: np.ndarray | None
    reticular: np.ndarray | None
    ground_glass_hu: float
    ragged_fissures: np.ndarray


def draw_lung_fields(torso: Torso, rng: np.random.Generator) -> LungFields:
    """Density and disease of one person's lungs."""
    build, shape, depth = torso.build, torso.lattice.shape_xyz, -torso.lung
    front = torso.lattice.open_axes()[1]
    level = torso.position[2]
    density = build.lung_hu - build.gravity_hu_per_mm * front + 7 * torso.texture + 6 * torso.smooth
    low_behind = np.clip((-40 - front) / 25, 0, 1) * np.exp(-np.clip(depth, 0, None) / 9)
    density = density + build.dependent_hu * low_behind * (1 + 0.3 * torso.texture)
    emphysema = ground_glass = reticular = None
    if build.emphysema:
        rarer_below = 1.9 - 1.5 * build.emphysema - 0.004 * level
        emphysema = (rarer_below - 0.5 * smooth_noise(rng, shape, 12)).astype(np.float32)
    if build.ground_glass:
        patches = smooth_noise(rng, shape, int(rng.integers(9, 26)))
        rim = rng.uniform(0, 0.9) * np.exp(-np.clip(depth, 0, None) / 14)
        ground_glass = (patches + rim - 1.5 + 1.3 * build.ground_glass).astype(np.float32)
    if build.reticular:
        basal = np.clip(-(level + 10) / 70, -1.2, 0.8) * rng.uniform(0.4, 1.1)
        rim = 1 - np.clip(depth, 0, None) / rng.uniform(10, 30)
        reticular = (rim + basal + 0.5 * smooth_noise(rng, shape, 16) - 0.9 + 0.8 * build.reticular).astype(np.float32)
    return LungFields(
        density.astype(np.float32),
        emphysema,
        ground_glass,
        reticular,
        float(rng.uniform(110, 340)),
        smooth_noise(rng, shape, 14),
    )


class LungPainter:
    """Puts the tissue lattice, the lungs and their vessels together on the fine grid, a few slices at a time."""

    def __init__(
        self, torso: Torso, fields: LungFields, tissue: Tissue, grid: Grid, grain: Grain, rng: np.random.Generator
    ) -> None:
        self._torso, self._fields, self._grid = torso, fields, grid
        self._coarse = FieldSampler(torso.lattice, grid)
        lattice_fine = tissue.hu.transpose(2, 1, 0)
        self._tissue_hu, self._structures = lattice_fine, tissue.structures
        self._fine = FieldSampler(_lattice_of(tissue.grid), grid)
        self._nearest = _nearest_indices(tissue.grid, grid)
        self._edge = np.float32(np.cbrt(np.prod(grid.spacing_kji_mm)))
        self._tile = _noise_tile(grid, grain, rng)

    def paint(self, hu: np.ndarray, labels: np.ndarray, structures: np.ndarray, patterns: np.ndarray) -> None:
        """Fill all arrays; ``hu`` holds the vessels' coverage on entry."""
        for start in range(0, len(hu), _SLAB):
            slab = slice(start, min(start + _SLAB, len(hu)))
            self._paint_slab(slab, hu[slab], labels[slab], structures[slab], patterns[slab])

    def _paint_slab(
        self, slab: slice, hu: np.ndarray, labels: np.ndarray, structures: np.ndarray, patterns: np.ndarray
    ) -> None:
        torso = self._torso
        vessel = hu.copy()
        image = self._fine.slab(self._tissue_hu, slab.start, slab.stop)
        k, j, i = self._nearest
        structures[...] = self._structures[np.ix_(k[slab], j, i)]
        distance = self._coarse.slab(torso.lung, slab.start, slab.stop)
        place = np.nonzero(distance < self._edge)
        if len(place[0]):
            near = distance[place]
            oblique, horizontal = (self._sampled(field, slab, place) for field in (torso.oblique, torso.horizontal))
            right = self._sampled(torso.position[0], slab, place) > 0
            lung, pattern = self._parenchyma(slab, place, right, oblique, horizontal)
            share = np.clip(0.5 - near / self._edge, 0, 1)
            image[place] += share * (lung - image[place])
            inside = near < 0
            lobes = np.where(inside, lobe_labels(right, oblique, horizontal), 0)
            labels[place] = lobes
            patterns[place] = np.where(inside, pattern, 0)
            structures[place] = np.where(inside, np.where(vessel[place] > 0.5, LUNG_VESSEL, lobes), structures[place])
        image += vessel * (np.float32(torso.build.blood_hu) - image)
        hu[...] = image

    def _sampled(self, field: np.ndarray, slab: slice, place: tuple[np.ndarray, ...]) -> np.ndarray:
        return self._coarse.slab(field, slab.start, slab.stop)[place]

    def _parenchyma(
        self, slab: slice, place: tuple[np.ndarray, ...], right: np.ndarray, oblique: np.ndarray, horizontal: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """HU and pattern of the voxels at ``place`` of a slab."""
        build, fields = self._torso.build, self._fields
        k, j, i = place[0] + slab.start, place[1], place[2]
        grain = self._tile[k % _TILE, j % _TILE, i % _TILE]
        other = self._tile[(j + 31) % _TILE, (i + 17) % _TILE, (k + 53) % _TILE]
        lung = self._sampled(fields.density, slab, place) + np.float32(build.mottle_hu) * grain
        pattern = np.full(len(k), NORMAL, dtype=np.uint8)
        if fields.emphysema is not None:
            hole = np.clip(1.5 * (other - self._sampled(fields.emphysema, slab, place)), 0, 1)
            lung += hole * (-985 - lung)
        lung += self._fissure_hu(slab, place, right, oblique, horizontal)
        if fields.ground_glass is not None:
            soft = np.clip(0.5 + 2.5 * self._sampled(fields.ground_glass, slab, place), 0, 1)
            lung += soft * np.float32(fields.ground_glass_hu) * (1 + 0.22 * grain)
            pattern[soft > 0.5] = GROUND_GLASS
        if fields.reticular is not None:
            soft = np.clip(0.5 + 3 * self._sampled(fields.reticular, slab, place), 0, 1)
            lines = 60 + 430 * np.exp(-((grain / 0.33) ** 2)) - 120 * np.clip(other - 0.6, 0, 1)
            lung += soft * lines
            pattern[soft > 0.5] = RETICULAR
        return np.minimum(lung, 40), pattern

    def _fissure_hu(
        self, slab: slice, place: tuple[np.ndarray, ...], right: np.ndarray, oblique: np.ndarray, horizontal: np.ndarray
    ) -> np.ndarray:
        """Return added HU of the fissures, sheets of about a millimetre, in places missing."""
        sheet = np.where(right & (oblique > 0), np.minimum(np.abs(oblique), np.abs(horizontal)), np.abs(oblique))
        added = np.zeros(len(sheet), dtype=np.float32)
        close = np.flatnonzero(sheet < 2.5)
        if len(close):
            ragged = self._sampled(self._fields.ragged_fissures, slab, tuple(p[close] for p in place))
            kept = np.clip(1.6 + ragged, 0, 1)
            added[close] = self._torso.build.fissure_hu * kept * np.exp(-((sheet[close] / np.float32(0.75)) ** 2))
        return added


def _noise_tile(grid: Grid, grain: Grain, rng: np.random.Generator) -> np.ndarray:
    """Return a block of unit noise that repeats seamlessly, grain in mm as everywhere."""
    mixed = np.zeros((_TILE,) * 3, dtype=np.float32)
    for sigma_mm, weight in zip(grain.sigma_mm, grain.weight, strict=True):
        noise = rng.standard_normal(mixed.shape).astype(np.float32)
        noise = ndimage.gaussian_filter(noise, np.maximum(sigma_mm / grid.spacing_kji_mm, 0.3), mode="wrap", truncate=3)
        mixed += np.float32(weight) * (noise / noise.std())
    return mixed / mixed.std()


def _lattice_of(grid: Grid) -> Lattice:
    return Lattice(grid.ijk_to_ras[:3, 3], float(grid.ijk_to_ras[0, 0]), grid.shape_kji[::-1])


def _nearest_indices(lattice: Grid, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each k, j, i of an axial grid the nearest index of the lattice."""
    found = []
    for axis, ras in ((0, 2), (1, 1), (2, 0)):
        mm = grid.ijk_to_ras[ras, 3] + grid.ijk_to_ras[ras, ras] * np.arange(grid.shape_kji[axis])
        index = np.rint((mm - lattice.ijk_to_ras[ras, 3]) / lattice.ijk_to_ras[ras, ras]).astype(int)
        found.append(np.clip(index, 0, lattice.shape_kji[axis] - 1))
    return tuple(found)
