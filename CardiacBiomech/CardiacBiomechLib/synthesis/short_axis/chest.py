"""What lies around the heart in a short-axis view: lungs, diaphragm and the organs below, chest wall, descending aorta.

Drawn so that no two chests are alike; one in five is a mere patchwork of blobs, so that a network does not rely on it.
"""

from __future__ import annotations

import numpy as np

from CardiacBiomechLib.synthesis.short_axis.heart import Planes
from CardiacBiomechLib.synthesis.short_axis.noise import smooth_noise
from CardiacBiomechLib.synthesis.short_axis.shapes import Shape
from CardiacBiomechLib.synthesis.short_axis.tissues import Tissue

VOXEL_MM = (4.0, 1.5, 1.5)
PATCHWORK = (Tissue.LUNG, Tissue.FAT, Tissue.MUSCLE, Tissue.LIVER, Tissue.ORGAN, Tissue.CONTENT, Tissue.GAS)


def paint_chest(shape: Shape, planes: Planes, random: np.random.Generator) -> np.ndarray:
    """Return codes (k, j, i) of a chest without its heart."""
    u, size = random.uniform, planes.shape_kji
    waves = smooth_noise(size, random, u(25.0, 60.0), VOXEL_MM)
    fine = smooth_noise(size, random, u(8.0, 18.0), VOXEL_MM)
    if u() < 0.2:
        return _patchwork(waves + 0.5 * fine, random)
    codes = np.full(size, Tissue.LUNG, dtype=np.uint8)
    codes[fine > u(1.9, 3.0)] = Tissue.LUNG_VESSEL
    x, y, z = planes.x_mm, planes.y_mm, planes.z_mm
    right_mm = shape.epi_mm + 0.8 * shape.right_mm
    _abdomen(shape, planes, codes, waves, fine, random)
    if u() < 0.85:
        angle, away = u(-0.6, 1.4), shape.epi_mm + u(4.0, 32.0)
        aorta = np.hypot(x - away * np.cos(angle) - 0.1 * z, y - away * np.sin(angle) - u(-0.2, 0.2) * z)
        radius = u(8.0, 14.0)
        codes[aorta + 2 * waves < radius + u(2.0, 14.0)] = random.choice([Tissue.FAT, Tissue.MUSCLE])
        codes[aorta < radius + 1.5] = Tissue.VESSEL_WALL
        codes[aorta < radius] = Tissue.AORTA
    normal = np.pi + u(-0.2, 1.35)
    depth = (x * np.cos(normal) + y * np.sin(normal)) - (right_mm + u(-8.0, 22.0)) + 3.0 * waves
    depth = depth - u(0.1, 0.8) * (z - 0.6 * shape.length_mm)  # the chest wall comes nearer towards the apex
    depth = depth + u(0.0, 0.004) * (x * np.sin(normal) - y * np.cos(normal)) ** 2
    muscle_mm, fat_mm, inner_mm = u(3.0, 18.0), u(4.0, 45.0), u(0.0, 14.0)
    codes[depth > -inner_mm] = Tissue.FAT
    codes[depth > 0] = Tissue.MUSCLE
    codes[(depth > 0) & (depth < muscle_mm) & (fine > u(0.4, 1.5))] = random.choice([Tissue.FAT, Tissue.BONE])
    codes[depth > muscle_mm] = Tissue.FAT
    codes[(depth > muscle_mm) & (fine > u(1.5, 3.0))] = Tissue.MUSCLE
    codes[depth > muscle_mm + fat_mm] = Tissue.AIR
    far = -x * np.cos(normal + u(-0.4, 0.4)) - y * np.sin(normal)
    codes[far > shape.epi_mm + u(60.0, 120.0) + 6 * waves] = random.choice([Tissue.MUSCLE, Tissue.FAT, Tissue.BONE])
    return codes


def _abdomen(
    shape: Shape, planes: Planes, codes: np.ndarray, waves: np.ndarray, fine: np.ndarray, random: np.random.Generator
) -> None:
    """Liver, stomach, spleen and bowel below a diaphragm that rises towards the apex."""
    u = random.uniform
    x, y, z = planes.x_mm, planes.y_mm, planes.z_mm
    turn = u(-0.5, 0.5)
    down = y * np.cos(turn) + x * np.sin(turn)
    diaphragm = down - (shape.epi_mm + u(-6.0, 16.0)) + u(0.1, 0.8) * (0.6 * shape.length_mm - z) + 4.0 * waves
    below = diaphragm > 0
    codes[diaphragm > -u(0.5, 3.0)] = Tissue.MUSCLE
    codes[diaphragm > -u(0.0, 2.0)] = Tissue.FAT
    border = u(-30.0, 40.0)
    side = x * np.cos(u(-0.5, 0.5)) + 8.0 * waves - border
    codes[below & (side < 0)] = Tissue.LIVER
    bowel = below & (side >= u(0.0, 8.0))
    kinds = (Tissue.FAT, Tissue.ORGAN, Tissue.MUSCLE, Tissue.CONTENT, Tissue.GAS, Tissue.ORGAN, Tissue.FAT)
    mixed = fine + 0.7 * waves
    steps = np.sort(random.normal(0.0, 1.0, len(kinds) - 1))
    places = np.digitize(mixed, steps)
    order = random.permutation(len(kinds))
    codes[bowel] = np.array(kinds, dtype=np.uint8)[order][places][bowel]
    if u() < 0.6:  # stomach or spleen: one large organ
        cx, cy = u(0.0, 70.0), shape.epi_mm + u(15.0, 60.0)
        blob = np.hypot((x - cx) / u(0.7, 1.6), y - cy + 0.4 * z) + 5.0 * waves
        organ = below & (blob < u(15.0, 40.0))
        codes[organ] = random.choice([Tissue.ORGAN, Tissue.CONTENT, Tissue.GAS])
    vessel = below & (side < 0) & (fine > u(1.8, 3.0))
    codes[vessel] = Tissue.LUNG_VESSEL


def _patchwork(field: np.ndarray, random: np.random.Generator) -> np.ndarray:
    count = int(random.integers(4, 10))
    steps = np.sort(random.normal(0.0, 1.0, count - 1))
    kinds = random.choice(np.array(PATCHWORK, dtype=np.uint8), count)
    return kinds[np.digitize(field, steps)].astype(np.uint8)
