"""The chest of the held-out setting: another family of shapes, so that judging is not done on the training's own.

Wall and skin are ellipses with waves around them, the lungs' inner side is a height field, domes are paraboloids,
fissures are curved sheets; persons are drawn from other distributions.
"""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.synthesis.body.habitus import Habitus, draw_contrast, draw_habitus
from LungNoduleAILib.synthesis.body.torso import STEP_MM, Torso, as_field, torso_lattice, with_losses
from LungNoduleAILib.synthesis.body.warp import Warp
from LungNoduleAILib.synthesis.geometry import shape
from LungNoduleAILib.synthesis.geometry.shape import smooth_noise

_HALF_WIDTH_MM, _HALF_DEPTH_MM, _MIDDLE_A_MM = 133.0, 93.0, -6.0


def draw_held_out_habitus(rng: np.random.Generator) -> Habitus:
    """One person; even spreads where the training setting has bell curves."""
    basis = draw_habitus(rng)
    fields = {**basis.__dict__, **draw_contrast(rng)}
    dome = float(rng.uniform(-98, -52))
    fields |= {
        "width": float(rng.uniform(0.86, 1.12)),
        "depth": float(rng.uniform(0.86, 1.2)),
        "height": float(rng.uniform(0.84, 1.08)),
        "fat_mm": float(rng.uniform(6, 42)),
        "barrel": 0.0,
        "right_dome_mm": dome,
        "left_dome_mm": dome - float(rng.uniform(2, 22)),
        "heart": float(rng.uniform(0.88, 1.18)),
        "fissure_mm": tuple(rng.uniform(-12, 12, 3).tolist()),
        "breast_mm": float(rng.choice([0.0, rng.uniform(10, 50)])),
        "kyphosis_mm": float(rng.uniform(0, 16)),
        "scoliosis_mm": float(rng.uniform(-8, 8)),
        "lung_hu": float(rng.uniform(-915, -800)),
        "gravity_hu_per_mm": float(rng.uniform(0.15, 0.55)),
        "mottle_hu": float(rng.uniform(8, 20)),
        "leaf_radius_mm": float(rng.uniform(0.42, 0.55)),
        "emphysema": float(rng.uniform(0.2, 0.9)) if rng.random() < 0.2 else 0.0,
    }
    return Habitus(**fields)


def make_held_out_torso(habitus: Habitus, rng: np.random.Generator) -> Torso:
    """All shapes of one person."""
    lattice = torso_lattice(habitus)
    warp = Warp.drawn(habitus, lattice, rng)
    r, a, s = warp.on_lattice()
    smooth, texture = smooth_noise(rng, lattice.shape_xyz, 11), smooth_noise(rng, lattice.shape_xyz, 24)
    angle = np.arctan2((a - _MIDDLE_A_MM) / _HALF_DEPTH_MM, r / _HALF_WIDTH_MM)
    cavity = _wall(r, a, s, _waves(angle, rng, 0.022)) + 1.2 * smooth
    heart = _heart(r, a, s, habitus)
    mediastinum = _mediastinum(r, a, s, heart, habitus) + 1.8 * smooth
    diaphragm = _diaphragm(r, a, s, habitus) + 1.5 * smooth
    lung = shape._maximum(cavity + 2, shape._maximum(-mediastinum, diaphragm, 4), 4)
    lung = shape._as_distance(lung.astype(np.float32), STEP_MM)
    oblique, horizontal = _fissures(r, a, s, habitus, smooth)
    breast = _breast(r, a, s, habitus) if habitus.breast_mm > 3 else None
    skin = _skin(r, a, s, habitus, _waves(angle, rng, 0.02), cavity, breast)
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


def _waves(angle: np.ndarray, rng: np.random.Generator, height: float) -> np.ndarray:
    """Return a factor around 1 that varies with the angle about the body's axis."""
    waves = np.ones_like(angle)
    for order in (2, 3, 4, 6):
        turned = order * angle + np.float32(rng.uniform(0, 6.28))
        waves = waves + np.float32(rng.uniform(-height, height)) * np.cos(turned)
    return waves


def _wall(r: np.ndarray, a: np.ndarray, s: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Inner chest wall: ellipses that open from the apex as a root of the way down."""
    opening = np.clip((123 - s) / 168, 1e-3, 1) ** np.float32(0.40) * (1 - 0.06 * np.clip((-60 - s) / 120, 0, 1))
    middle = _MIDDLE_A_MM - 26 * (1 - opening)
    ratio = np.hypot(r / (_HALF_WIDTH_MM * opening), (a - middle) / (_HALF_DEPTH_MM * opening)) / waves
    return np.where(s > 121, s - 121, (ratio - 1) * (80 * np.maximum(opening, 0.25)))


def _heart(r: np.ndarray, a: np.ndarray, s: np.ndarray, habitus: Habitus) -> np.ndarray:
    """One pear: its section shrinks along an axis to the left, front and below."""
    shift, scale = habitus.heart_shift_mm, habitus.heart
    x, y, z = r + 14 - shift[0], a - 16 - shift[1], s + 44 - shift[2]
    along = -0.70 * x + 0.52 * y - 0.48 * z
    across = np.sqrt(np.maximum(x**2 + y**2 + z**2 - along**2, 0))
    girth = 45 - 0.13 * along
    return (np.sqrt((along / 60) ** 2 + (across / girth) ** 2) / scale - 1) * 44


def _mediastinum(r: np.ndarray, a: np.ndarray, s: np.ndarray, heart: np.ndarray, habitus: Habitus) -> np.ndarray:
    """Return the lungs' inner sides as heights over the midsagittal plane: vessels, heart, spine, aorta."""

    def bump(height: float, at_a: float, at_s: float, wide_a: float, wide_s: float) -> np.ndarray:
        return height * np.exp(-(((a - at_a) / wide_a) ** 2) - ((s - at_s) / wide_s) ** 2)

    vessels = 34 * habitus.mediastinum * np.exp(-(np.abs((a - 2) / 34) ** 3)) / (1 + np.exp(-(s + 30) / 14))
    spine = 25 * np.exp(-(np.abs((a + 74) / 24) ** 4))
    right = 4 + np.maximum(vessels, spine) + bump(12, 8, 40, 20, 60) + bump(30, 8, -36, 40, 38)
    left = 4 + np.maximum(vessels, spine) + bump(14, -16, 62, 24, 24) + bump(14, -56, 0, 18, 400) * (s < 66)
    left = left + bump(26, 14, -34, 38, 46)
    sides = np.abs(r) - np.where(r > 0, right, left)
    return shape._minimum(0.8 * sides, heart - 5, 6)


def _diaphragm(r: np.ndarray, a: np.ndarray, s: np.ndarray, habitus: Habitus) -> np.ndarray:
    """Two paraboloids; negative above them."""
    tops = np.where(r > 0, np.float32(habitus.right_dome_mm), np.float32(habitus.left_dome_mm))
    outward = np.abs(r) - 58
    squared = (outward / np.where(outward > 0, 74, 110)) ** 2 + ((a - 10) / np.where(a > 10, 96, 88)) ** 2
    return -(s - np.maximum(tops - 58 * squared, np.float32(-178))) * 0.75


def _fissures(
    r: np.ndarray, a: np.ndarray, s: np.ndarray, habitus: Habitus, smooth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Curved sheets; positive above."""
    right, left, level = habitus.fissure_mm
    on_right = r > 0
    height = np.where(on_right, np.float32(right - 6), np.float32(left + 4))
    slope = np.where(on_right, np.float32(0.95 + habitus.fissure_tilt[0]), np.float32(1.15 + habitus.fissure_tilt[1]))
    oblique = s - height + slope * (a + 24) + 0.0028 * (a + 24) * np.abs(a + 24) - 0.0022 * (np.abs(r) - 58) ** 2
    oblique = 0.68 * oblique + 6 * smooth
    horizontal = 0.95 * (s - 6 - level + 0.12 * (np.abs(r) - 50) - 0.1 * a) + 4 * smooth
    return oblique, np.where(on_right, horizontal, np.float32(99))


def _breast(r: np.ndarray, a: np.ndarray, s: np.ndarray, habitus: Habitus) -> np.ndarray:
    """Two spheres sunk into the front wall."""
    size = 42 + 0.5 * habitus.breast_mm
    return np.sqrt((np.abs(r) - 74) ** 2 + (a - 62 - 0.75 * habitus.breast_mm) ** 2 + (s + 22) ** 2) - size


def _skin(
    r: np.ndarray,
    a: np.ndarray,
    s: np.ndarray,
    habitus: Habitus,
    waves: np.ndarray,
    cavity: np.ndarray,
    breast: np.ndarray | None,
) -> np.ndarray:
    """Return an ellipse with waves that widens to the shoulders, the arms as cones going up or cylinders going down."""
    fat = habitus.fat_mm
    shoulder = 1 / (1 + np.exp(-(s - 70) / 16))
    wide, deep = 148 + 0.9 * fat + 22 * shoulder, 112 + 0.75 * fat - 10 * shoulder
    ratio = np.hypot(r / wide, (a + 8) / deep) / waves
    skin = (ratio - 1) * 105
    skin = skin + 5 * np.exp(-((r / 12) ** 2)) * (a < 0)
    skin = shape._minimum(skin, cavity - 10 - 0.55 * fat, 10)
    blades = np.sqrt(((np.abs(r) - 112) / 52) ** 2 + ((a + 88) / 44) ** 2 + ((s - 50) / 95) ** 2)
    skin = shape._minimum(skin, (blades - 1) * 44, 16)
    if breast is not None:
        skin = shape._minimum(skin, breast, 10)
    if habitus.arms_raised:
        arms = np.hypot(np.abs(r) - 150 - 0.25 * np.clip(s - 90, 0, None), a + 34) - 44 - 0.3 * fat
        return shape._minimum(skin, np.maximum(arms, 88 - s), 18)
    return shape._minimum(skin, np.hypot(np.abs(r) - 208 - 0.8 * fat, a + 22) - 38 - 0.3 * fat, 5)
