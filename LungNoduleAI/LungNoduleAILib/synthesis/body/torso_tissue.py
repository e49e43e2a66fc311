"""Everything but the lungs of one person as HU and structure labels, on a lattice of 1.6 mm in the patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from LungNoduleAILib.synthesis.body.habitus import Habitus
from LungNoduleAILib.synthesis.body.torso import Torso
from LungNoduleAILib.synthesis.body.torso_vessels import draw_gas, draw_great_vessels, draw_metal
from LungNoduleAILib.synthesis.geometry.lattice import FieldSampler, Lattice
from LungNoduleAILib.synthesis.geometry.shape import VERTEBRAL_BODY_MM, Build, spine_center_a
from LungNoduleAILib.synthesis.geometry.skeleton import VERTEBRA_MM, make_skeleton
from LungNoduleAILib.synthesis.geometry.tubes import Tubes, draw_distance, paint
from LungNoduleAILib.synthesis.model.structures import HEART, OTHER_BODY, OTHER_BONE, SPINE
from LungNoduleAILib.synthesis.model.tissue_hu import (
    AIR_HU,
    CARTILAGE_HU,
    CORTEX_HU,
    FAT_HU,
    LIVER_HU,
    MUSCLE_HU,
    SPLEEN_HU,
)
from ThoraxAILib.image.grid import Grid

STEP_MM = 1.6
_SLICES = 12


@dataclass(frozen=True, eq=False)
class Tissue:
    """HU (float32) and structure labels (uint8), both (s, a, r) on ``grid`` with axes along R, A, S."""

    grid: Grid
    hu: np.ndarray
    structures: np.ndarray


def render_torso(torso: Torso, shown: Grid, rng: np.random.Generator, slab_type: type[TorsoSlab]) -> Tissue:
    """Return the tissue that covers the part of the torso ``shown`` lies in."""
    coarse = torso.lattice
    high = coarse.low_ras_mm + coarse.step_mm * (np.array(coarse.shape_xyz) - 1.01)
    lattice = Lattice.covering(coarse.low_ras_mm, high, STEP_MM).cropped(*shown.bounds_ras_mm())
    matrix = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    matrix[:3, 3] = lattice.low_ras_mm
    grid = Grid(lattice.shape_xyz[::-1], matrix)
    hu = np.empty(grid.shape_kji, dtype=np.float32)
    structures = np.zeros(grid.shape_kji, dtype=np.uint8)
    sampler, table = FieldSampler(coarse, grid), _Table.drawn(torso, lattice, rng)
    organs = _Organs.drawn(torso, rng)
    for start in range(0, grid.shape_kji[0], _SLICES):
        slab = slice(start, min(start + _SLICES, grid.shape_kji[0]))
        part = slab_type(torso, organs, partial(sampler.slab, start=slab.start, stop=slab.stop))
        hu[slab], structures[slab] = part.rendered(table)
    draw_great_vessels(hu, structures, grid, torso, rng)
    draw_gas(hu, structures, grid, torso, rng)
    _draw_bones(hu, structures, grid, torso, sampler)
    draw_metal(hu, grid, torso, rng)
    return Tissue(grid, hu, structures)


@dataclass(frozen=True, eq=False)
class _Table:
    """HU around the patient on one slice (1, a, r): cradle under the back, or nothing."""

    around: np.ndarray

    @staticmethod
    def drawn(torso: Torso, lattice: Lattice, rng: np.random.Generator) -> _Table:
        """Return a flat or curved table of two shells with foam, below the lowest point of the back."""
        r, a, _ = (axis.transpose(2, 1, 0) for axis in lattice.open_axes())
        inside = (torso.skin < 0).any(axis=(0, 2))
        back = torso.lattice.low_ras_mm[1] + torso.lattice.step_mm * int(np.flatnonzero(inside)[0])
        curve, thick = float(rng.uniform(0, 0.0012)), float(rng.uniform(14, 60))
        top = back - float(rng.uniform(2, 9)) + np.float32(curve) * r**2
        bottom = top - thick + np.float32(0.5 * curve) * r**2
        foam = float(rng.uniform(-990, -880))
        around = np.where((a < top) & (a > bottom) & (np.abs(r) < 210), np.float32(foam), np.float32(AIR_HU))
        shells = np.minimum(np.abs(a - top), np.abs(a - bottom)) - float(rng.uniform(0.8, 2.0))
        share = np.clip(0.5 - shells / STEP_MM, 0, 1) * (np.abs(r) < 215)
        around = around + share * (np.float32(rng.uniform(-500, -100)) - around)
        return _Table(around.astype(np.float32) if rng.random() < 0.9 else np.full_like(around, AIR_HU, np.float32))


@dataclass(frozen=True)
class _Organs:
    """Where the upper abdomen's organs lie and how dense they are."""

    liver_hu: float
    spleen_hu: float
    stomach: tuple[float, float, float]
    stomach_scale: float
    gas_level_a: float
    myocardium_hu: float

    @staticmethod
    def drawn(torso: Torso, rng: np.random.Generator) -> _Organs:
        """One person's organs; contrast makes them denser, fat makes the liver less dense."""
        enhanced = 45.0 if torso.build.aorta_hu > 90 else 0.0
        fatty = float(rng.uniform(15, 60)) if rng.random() < 0.2 else 0.0
        return _Organs(
            LIVER_HU + enhanced - fatty + float(rng.normal(0, 5)),
            SPLEEN_HU + enhanced,
            tuple(rng.normal((-62, 14, -132), (8, 8, 12)).tolist()),
            float(rng.uniform(0.7, 1.3)),
            float(rng.uniform(5, 45)),
            48.0 + enhanced,
        )


class TorsoSlab:
    """A few slices of the tissue; ``sample`` brings fields of the torso's lattice onto them."""

    def __init__(self, torso: Torso, organs: _Organs, sample: Callable[[np.ndarray], np.ndarray]) -> None:
        self._torso, self._build, self._organs, self._sample = torso, torso.build, organs, sample
        self._r, self._a, self._s = (sample(axis) for axis in torso.position)
        self._texture = sample(torso.texture)
        self._skin, self._cavity = sample(torso.skin), sample(torso.cavity)

    def rendered(self, table: _Table) -> tuple[np.ndarray, np.ndarray]:
        """HU and structure labels."""
        heart, diaphragm = self._sample(self._torso.heart), self._sample(self._torso.diaphragm)
        inside = self._inside(heart, diaphragm)
        body = _over(self._wall(), self._cavity, inside)
        self._add_spine(body)
        hu = _over(np.broadcast_to(table.around, body.shape), self._skin, body)
        structures = np.where(self._skin < 0, np.uint8(OTHER_BODY), np.uint8(0))
        structures[heart < 0] = HEART
        structures[self._spine_inside] = SPINE
        return hu, structures

    def _inside(self, heart: np.ndarray, diaphragm: np.ndarray) -> np.ndarray:
        """Mediastinal fat, heart, fluid, diaphragm and abdomen."""
        texture = self._texture
        inside = np.where((texture > 0.9) | self._neck_muscle(), np.float32(35), np.float32(FAT_HU + 8)) + 6 * texture
        inside = _over(
            inside,
            heart,
            np.where(heart > -9, np.float32(self._organs.myocardium_hu), np.float32(self._build.heart_hu))
            + 3 * texture,
        )
        if self._torso.fluid is not None:
            inside = _over(inside, self._sample(self._torso.fluid), np.float32(18) + 8 * texture)
        inside = _over(inside, -diaphragm - 2.5, np.float32(48))
        if self._s.min() < -20:
            inside = _over(inside, np.maximum(3.5 - diaphragm, -1 - heart), self._abdomen())
        return inside

    def _neck_muscle(self) -> np.ndarray:
        """Where muscle fills the thoracic inlet around the lung apices."""
        if self._s.max() < 60:
            return np.zeros(self._texture.shape, dtype=bool)
        away = np.minimum(self._sample(self._torso.mediastinum), self._sample(self._torso.lung))
        return (away > 3) & (np.abs(self._texture - 0.3) > 0.2) & (self._s > 70)

    def _wall(self) -> np.ndarray:
        """Skin, fat, muscle with fat planes, axillary fat, breast gland, and muscle between the ribs."""
        depth, texture, build = -self._skin, self._texture, self._build
        front = (self._a > 0) * np.exp(-(((np.abs(self._r) - 70) / 45) ** 2))
        thick = build.fat_mm * (1 + 0.25 * texture) * (1 + 0.5 * front)
        thick += (14 * (1.05 - build.muscle)) * (np.abs(self._cavity) > 0)
        muscle = np.where(np.abs(texture - 0.25) < 0.16 * (1.8 - build.muscle), np.float32(-70), np.float32(MUSCLE_HU))
        muscle = muscle + 5 * texture
        axilla = np.hypot(np.hypot((np.abs(self._r) - 132) / 26, (self._a + 12) / 30), (self._s - 72) / 42) < 1
        muscle = np.where(axilla & (texture < 1.1), np.float32(FAT_HU), muscle)
        wall = _over(np.float32(FAT_HU) + 5 * texture, thick - depth, muscle)
        if self._torso.breast is not None:
            breast = self._sample(self._torso.breast)
            gland = np.maximum(breast + 7, 8 - self._cavity) + 12 * texture
            wall = np.where((breast < 0) & (self._cavity > 12), np.float32(FAT_HU), wall)
            wall = _over(wall, gland, np.float32(30))
        wall = _over(wall, np.maximum(self._cavity - 11, 1.2 - self._cavity), np.float32(42) + 6 * texture)
        return _over(wall, depth - 1.6, np.float32(10))

    def _abdomen(self) -> np.ndarray:
        """Liver, spleen, stomach with an air bubble, and fat with bowel below the diaphragm."""
        r, a, s, texture, organs = self._r, self._a, self._s, self._texture, self._organs
        fat = np.where(texture > 0.35, np.float32(35), np.float32(FAT_HU))
        liver = np.maximum(-r - 42 - 0.35 * (a - 20) - 0.2 * (s + 100), -(a + 96))
        result = _over(fat, liver + 6 * texture, organs.liver_hu + 2 * texture)
        at, scale = organs.stomach, np.float32(organs.stomach_scale)
        stomach = 40 * (
            np.sqrt(
                ((r - at[0]) / (40 * scale)) ** 2
                + ((a - at[1]) / (46 * scale)) ** 2
                + ((s - at[2]) / (40 * scale)) ** 2
            )
            - 1
        )
        result = _over(result, stomach, np.float32(40))
        result = _over(result, stomach + 4, np.float32(15))
        result = _over(result, np.maximum(stomach + 4, organs.gas_level_a - a), np.float32(-960))
        spleen = 32 * (np.sqrt(((r + 100) / 30) ** 2 + ((a + 48) / 44) ** 2 + ((s + 140) / 46) ** 2) - 1)
        return _over(result, spleen, np.float32(organs.spleen_hu) + 2 * texture)

    def _add_spine(self, body: np.ndarray) -> None:
        """Vertebral bodies (cortex, marrow, waisted), discs and the canal, in the columns near the midline."""
        self._spine_inside = np.zeros(body.shape, dtype=bool)
        near = np.abs(self._r[:, ::8]).min(axis=(0, 1)) < 28
        if not near.any():
            return
        columns = slice(int(np.flatnonzero(near)[0]), int(np.flatnonzero(near)[-1]) + 1)
        r, a, s = (field[..., columns] for field in (self._r, self._a, self._s))
        phase = np.abs(((s + 400) / VERTEBRA_MM) % 1 - 0.5) * 2  # 0 in mid body, 1 in mid disc
        center = spine_center_a(s)
        waist = 1 - 0.10 * np.cos(phase * np.pi / 2) ** 2
        wide, deep = VERTEBRAL_BODY_MM
        distance = (np.hypot(r / (wide * waist), (a - center) / (deep * waist)) - 1) * deep
        into_disc = (phase - 0.80) * VERTEBRA_MM / 2
        marrow = np.clip((-np.maximum(distance, into_disc) - 1.2) / STEP_MM, 0, 1)
        bone = 420 + marrow * (self._build.marrow_hu + 25 * self._texture[..., columns] - 420)
        filled = np.where(into_disc > 0, np.float32(85), bone)
        body[..., columns] = _over(body[..., columns], distance, filled)
        canal = np.hypot(r, a - center + 24) - 8.5
        body[..., columns] = _over(body[..., columns], canal, np.float32(22))
        self._spine_inside[..., columns] = np.minimum(distance, canal) < 0


class BandedWallSlab(TorsoSlab):
    """The same with a wall of even bands: skin, fat of one thickness, muscle, and streaks of fat around the ribs."""

    def _wall(self) -> np.ndarray:
        """Bands by depth below the skin and height above the ribs."""
        depth, texture, build = -self._skin, self._texture, self._build
        fat = np.float32(-108) + 9 * texture
        wall = _over(fat, build.fat_mm * 0.9 - depth, np.float32(46) + 9 * texture)
        streak = np.abs(self._cavity - 15 - 4 * texture) - 1.6
        wall = _over(wall, streak, np.float32(-85))
        wall = _over(wall, np.abs(depth - build.fat_mm - 17 - 5 * texture) - 1.3, np.float32(-80))
        if self._torso.breast is not None:
            breast = self._sample(self._torso.breast)
            wall = np.where((breast < 0) & (self._cavity > 12), fat, wall)
            streaks = np.abs(np.sin(0.12 * self._r + 2 * texture) * np.sin(0.1 * self._s)) - 0.5
            wall = _over(wall, np.maximum(8 * streaks, np.maximum(breast + 10, 12 - self._cavity)), np.float32(25))
        wall = _over(wall, np.maximum(self._cavity - 9, 1.0 - self._cavity), np.float32(50) + 9 * texture)
        return _over(wall, depth - 1.9, np.float32(20))


def _over(below: np.ndarray, distance: np.ndarray, above: np.ndarray | np.float32) -> np.ndarray:
    """``above`` where the distance is negative, with partial volume at the surface."""
    share = np.clip(0.5 - distance / np.float32(STEP_MM), 0, 1)
    return below + share * (above - below)


def _draw_bones(hu: np.ndarray, structures: np.ndarray, grid: Grid, torso: Torso, sampler: FieldSampler) -> None:
    """Cartilage, then ribs, girdle, sternum and posterior elements with cortex and marrow."""
    build = torso.build
    skeleton = make_skeleton(_schematic(build))
    hu_cartilage = CARTILAGE_HU + (60 if build.marrow_hu < 130 else 0)  # calcifies with age
    paint(hu, grid, _outside_lungs(torso, torso.warp.tubes(skeleton.cartilage)), hu_cartilage)
    bone = _outside_lungs(torso, torso.warp.tubes(skeleton.bone))
    if not build.arms_raised:
        bone = Tubes.joined([bone.where(bone.radius_mm != 13.0), torso.warp.tubes(_lowered_arms(build))])
    distance = np.full(grid.shape_kji, 9, dtype=np.float32)
    draw_distance(distance, grid, bone, 2.0)
    near = np.flatnonzero(distance.reshape(-1) < 2)
    depth = -distance.reshape(-1)[near]
    inner = np.clip((depth - 1.5) / STEP_MM, 0, 1)
    value = CORTEX_HU * (0.6 + 0.4 * build.marrow_hu / 170) + inner * (build.marrow_hu - CORTEX_HU)
    flat = hu.reshape(-1)
    flat[near] += np.clip(0.5 + depth / STEP_MM, 0, 1) * (np.maximum(value, 80) - flat[near])
    solid = distance < 0
    central = _near_spine(sampler, torso, grid)
    structures[solid & (structures > 0)] = OTHER_BONE
    structures[solid & central & (structures > 0)] = SPINE


def _lowered_arms(build: Habitus) -> Tubes:
    """Humeri beside the chest."""
    reach = 215 + 0.9 * (build.fat_mm - 12 + 10 * (build.muscle - 1))
    return Tubes.joined(
        [
            Tubes.along(
                np.array([[side * (reach - 16), -18, 118], [side * reach, -18, 20], [side * reach, -18, -235]]), 11.5
            )
            for side in (-1, 1)
        ]
    )


def _outside_lungs(torso: Torso, bones: Tubes) -> Tubes:
    """Ribs moved out to the chest wall of this person where the schematic ones would lie within it."""
    ends = np.concatenate([bones.start_ras_mm, bones.end_ras_mm])
    lattice, step = torso.lattice, torso.lattice.step_mm * np.eye(3)
    for _ in range(2):
        missing = np.clip(5.5 - lattice.sample(torso.cavity, ends), 0, 14)
        missing[np.abs(ends[:, 0] - torso.warp.midline_r(ends[:, 2])) < 22] = 0
        slope = np.stack(
            [lattice.sample(torso.cavity, ends + axis) - lattice.sample(torso.cavity, ends - axis) for axis in step],
            axis=1,
        )
        slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)
        ends = ends + slope * missing[:, None]
    count = len(bones.radius_mm)
    return Tubes(ends[:count], ends[count:], bones.radius_mm)


def _near_spine(sampler: FieldSampler, torso: Torso, grid: Grid) -> np.ndarray:
    """Voxels behind the vertebral bodies near the midline, bool."""
    r, a, s = torso.position
    field = np.maximum(np.abs(r) - 34, a - spine_center_a(s) - 16).astype(np.float32)
    return sampler.slab(field, 0, grid.shape_kji[0]) < 0


def _schematic(build: Build) -> Build:
    """Return the same person's build before the warp."""
    return replace(build, width=1.0, depth=1.0, height=1.0)
