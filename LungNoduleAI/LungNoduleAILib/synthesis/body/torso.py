"""The chest of one person as implicit shapes: the schematic one with its own sections, evaluated through the warp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from LungNoduleAILib.synthesis.body.habitus import Habitus
from LungNoduleAILib.synthesis.body.warp import Warp
from LungNoduleAILib.synthesis.geometry import shape
from LungNoduleAILib.synthesis.geometry.lattice import Lattice
from LungNoduleAILib.synthesis.geometry.shape import Shapes, lobe_labels, smooth_noise, spine_center_a

STEP_MM = 3.6
_LEVELS = np.arange(-330.0, 260.0, 1.0)


@dataclass(frozen=True, eq=False)
class Torso(Shapes):
    """Shapes of one person; ``position`` is schematic R, A, S on the lattice, ``fluid`` fills lost lung (or None)."""

    build: Habitus
    warp: Warp
    position: tuple[np.ndarray, np.ndarray, np.ndarray]
    fluid: np.ndarray | None
    breast: np.ndarray | None

    def lobe_at(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Lobe label of RAS points, wherever they lie."""
        points = np.asarray(points_ras_mm)
        right = self.lattice.sample(self.position[0], points) > 0
        oblique, horizontal = (self.lattice.sample(field, points) for field in (self.oblique, self.horizontal))
        return lobe_labels(right, oblique, horizontal)


def make_torso(habitus: Habitus, rng: np.random.Generator) -> Torso:
    """All shapes of one person on a lattice that holds the torso, and the arms as far as they matter."""
    lattice = torso_lattice(habitus)
    warp = Warp.drawn(habitus, lattice, rng)
    r, a, s = warp.on_lattice()
    smooth, texture = smooth_noise(rng, lattice.shape_xyz, 9), smooth_noise(rng, lattice.shape_xyz, 30)
    cavity = _section(_cavity_table(habitus), r, a, s, habitus.section_power) + 1.5 * smooth
    shift = habitus.heart_shift_mm
    heart = shape._heart(r - shift[0], a - shift[1], s - shift[2], habitus.heart)
    mediastinum = _mediastinum(r, a, s, heart, habitus) + 1.5 * smooth
    diaphragm = shape._diaphragm(r, a, s, habitus) + 1.2 * smooth
    cupola = s - (121 - 0.011 * (np.abs(r) - 46) ** 2 - 0.010 * (a + 28) ** 2)
    lung = shape._maximum(shape._maximum(cavity + 2, cupola * 0.75, 6), shape._maximum(-mediastinum, diaphragm, 5), 5)
    lung = shape._as_distance(lung.astype(np.float32), STEP_MM)
    oblique, horizontal = _fissures(r, a, s, habitus, smooth)
    breast = _breast(r, a, s, habitus) if habitus.breast_mm > 3 else None
    skin = _skin(r, a, s, habitus, cavity, breast)
    lung, fluid = with_losses(lung, r, a, s, oblique, horizontal, habitus)
    return Torso(
        lattice,
        habitus,
        as_field(skin),
        as_field(cavity),
        as_field(mediastinum),
        as_field(heart),
        as_field(diaphragm),
        as_field(lung),
        as_field(oblique),
        as_field(horizontal),
        as_field(smooth),
        as_field(texture),
        warp,
        (r, a, s),
        fluid,
        breast,
    )


def as_field(values: np.ndarray) -> np.ndarray:
    """Values on the lattice as a torso keeps them: contiguous float32."""
    return np.ascontiguousarray(values, dtype=np.float32)


def torso_lattice(habitus: Habitus) -> Lattice:
    """Return the box of one person."""
    side = (176 + habitus.fat_mm) * habitus.width + (0 if habitus.arms_raised else 70)
    back, front = 150 + 0.7 * habitus.fat_mm, 140 + 0.8 * habitus.fat_mm + 0.9 * habitus.breast_mm
    low = np.array([-side, -back * habitus.depth - habitus.kyphosis_mm, -235.0])
    high = np.array([side, front * habitus.depth + habitus.kyphosis_mm, 185.0 * habitus.height])
    return Lattice.covering(low - 6, high + 6, STEP_MM)


def _cavity_table(habitus: Habitus) -> np.ndarray:
    """Inner chest wall by level; a barrel chest is wide and deep above."""
    table = shape._CAVITY.copy()
    upper = np.exp(-(((table[:, 0] - 40) / 70) ** 2))
    table[:, 1] *= 1 + 0.35 * habitus.barrel * upper
    table[:, 3] += 60 * habitus.barrel * upper
    return table


def _section(table: np.ndarray, r: np.ndarray, a: np.ndarray, s: np.ndarray, power: float) -> np.ndarray:
    """Superellipse sections whose size follows a table of levels."""
    wide, back, front = (_by_level(s, table[:, 0], column) for column in table[:, 1:].T)
    half, middle = (front - back) / 2, (front + back) / 2
    ratio = (np.abs(r / wide) ** np.float32(power) + np.abs((a - middle) / half) ** np.float32(power)) ** np.float32(
        1 / power
    )
    return (ratio - 1) * np.minimum(wide, half)


def _by_level(s: np.ndarray, levels: Sequence[float] | np.ndarray, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return a smooth curve of level at schematic S."""
    curve = PchipInterpolator(levels, values)(np.clip(_LEVELS, min(levels), max(levels)))
    return np.interp(s, _LEVELS, curve).astype(np.float32)


def _mediastinum(r: np.ndarray, a: np.ndarray, s: np.ndarray, heart: np.ndarray, habitus: Habitus) -> np.ndarray:
    """Everything between the lungs: heart with fat, great vessels, spine, aorta, thin anterior septum."""
    wide, depth = habitus.mediastinum, habitus.mediastinum_depth
    level = [-200, -70, -20, 20, 50, 75, 100, 125, 160]
    width = _by_level(s, level, [wide * w for w in (20, 22, 27, 33, 36, 38, 33, 30, 34)])
    deep = _by_level(s, level, [24, 24, 28, 36 * depth, 38 * depth, 36 * depth, 32, 30, 34])
    front = _by_level(s, level, [-36, -34, -20, -4, 0, -2, -8, -18, -22])
    front = front + np.float32(30 * (depth - 1)) * np.exp(-(((s - 45) / 45) ** 2))
    stalk = ((np.abs((r + 2) / width) ** 2.4 + np.abs((a - front) / deep) ** 2.4) ** np.float32(1 / 2.4) - 1) * 30
    spine_a = spine_center_a(s)
    behind = np.clip(spine_a - a, 0, None)
    spine = np.hypot(r, np.clip(a - spine_a, 0, None) * 1.08) - 19 - 0.35 * behind
    aorta = np.hypot(r + 23, a + 56) - 15 + np.clip(s - 55, 0, None)
    knob = np.sqrt((r + 22) ** 2 + (a + 18) ** 2 / 3 + (s - 62) ** 2) - 16 * wide
    behind_sternum = np.clip(84 - a - 0.12 * np.abs(s + 20), 0, None)
    septum = np.abs(r + 3 + 0.06 * a) - 2.2 * wide**2 - 12 * np.exp(-behind_sternum / 7)
    septum = septum - 5 * np.exp(-(((a + 10) / 30) ** 2))
    merged = shape._minimum(
        shape._minimum(heart - 4 - 4 * (wide > 1.15), stalk, 14),
        shape._minimum(spine, shape._minimum(aorta, knob, 8), 8),
        9,
    )
    return shape._minimum(merged, septum, 7)


def _fissures(
    r: np.ndarray, a: np.ndarray, s: np.ndarray, habitus: Habitus, smooth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Oblique and horizontal fissures, steeper or flatter than the schematic ones."""
    right, left, level = habitus.fissure_mm
    on_right = r > 0
    tilt = np.where(on_right, 0.80 + habitus.fissure_tilt[0], 0.92 + habitus.fissure_tilt[1]).astype(np.float32)
    height = np.where(on_right, right - 8, left + 2).astype(np.float32) - 0.10 * np.abs(np.abs(r) - 60)
    oblique = np.cos(tilt) * (s - height) + np.sin(tilt) * (a + 22) + 5 * smooth
    horizontal = (s - (9 + level) - 0.12 * a + 0.0012 * (np.abs(r) - 60) ** 2) + 4 * smooth
    return oblique, np.where(on_right, horizontal, np.float32(99))


def _breast(r: np.ndarray, a: np.ndarray, s: np.ndarray, habitus: Habitus) -> np.ndarray:
    """Two flattened mounds on the front wall, fallen to the sides as in lying."""
    out = habitus.breast_mm
    side = np.abs(r) - 82
    return (
        np.sqrt(
            (side / (52 + 0.5 * out)) ** 2
            + ((a - 92) / (18 + out)) ** 2
            + ((s + 25 + 0.3 * out) / (48 + 0.5 * out)) ** 2
        )
        - 1
    ) * (16 + 0.8 * out)


def _skin(
    r: np.ndarray, a: np.ndarray, s: np.ndarray, habitus: Habitus, cavity: np.ndarray, breast: np.ndarray | None
) -> np.ndarray:
    """Skin over fat and muscle: the schematic torso with more or less around it, breasts, arms up or down."""
    table = shape._SKIN.copy()
    extra = habitus.fat_mm - 12 + 10 * (habitus.muscle - 1)
    below = np.clip((40 - table[:, 0]) / 120, 0, 1)  # fat gathers at the belly
    table[:, 1] += extra * (0.75 + 0.35 * below)
    table[:, 2] -= 0.55 * extra
    table[:, 3] += extra * (0.55 + 0.55 * below) + 60 * habitus.barrel * np.exp(-(((table[:, 0] - 40) / 70) ** 2))
    torso = _section(table, r, a, s, 2.1 + 0.25 * habitus.section_power)
    torso = torso + 6 * np.exp(-((r / 14) ** 2)) * (a < 0)
    torso = torso + 5 * np.exp(-((r / 22) ** 2) - ((s - 20) / 90) ** 2) * (a > 0)
    torso = shape._minimum(torso, cavity - 9 - 0.6 * habitus.fat_mm, 12)  # never thinner than the wall
    if breast is not None:
        torso = shape._minimum(torso, breast, 14)
    if habitus.arms_raised:
        arms = np.hypot((np.abs(r) - 172) * 0.95, a + 40 - 0.25 * (s - 100)) - 46 - 0.2 * np.minimum(s - 130, 0)
        return shape._minimum(torso, np.maximum(arms, 82 - s), 22)
    reach = 215 + 0.9 * extra
    arms = np.hypot(np.abs(r) - reach + 0.0016 * np.clip(s - 20, 0, None) ** 2, a + 18) - 40 - 0.35 * habitus.fat_mm
    return shape._minimum(torso, arms, 6)


def with_losses(
    lung: np.ndarray,
    r: np.ndarray,
    a: np.ndarray,
    s: np.ndarray,
    oblique: np.ndarray,
    horizontal: np.ndarray,
    habitus: Habitus,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Lung without what fluid or collapse took, and the space that was taken (negative inside)."""
    taken = None
    for side, depth in zip((1, -1), habitus.effusion_mm, strict=True):
        if depth > 0:  # a crescent along the back, deepest at the base
            level = a + 96 - depth - 0.12 * depth * np.clip(-(s + 20) / 30, -1, 3)
            taken = _joined(taken, np.maximum(level, -side * r))
    if habitus.lost:
        on_right = np.where(oblique < 0, oblique, np.minimum(np.abs(oblique), np.abs(horizontal)))
        lobes = lobe_labels(r > 0, oblique, horizontal)
        within = np.isin(lobes, habitus.lost)
        edge = np.minimum(np.abs(on_right), np.abs(r)) if len(habitus.lost) == 1 else np.abs(r)
        taken = _joined(taken, np.where(within, -edge, edge).astype(np.float32))
    if taken is None:
        return lung, None
    return np.maximum(lung, -taken).astype(np.float32), np.maximum(lung, taken).astype(np.float32)


def _joined(first: np.ndarray | None, second: np.ndarray) -> np.ndarray:
    return second if first is None else np.minimum(first, second)
