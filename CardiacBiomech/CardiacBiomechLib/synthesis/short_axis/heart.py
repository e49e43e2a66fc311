"""A heart painted into planes: ventricles up to their valve planes, atria, outflow and great vessels above them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.synthesis.short_axis.noise import smooth_noise
from CardiacBiomechLib.synthesis.short_axis.shapes import Shape
from CardiacBiomechLib.synthesis.short_axis.tissues import Tissue


@dataclass(frozen=True, eq=False)
class Planes:
    """Coordinates of the voxels of a scene, float32: ``x_mm`` (1, 1, i), ``y_mm`` (1, j, 1), ``z_mm`` (k, 1, 1)."""

    x_mm: np.ndarray
    y_mm: np.ndarray
    z_mm: np.ndarray

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """How many voxels."""
        return self.z_mm.shape[0], self.y_mm.shape[1], self.x_mm.shape[2]


@dataclass(frozen=True, eq=False)
class Polar:
    """Where a voxel lies as the left ventricle sees it: distance and angle around its axis, height as a share."""

    x_mm: np.ndarray
    y_mm: np.ndarray
    radius_mm: np.ndarray
    angle: np.ndarray
    height: np.ndarray
    z_mm: np.ndarray


def polar(shape: Shape, planes: Planes) -> Polar:
    """Return the voxels of ``planes`` around the (slightly bent) axis of the left ventricle; apex at z = 0."""
    height = planes.z_mm / shape.length_mm
    a, b, c, d = shape.drift_mm
    along = np.clip(height, -0.3, 1.3) - 0.5
    x = planes.x_mm - (a * along + c * (4 * along**2 - 1))
    y = planes.y_mm - (b * along + d * (4 * along**2 - 1))
    return Polar(x, y, np.hypot(x, y), np.arctan2(y, x), height, planes.z_mm)


def outlines(shape: Shape, at: Polar) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the radii (mm) of left endocardium, left epicardium and right cavity in the direction of every voxel."""
    form = np.ones_like(at.angle)
    for order, (size, angle, turn) in enumerate(shape.harmonics, start=2):
        form += size * np.cos(order * (at.angle - angle) - turn * at.height)
    towards = np.cos(at.angle - shape.septum)
    form *= 1.0 - shape.flat * np.clip(towards, 0, 1) ** 2
    epi = shape.epi_mm * _profile(shape, at.height) * form
    endo_height = (at.z_mm - shape.apex_mm) / (shape.length_mm - shape.apex_mm)
    thickness = np.ones_like(at.angle)
    for order, (size, angle) in enumerate(shape.wall_harmonics, start=1):
        thickness += size * np.cos(order * (at.angle - angle))
    thickness *= shape.wall_mm * _between(shape.apical_wall, 1.0, _smooth(at.height / 0.5))
    size, angle, width, place, reach = shape.bump
    if size > 0:
        thickness += size * _patch(at, angle, width, place, reach)
    size, angle, width, place, reach = shape.infarct
    if size > 0:
        thickness *= 1.0 - size * _patch(at, angle, width, place, reach)
    outflow = _patch(at, shape.septum + 0.5, 0.6, 1.05, 0.18)
    endo = shape.epi_mm * _profile(shape, endo_height) * form - thickness * (1.0 - 0.55 * outflow)
    endo = np.minimum(endo, epi - 2.2)
    rise = np.clip((at.height - shape.right_apex) / (1.0 - shape.right_apex), 0.0, 1.1)
    bulge = shape.right_mm * rise**shape.right_power
    half = shape.right_half_angle * _between(0.6, 1.0, _smooth(rise / 0.6))
    across = (np.mod(at.angle - np.float32(shape.septum - np.pi), np.float32(2 * np.pi)) - np.float32(np.pi)) / half
    first, second, skew = shape.right_form
    across = np.clip(across + skew * (1.0 - np.clip(across, -1, 1) ** 2), -1, 1)
    right = epi + bulge * (1.0 - np.abs(across) ** first) ** second - 0.01
    right = np.where(rise > 0, right, -1.0)
    return endo, epi, right


def paint_heart(shape: Shape, at: Polar, codes: np.ndarray, random: np.random.Generator) -> None:
    """Write the heart's tissues into ``codes`` (k, j, i), over whatever is there."""
    endo, epi, right = outlines(shape, at)
    u = random.uniform
    r = at.radius_mm
    mitral = at.z_mm - (shape.length_mm + shape.mitral_tilt[0] * at.x_mm + shape.mitral_tilt[1] * at.y_mm)
    tricuspid = at.z_mm - (shape.length_mm + shape.tricuspid_mm - shape.tricuspid_tilt * at.y_mm)
    pulmonary = at.z_mm - (shape.length_mm + shape.pulmonary_mm)
    outer = np.maximum(epi, np.where(right > epi, right + shape.right_wall_mm, 0.0))
    bumps = np.clip(0.6 + smooth_noise(codes.shape, random, 25.0, like_mm=(4.0, 1.5, 1.5)), 0, 2)
    pad = np.clip(np.cos(at.angle - (shape.septum - u(-0.8, 1.6))), 0, 1)  # fat below and in front of the right side
    fat_mm = u(0.0, 7.0) * bumps + u(0.0, 16.0) * pad * (1.2 - np.clip(at.height, 0, 1))
    sack = (r < outer + fat_mm) & (at.height < 1.45) & (at.z_mm > -fat_mm)
    line = (r < outer + fat_mm + 1.3) & (at.height < 1.3) & (at.z_mm > -fat_mm - 1)
    codes[line] = Tissue.PERICARDIUM
    codes[sack] = Tissue.HEART_FAT
    above = at.height > 0.8
    _paint_vessels(shape, at, codes, mitral, above, random)
    in_right = (r < right) & (r > epi) & (tricuspid < 0)
    wall_right = (r < right + shape.right_wall_mm) & (r > epi) & (right > epi) & (pulmonary < 4)
    codes[wall_right & ~((tricuspid > 0) & (codes == Tissue.RIGHT_ATRIUM))] = Tissue.RIGHT_WALL
    upper = (r < right) & (r > epi) & (tricuspid >= 0)
    codes[upper] = Tissue.RIGHT_ATRIUM
    codes[in_right & (pulmonary < 0)] = Tissue.RIGHT_BLOOD
    codes[in_right & (pulmonary >= 0)] = Tissue.GREAT_VESSEL
    grain = smooth_noise(codes.shape, random, u(2.5, 5.0), like_mm=(4.0, 1.5, 1.5))
    rim = np.clip(1.0 - (right - r) / u(3.0, 12.0), 0, 1) + 0.5 * np.clip(1.0 - at.height / 0.5, 0, 1)
    codes[in_right & (codes == Tissue.RIGHT_BLOOD) & (grain + u(0.6, 1.6) * rim > u(1.3, 2.8))] = Tissue.RIGHT_TRABECULA
    below = mitral < 0
    wall = (r < epi) & below
    codes[wall] = Tissue.WALL
    cavity = (r < endo) & below
    codes[cavity] = Tissue.LEFT_BLOOD
    _paint_muscles(shape, at, codes, cavity, endo, grain, random)


def _paint_muscles(
    shape: Shape,
    at: Polar,
    codes: np.ndarray,
    cavity: np.ndarray,
    endo: np.ndarray,
    grain: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Papillary muscles, one or two heads each, and trabeculae at the endocardium."""
    u = random.uniform
    size = float(np.clip(shape.wall_mm * u(0.25, 0.65), 1.5, 8.0))
    lateral = shape.septum + np.pi
    muscles = np.zeros(codes.shape, dtype=bool)
    for side in (-1, 1):
        for _head in range(int(random.integers(0, 3))):
            angle = lateral + side * u(0.4, 1.5)
            place, radius = u(0.5, 0.95), size * u(0.6, 1.1)
            px = place * endo * np.cos(angle)
            py = place * endo * np.sin(angle)
            low, high = u(0.1, 0.35), u(0.5, 0.85)
            muscles |= (np.hypot(at.x_mm - px, at.y_mm - py) < radius) & (at.height > low) & (at.height < high)
    rim = np.clip(1.0 - (endo - at.radius_mm) / u(1.5, 6.0), 0, 1) + 0.6 * np.clip(1.0 - at.height / 0.4, 0, 1)
    muscles |= grain + u(0.6, 2.2) * rim > u(1.5, 3.0)
    codes[cavity & muscles & (at.height < 0.92)] = Tissue.PAPILLARY


def _paint_vessels(
    shape: Shape, at: Polar, codes: np.ndarray, mitral: np.ndarray, above: np.ndarray, random: np.random.Generator
) -> None:
    """Left atrium behind the mitral valve, aortic root beside it, pulmonary trunk in front, all with thin walls."""
    u = random.uniform
    wall = u(1.0, 3.0)
    over = np.clip(at.height - 0.9, 0, 0.6)
    tissues = (
        # tissue, center direction, distance in epi radii, radius in epi radii, elongation
        (Tissue.LEFT_ATRIUM, shape.septum + np.pi + u(-1.6, 0.4), u(0.0, 0.35), u(0.55, 1.0), u(0.7, 1.0)),
        (Tissue.GREAT_VESSEL, shape.septum + u(0.2, 1.1), u(0.35, 0.75), u(0.33, 0.55), u(0.85, 1.0)),
        (Tissue.GREAT_VESSEL, shape.septum + u(0.9, 2.0), u(1.0, 1.5), u(0.3, 0.6), u(0.7, 1.0)),
    )
    reach = max(shape.epi_mm, 26.0)
    for order, (tissue, angle, distance, size, form) in enumerate(tissues):
        cx = (distance + 0.6 * (order == 0) * over) * reach * np.cos(angle)
        cy = (distance + 0.6 * (order == 0) * over) * reach * np.sin(angle)
        dx, dy = at.x_mm - cx, at.y_mm - cy
        turn = u(0, np.pi)
        along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        ellipse = np.hypot(along, across / form)
        here = above & (mitral > (-8.0 if order else -2.0))
        codes[(ellipse < size * reach + wall) & here] = Tissue.VESSEL_WALL
        codes[(ellipse < size * reach) & here] = tissue


def _profile(shape: Shape, height: np.ndarray) -> np.ndarray:
    """Radius as a share of the widest one: a superellipse from the apex, narrower again towards the base."""
    low = np.clip(height / shape.widest, 0.0, 1.0)
    rise = (1.0 - (1.0 - low) ** shape.roundness) ** (1.0 / shape.roundness)
    over = np.clip((height - shape.widest) / (1.0 - shape.widest), 0.0, 1.5)
    return np.where(height > 0, rise * (1.0 - shape.narrowing * over**2), -0.5).astype(np.float32)


def _patch(at: Polar, angle: float, width: float, place: float, reach: float) -> np.ndarray:
    off = 2.0 * np.sin(0.5 * (at.angle - angle))
    return np.exp(-((off / width) ** 2)) * np.exp(-(((at.height - place) / reach) ** 2))


def _smooth(share: np.ndarray) -> np.ndarray:
    clipped = np.clip(share, 0.0, 1.0)
    return clipped * clipped * (3.0 - 2.0 * clipped)


def _between(low: float, high: float, share: np.ndarray) -> np.ndarray:
    return low + (high - low) * share
