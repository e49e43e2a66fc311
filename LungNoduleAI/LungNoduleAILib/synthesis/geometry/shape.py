"""The schematic chest as implicit shapes: signed distances in mm (negative inside) over RAS position.

RAS origin: midline, mid-depth, about 45 mm below the carina. Sizes follow an average adult lying supine, arms up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from LungNoduleAILib.synthesis.geometry.lattice import Lattice

# Inner chest wall by level: S, half width, posterior wall A, anterior wall A (mm).
_CAVITY = np.array(
    [
        (135, 84, -62, 6),
        (115, 92, -72, 18),
        (90, 104, -82, 36),
        (60, 117, -91, 56),
        (20, 128, -96, 74),
        (-30, 135, -98, 86),
        (-80, 137, -97, 90),
        (-130, 134, -92, 88),
        (-190, 130, -86, 86),
    ],
    dtype=float,
)[::-1]
# Skin by level: S, half width, posterior A, anterior A (mm); arms are raised, so the shoulders stay wide.
_SKIN = np.array(
    [
        (150, 178, -120, 62),
        (120, 180, -128, 72),
        (90, 176, -131, 88),
        (60, 170, -132, 100),
        (20, 167, -133, 112),
        (-30, 168, -134, 118),
        (-80, 168, -133, 118),
        (-130, 166, -131, 116),
        (-190, 164, -130, 116),
    ],
    dtype=float,
)[::-1]

VERTEBRAL_BODY_MM = (17.5, 14.5)  # half width, half depth


@dataclass(frozen=True)
class Build:
    """One person's proportions, drawn from the seed."""

    width: float
    depth: float
    height: float
    fat_mm: float
    right_dome_mm: float
    left_dome_mm: float
    heart: float
    fissure_mm: tuple[float, float, float]

    @staticmethod
    def drawn(rng: np.random.Generator) -> Build:
        """Proportions of one person."""
        return Build(
            width=rng.uniform(0.95, 1.03),
            depth=rng.uniform(0.95, 1.04),
            height=rng.uniform(0.96, 1.03),
            fat_mm=rng.uniform(9, 16),
            right_dome_mm=rng.uniform(-80, -68),
            left_dome_mm=rng.uniform(-93, -82),
            heart=rng.uniform(0.94, 1.06),
            fissure_mm=tuple(rng.uniform(-6, 6, 3).tolist()),
        )


@dataclass(frozen=True, eq=False)
class Shapes:
    """Signed distances (mm, float32) on the lattice; ``oblique`` and ``horizontal`` are positive above the fissure."""

    lattice: Lattice
    build: Build
    skin: np.ndarray
    cavity: np.ndarray
    mediastinum: np.ndarray
    heart: np.ndarray
    diaphragm: np.ndarray
    lung: np.ndarray
    oblique: np.ndarray
    horizontal: np.ndarray
    smooth: np.ndarray
    texture: np.ndarray

    def gradient_at(self, values: np.ndarray, point_ras_mm: np.ndarray) -> np.ndarray:
        """Return unit RAS gradient of a field at a point."""
        step = self.lattice.step_mm * np.eye(3)
        slope = self.lattice.sample(values, point_ras_mm + step) - self.lattice.sample(values, point_ras_mm - step)
        return slope / max(float(np.linalg.norm(slope)), 1e-9)

    def lobe_at(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Lobe label (1 RUL, 2 RML, 3 RLL, 4 LUL, 5 LLL) by side and fissure of RAS points, wherever they lie."""
        oblique = self.lattice.sample(self.oblique, points_ras_mm)
        horizontal = self.lattice.sample(self.horizontal, points_ras_mm)
        return lobe_labels(np.asarray(points_ras_mm)[..., 0] > 0, oblique, horizontal)


def lobe_labels(right: np.ndarray, oblique: np.ndarray, horizontal: np.ndarray) -> np.ndarray:
    """Lobe label from side and the two fissures' signed distances."""
    on_right = np.where(oblique < 0, 3, np.where(horizontal < 0, 2, 1))
    return np.where(right, on_right, np.where(oblique < 0, 5, 4)).astype(np.uint8)


def make_shapes(build: Build, rng: np.random.Generator, step_mm: float = 3.0) -> Shapes:
    """All shapes of one person; the lattice covers 420 x 316 x 353 mm."""
    lattice = Lattice.covering(np.array([-210.0, -186.0, -195.0]), np.array([210.0, 130.0, 158.0]), step_mm)
    r, a, s = lattice.open_axes()
    r, s = r / np.float32(build.width), s / np.float32(build.height)
    a = a / np.float32(build.depth)
    smooth = smooth_noise(rng, lattice.shape_xyz, 9)
    wobble = 2.0 * smooth
    cavity = _section(_CAVITY, r, a, s, 2.35) + wobble
    cupola = s - (121 - 0.011 * (np.abs(r) - 46) ** 2 - 0.010 * (a + 28) ** 2)
    heart = _heart(r, a, s, build.heart)
    mediastinum = _mediastinum(r, a, s, heart) + 1.5 * smooth
    diaphragm = _diaphragm(r, a, s, build)
    lung = _maximum(_maximum(cavity + 2, cupola * 0.75, 6), _maximum(-mediastinum, diaphragm, 5), 5)
    skin = _skin(r, a, s)
    oblique, horizontal = _fissures(r, a, s, build, smooth)

    def full(field: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.broadcast_to(field, lattice.shape_xyz), dtype=np.float32)

    return Shapes(
        lattice,
        build,
        full(skin),
        full(cavity),
        full(mediastinum),
        full(heart),
        full(diaphragm),
        _as_distance(lung.astype(np.float32), step_mm),
        oblique.astype(np.float32),
        horizontal.astype(np.float32),
        smooth,
        smooth_noise(rng, lattice.shape_xyz, 30),
    )


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int, int], knots: int) -> np.ndarray:
    """Return a smooth random field of about unit deviation, from ``knots`` random values along each axis."""
    values = rng.standard_normal((knots,) * 3)
    for axis, count in enumerate(shape):
        places = np.linspace(1, knots - 2, count)
        near = np.arange(knots)
        offset = np.abs(places[:, None] - near)  # cubic B-spline weights
        weight = np.where(offset < 1, 2 / 3 - offset**2 + offset**3 / 2, np.clip(2 - offset, 0, None) ** 3 / 6)
        values = np.moveaxis(np.tensordot(weight, values, axes=(1, axis)), 0, axis)
    return (values / 0.35).astype(np.float32)


def chest_wall(build: Build, s_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half width, posterior A and anterior A in mm of the inner chest wall at levels S."""
    level, width, back, front = _CAVITY.T
    at = [PchipInterpolator(level, values)(np.asarray(s_mm) / build.height) for values in (width, back, front)]
    return at[0] * build.width, at[1] * build.depth, at[2] * build.depth


def _section(table: np.ndarray, r: np.ndarray, a: np.ndarray, s: np.ndarray, power: float) -> np.ndarray:
    """Superellipse sections whose size follows a table of levels."""
    level, width, back, front = (column.astype(float) for column in table.T)
    at = [
        PchipInterpolator(level, values)(np.clip(s, level[0], level[-1])).astype(np.float32)
        for values in (width, back, front)
    ]
    half, middle = (at[2] - at[1]) / 2, (at[2] + at[1]) / 2
    ratio = (np.abs(r / at[0]) ** power + np.abs((a - middle) / half) ** power) ** np.float32(1 / power)
    return (ratio - 1) * np.minimum(at[0], half)


def _skin(r: np.ndarray, a: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Skin: flattened torso with a furrow over the spine, a hollow over the sternum, pectoral folds, raised arms."""
    torso = _section(_SKIN, r, a, s, 2.7)
    torso = torso + 6 * np.exp(-((r / 14) ** 2)) * (a < 0)
    torso = torso + 5 * np.exp(-((r / 22) ** 2) - ((s - 20) / 90) ** 2) * (a > 0)
    folds = np.exp(-(((np.abs(r) - 75) / 42) ** 2) - ((s + 5) / 55) ** 2)
    torso = torso - 9 * folds * np.clip(a / 60, 0, 1)
    arms = np.hypot((np.abs(r) - 172) * 0.95, a + 40 - 0.25 * (s - 100)) - 46 - 0.2 * np.minimum(s - 130, 0)
    arms = np.maximum(arms, 82 - s)
    return _minimum(torso, arms, 22)


def _heart(r: np.ndarray, a: np.ndarray, s: np.ndarray, scale: float) -> np.ndarray:
    """Ventricles with their axis to the left, front and below; right atrium; left atrium."""
    ventricles = _ellipsoid(
        r,
        a,
        s,
        (-24, 22, -52),
        np.array([66, 45, 48]) * scale,
        np.array([[-0.74, 0.53, -0.42], [0.58, 0.81, 0.0], [0.34, -0.24, -0.91]]),
    )
    right_atrium = _ellipsoid(r, a, s, (26, 14, -40), np.array([27, 33, 44]) * scale, np.eye(3))
    left_atrium = _ellipsoid(r, a, s, (-2, -16, -16), np.array([37, 21, 25]) * scale, np.eye(3))
    return _minimum(_minimum(ventricles, right_atrium, 12), left_atrium, 10)


def _mediastinum(r: np.ndarray, a: np.ndarray, s: np.ndarray, heart: np.ndarray) -> np.ndarray:
    """Everything between the lungs: heart with fat, great vessels, spine, aorta, thin anterior septum."""
    level = [-200, -70, -20, 20, 50, 75, 100, 125, 160]
    wide = PchipInterpolator(level, [20, 22, 27, 33, 36, 38, 33, 30, 34])(s).astype(np.float32)
    deep = PchipInterpolator(level, [24, 24, 28, 36, 38, 36, 32, 30, 34])(s).astype(np.float32)
    front = PchipInterpolator(level, [-36, -34, -20, -4, 0, -2, -8, -18, -22])(s).astype(np.float32)
    stalk = ((np.abs((r + 2) / wide) ** 2.4 + np.abs((a - front) / deep) ** 2.4) ** np.float32(1 / 2.4) - 1) * 30
    behind = np.clip(spine_center_a(s) - a, 0, None)
    spine = np.hypot(r, np.clip(a - spine_center_a(s), 0, None) * 1.08) - 19 - 0.35 * behind
    aorta = np.hypot(r + 23, a + 56) - 15 + np.clip(s - 55, 0, None)
    septum = np.abs(r + 3 + 0.06 * a) - 2.2 - 12 * np.exp(-np.clip(84 - a - 0.12 * np.abs(s + 20), 0, None) / 7)
    septum = septum - 5 * np.exp(-(((a + 10) / 30) ** 2))
    merged = _minimum(_minimum(heart - 4, stalk, 14), _minimum(spine, aorta, 8), 9)
    return _minimum(merged, septum, 7)


def spine_center_a(s_mm: np.ndarray | float) -> np.ndarray:
    """Anterior position of the vertebral bodies' axis by level: the thoracic kyphosis."""
    return (
        -72
        + 0.0012 * (np.asarray(s_mm) + 10) ** 2 * (np.asarray(s_mm) > -10)
        + 0.0009 * (np.asarray(s_mm) + 10) ** 2 * (np.asarray(s_mm) <= -10)
    ).astype(np.float32)


def _diaphragm(r: np.ndarray, a: np.ndarray, s: np.ndarray, build: Build) -> np.ndarray:
    """Two domes: negative above them; they fall steeply to the costophrenic recesses, deepest behind."""
    falls = []
    for side, top in ((1, build.right_dome_mm), (-1, build.left_dome_mm)):
        outward = side * r - 60
        across, along = outward / np.where(outward > 0, 66, 130), (a - 12) / np.where(a > 12, 74, 92)
        squared = across**2 + along**2
        falls.append(top - 62 * (1 - np.sqrt(np.clip(1.06 - squared, 0, None))) - 42 * np.clip(squared - 0.75, 0, None))
    return -(s - _maximum(falls[0], falls[1], 8)) * 0.8


def _fissures(
    r: np.ndarray, a: np.ndarray, s: np.ndarray, build: Build, smooth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Oblique fissures from high behind to low in front, horizontal fissure at the level of the right hilum."""
    right, left, level = build.fissure_mm
    tilt = np.where(r > 0, 0.80, 0.92).astype(np.float32)
    height = np.where(r > 0, right - 8, left + 2).astype(np.float32) - 0.10 * np.abs(np.abs(r) - 60)
    oblique = np.cos(tilt) * (s - height) + np.sin(tilt) * (a + 22) + 5 * smooth
    horizontal = (s - (22 + level) - 0.12 * a + 0.0012 * (np.abs(r) - 60) ** 2) + 4 * smooth
    return oblique, np.where(r > 0, horizontal, np.float32(99)) + 0 * a


def _ellipsoid(
    r: np.ndarray, a: np.ndarray, s: np.ndarray, center: tuple[float, float, float], semi: np.ndarray, axes: np.ndarray
) -> np.ndarray:
    """Approximate signed distance to an ellipsoid whose axes are the rows of ``axes``."""
    total = np.float32(0)
    for axis, length in zip(axes.tolist(), semi.tolist(), strict=True):
        along = (r - center[0]) * axis[0] + (a - center[1]) * axis[1] + (s - center[2]) * axis[2]
        total = total + (along / length) ** 2
    return (np.sqrt(total) - 1) * np.float32(semi.min())


def _minimum(first: np.ndarray, second: np.ndarray, blend_mm: float) -> np.ndarray:
    """Smooth union (polynomial, Quilez)."""
    part = np.clip(0.5 + 0.5 * (second - first) / blend_mm, 0, 1)
    return second + (first - second) * part - blend_mm * part * (1 - part)


def _maximum(first: np.ndarray, second: np.ndarray, blend_mm: float) -> np.ndarray:
    """Smooth intersection."""
    return -_minimum(-first, -second, blend_mm)


def _as_distance(values: np.ndarray, step_mm: float) -> np.ndarray:
    """Return the same zero surface with a slope of about one around it."""
    slope = np.sqrt(sum(part**2 for part in np.gradient(values, step_mm)))
    return (values / np.clip(slope, 0.3, 3.0)).astype(np.float32)
