"""All of the small chest but its lungs, HU on a lattice of about 1.5 mm: wall, bones, mediastinum, abdomen, table.

HU of tissues as in unenhanced chest CT at 120 kV: fat -100, muscle 50, blood 42, liver 58, spleen 48, marrow 180.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from LungNoduleAILib.synthesis.geometry.lattice import FieldSampler, Lattice
from LungNoduleAILib.synthesis.geometry.shape import VERTEBRAL_BODY_MM, Shapes, spine_center_a
from LungNoduleAILib.synthesis.geometry.skeleton import VERTEBRA_MM, Skeleton, make_skeleton
from LungNoduleAILib.synthesis.geometry.tubes import Tubes, draw_coverage, draw_distance, paint
from LungNoduleAILib.synthesis.model.tissue_hu import (
    AIR_HU,
    CARTILAGE_HU,
    CORTEX_HU,
    FAT_HU,
    LIVER_HU,
    MARROW_HU,
    MUSCLE_HU,
    SPLEEN_HU,
)
from ThoraxAILib.image.grid import Grid

# Paths in RAS mm and radii in mm of the great vessels and the esophagus.
_ASCENDING_AORTA = ((-4, 14, -6), (8, 24, 14), (13, 22, 40), (8, 16, 62), (-4, 0, 72), (-16, -22, 72), (-23, -42, 62))
_DESCENDING_AORTA = ((-23, -42, 62), (-25, -54, 42), (-24, -58, 0), (-20, -58, -60), (-10, -54, -120), (-6, -50, -195))
_VESSELS = (
    (_ASCENDING_AORTA, 14.0),
    (_DESCENDING_AORTA, 12.0),
    (((-12, 40, -14), (-20, 34, 14), (-17, 24, 38)), 13.0),
    (((24, 6, -20), (26, 8, 20), (27, 8, 62), (25, 8, 92)), 8.5),
    (((25, 8, 92), (38, 2, 118), (46, -2, 150)), 7.0),
    (((25, 8, 90), (0, 22, 84), (-30, 14, 104), (-46, -2, 150)), 6.5),
    (((4, 14, 70), (14, 8, 104), (26, 0, 150)), 5.5),
    (((-8, 2, 76), (-18, -4, 110), (-26, -2, 150)), 4.0),
    (((-18, -10, 76), (-28, -18, 110), (-44, -10, 150)), 4.5),
    (((10, -44, 60), (12, -52, 0), (8, -50, -150)), 3.5),
    (((22, -4, -70), (24, -8, -110), (20, -20, -195)), 12.0),
)
_ESOPHAGUS = ((-2, -24, 150), (-4, -28, 90), (-4, -34, 30), (-8, -38, -30), (-20, -34, -95))


def render_tissue(shapes: Shapes, shown: Grid, blood_hu: float, table: bool) -> tuple[Lattice, np.ndarray]:
    """Return a lattice over the part of the chest a grid shows, as fine as that grid needs, and the HU (x, y, z) on
    it.
    """
    step_mm = max(1.5, float(shown.spacing_kji_mm.min()))
    coarse = shapes.lattice
    high = coarse.low_ras_mm + coarse.step_mm * (np.array(coarse.shape_xyz) - 1)
    lattice = Lattice.covering(coarse.low_ras_mm, high, step_mm).cropped(*shown.bounds_ras_mm())
    matrix = np.diag([step_mm, step_mm, step_mm, 1.0])
    matrix[:3, 3] = lattice.low_ras_mm
    grid = Grid(lattice.shape_xyz[::-1], matrix)
    r, a, s = (axis.transpose(2, 1, 0) for axis in lattice.open_axes())
    sampler = FieldSampler(coarse, grid)
    hu = np.empty(grid.shape_kji, dtype=np.float32)
    skeleton = make_skeleton(shapes.build)
    for start in range(0, grid.shape_kji[0], 12):
        stop = min(start + 12, grid.shape_kji[0])
        part = _Slab(r, a, s[start:stop], partial(sampler.slab, start=start, stop=stop), step_mm)
        hu[start:stop] = part.soft_tissue(shapes, blood_hu, table)
    _draw_vessels(hu, grid, shapes, blood_hu)
    _draw_bones(hu, grid, skeleton, (r, a, s))
    return lattice, hu.transpose(2, 1, 0)


class _Slab:
    """Soft tissue of a few slices of the lattice."""

    def __init__(
        self, r: np.ndarray, a: np.ndarray, s: np.ndarray, sample: Callable[[np.ndarray], np.ndarray], step_mm: float
    ) -> None:
        self._r, self._a, self._s, self._sample, self._step = r, a, s, sample, np.float32(step_mm)

    def soft_tissue(self, shapes: Shapes, blood_hu: float, table: bool) -> np.ndarray:
        """HU of wall, mediastinal fat, heart and abdomen over air and table."""
        skin, cavity, texture = (self._sample(f) for f in (shapes.skin, shapes.cavity, shapes.texture))
        wall = self._wall(skin, cavity, texture, shapes.build.fat_mm)
        muscle = (texture > 0.9) | self._neck_muscle(shapes, texture)
        inside = np.where(muscle, np.float32(35), np.float32(FAT_HU + 8)) + 6 * texture
        heart = self._sample(shapes.heart)
        inside = self._over(inside, heart, blood_hu + 3 * texture)
        diaphragm = self._sample(shapes.diaphragm)
        inside = self._over(inside, -diaphragm - 2.5, np.float32(48))
        if self._s.min() < -40:
            abdomen = self._abdomen(texture)
            inside = self._over(inside, np.maximum(3.5 - diaphragm, -1 - heart), abdomen)
        body = self._over(wall, cavity, inside)
        around = self._table(shapes.build.depth) if table else np.float32(AIR_HU)
        return self._over(np.broadcast_to(around, body.shape), skin, body)

    def _neck_muscle(self, shapes: Shapes, texture: np.ndarray) -> np.ndarray:
        """Where muscle fills the thoracic inlet around the lung apices."""
        if self._s.max() < 60:
            return np.zeros(texture.shape, dtype=bool)
        away = np.minimum(self._sample(shapes.mediastinum), self._sample(shapes.lung))
        return (away > 3) & (np.abs(texture - 0.3) > 0.2) & (self._s > 70)

    def _over(self, below: np.ndarray, distance: np.ndarray, above: np.ndarray | np.float32) -> np.ndarray:
        """``above`` where the distance is negative, with partial volume at the surface."""
        share = np.clip(0.5 - distance / self._step, 0, 1)
        return below + share * (above - below)

    def _wall(self, skin: np.ndarray, cavity: np.ndarray, texture: np.ndarray, fat_mm: float) -> np.ndarray:
        """Skin, fat, muscle with fat planes, axillary fat, and muscle between the ribs."""
        depth = -skin
        thick = (
            fat_mm * (1 + 0.25 * texture) * (1 + 0.5 * (self._a > 0) * np.exp(-(((np.abs(self._r) - 70) / 45) ** 2)))
        )
        planes = np.abs(texture - 0.25) < 0.13
        muscle = np.where(planes, np.float32(-70), np.float32(MUSCLE_HU)) + 5 * texture
        axilla = np.hypot(np.hypot((np.abs(self._r) - 132) / 26, (self._a + 12) / 30), (self._s - 72) / 42) < 1
        muscle = np.where(axilla & (texture < 1.1), np.float32(FAT_HU), muscle)
        wall = self._over(np.float32(FAT_HU) + 5 * texture, thick - depth, muscle)
        wall = self._over(wall, np.maximum(cavity - 11, 1.2 - cavity), np.float32(42) + 6 * texture)
        return self._over(wall, depth - 1.6, np.float32(10))

    def _abdomen(self, texture: np.ndarray) -> np.ndarray:
        """Liver, spleen, stomach with an air bubble, and fat with bowel below the diaphragm."""
        r, a, s = self._r, self._a, self._s
        fat = np.where(texture > 0.35, np.float32(35), np.float32(FAT_HU))
        liver = np.maximum(-r - 42 - 0.35 * (a - 20) - 0.2 * (s + 100), -(a + 96))
        organs = self._over(fat, liver + 6 * texture, LIVER_HU + 2 * texture)
        stomach = 40 * (np.sqrt(((r + 62) / 40) ** 2 + ((a - 14) / 46) ** 2 + ((s + 132) / 40) ** 2) - 1)
        organs = self._over(organs, stomach, np.float32(40))
        bubble = np.maximum(stomach + 4, 20 - a)
        organs = self._over(organs, stomach + 4, np.float32(15))
        organs = self._over(organs, bubble, np.float32(-960))
        spleen = 32 * (np.sqrt(((r + 100) / 30) ** 2 + ((a + 48) / 44) ** 2 + ((s + 140) / 46) ** 2) - 1)
        return self._over(organs, spleen, np.float32(SPLEEN_HU) + 2 * texture)

    def _table(self, depth: float) -> np.ndarray:
        """Return a cradle of two thin shells with foam between, touching the back."""
        top = -137 * depth - 5 + 0.00075 * self._r**2
        upper, lower = np.abs(self._a - top) - 1.2, np.abs(self._a - top + 22 - 0.0004 * self._r**2) - 1.2
        foam = np.where(
            (self._a < top) & (self._a > top - 22) & (np.abs(self._r) < 205), np.float32(-955), np.float32(AIR_HU)
        )
        return self._over(foam, np.minimum(upper, lower), np.float32(-380)) + 0 * self._s


def _draw_vessels(hu: np.ndarray, grid: Grid, shapes: Shapes, blood_hu: float) -> None:
    """Aorta, pulmonary trunk, caval veins, arch branches, esophagus and thyroid."""
    coverage = np.zeros(grid.shape_kji, dtype=np.float32)
    scale = np.array([1.0, shapes.build.depth, shapes.build.height])
    draw_coverage(
        coverage, grid, Tubes.joined([Tubes.along(np.array(path) * scale, radius) for path, radius in _VESSELS])
    )
    hu += coverage * (np.float32(blood_hu) - hu)
    paint(hu, grid, Tubes.along(np.array(_ESOPHAGUS) * scale, 6.5), 38)
    paint(hu, grid, Tubes.along(np.array([[0, -26, 150], [-4, -31, 50]]) * scale, 1.5), -500)
    for side in (-1, 1):
        paint(hu, grid, Tubes.along(np.array([[side * 17, 4, 140], [side * 15, 4, 160]]) * scale, 9), 105)


def _draw_bones(hu: np.ndarray, grid: Grid, skeleton: Skeleton, axes: tuple[np.ndarray, ...]) -> None:
    """Cartilage, vertebral bodies with discs, the canal, then all other bones with cortex and marrow."""
    paint(hu, grid, skeleton.cartilage, CARTILAGE_HU)
    _draw_spine(hu, grid, axes)
    distance = np.full(grid.shape_kji, 9, dtype=np.float32)
    draw_distance(distance, grid, skeleton.bone, 2.0)
    near = distance < 2
    depth = -distance[near]
    edge = np.float32(grid.spacing_kji_mm[0])
    inner = np.clip((depth - 1.5) / edge, 0, 1)
    bone = CORTEX_HU + inner * (MARROW_HU - CORTEX_HU)
    hu[near] += np.clip(0.5 + depth / edge, 0, 1) * (bone - hu[near])
    paint(hu, grid, skeleton.canal, 22)


def _draw_spine(hu: np.ndarray, grid: Grid, axes: tuple[np.ndarray, ...]) -> None:
    """Vertebral bodies (cortex, marrow, waisted) and discs, in the columns near the midline."""
    r, a, s = axes
    columns = np.flatnonzero(np.abs(r.reshape(-1)) < 28)
    rows = np.flatnonzero((a.reshape(-1) > -110) & (a.reshape(-1) < -20))
    if not len(columns) or not len(rows):
        return
    box = (slice(None), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    r, a = r[..., box[2]], a[:, box[1]]
    phase = np.abs(((s + 200) / VERTEBRA_MM) % 1 - 0.5) * 2  # 0 in mid body, 1 in mid disc
    half_wide, half_deep = VERTEBRAL_BODY_MM
    waist = 1 - 0.10 * np.cos(phase * np.pi / 2) ** 2
    distance = (np.hypot(r / (half_wide * waist), (a - spine_center_a(s)) / (half_deep * waist)) - 1) * half_deep
    into_disc = (phase - 0.80) * VERTEBRA_MM / 2
    shell = np.maximum(distance, into_disc)
    edge = np.float32(grid.spacing_kji_mm[0])
    marrow = np.clip((-shell - 1.2) / edge, 0, 1)
    body = 420 + marrow * (MARROW_HU - 420)
    filled = np.where(into_disc > 0, np.float32(85), body)
    hu[box] += np.clip(0.5 - distance / edge, 0, 1) * (filled - hu[box])
