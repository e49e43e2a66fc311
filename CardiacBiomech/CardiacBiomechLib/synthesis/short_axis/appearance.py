"""How a scanner may see a scene: random brightness of every tissue, thick slices, coils, blur, artifacts, noise.

After Billot et al., SynthSeg, Med. Image Anal. 86:102789 (2023): labels exact, appearance random. Most draws keep the
order of a balanced steady-state cine (blood bright, muscle dark, fat brighter than muscle, air and lung dark), some
keep only that blood and wall differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from CardiacBiomechLib.synthesis.short_axis.chest import VOXEL_MM
from CardiacBiomechLib.synthesis.short_axis.noise import smooth_noise
from CardiacBiomechLib.synthesis.short_axis.scene import SIZE, Scene
from CardiacBiomechLib.synthesis.short_axis.tissues import LABEL_OF, Tissue

PIXEL_MM = 2.0
SLICES = 3
SAMPLES = 3  # planes within one slice's thickness
# relative signal, low to high, of a balanced steady-state image in which blood is 1
BRIGHTNESS = {
    Tissue.AIR: (0.0, 0.03),
    Tissue.LUNG: (0.02, 0.16),
    Tissue.LUNG_VESSEL: (0.3, 1.0),
    Tissue.FAT: (0.55, 1.5),
    Tissue.MUSCLE: (0.15, 0.5),
    Tissue.BONE: (0.1, 0.9),
    Tissue.LIVER: (0.15, 0.65),
    Tissue.ORGAN: (0.2, 0.9),
    Tissue.CONTENT: (0.2, 1.2),
    Tissue.GAS: (0.0, 0.1),
    Tissue.HEART_FAT: (0.4, 1.1),
    Tissue.PERICARDIUM: (0.05, 0.5),
}
BLOODS = (
    Tissue.LEFT_BLOOD,
    Tissue.RIGHT_BLOOD,
    Tissue.LEFT_ATRIUM,
    Tissue.RIGHT_ATRIUM,
    Tissue.GREAT_VESSEL,
    Tissue.AORTA,
)
MUSCLES = (Tissue.WALL, Tissue.PAPILLARY, Tissue.RIGHT_WALL, Tissue.RIGHT_TRABECULA, Tissue.VESSEL_WALL)


@dataclass(frozen=True, eq=False)
class Sample:
    """What a network learns from: ``image`` (slices, j, i) float32 and ``labels`` (j, i) of the middle one."""

    image: np.ndarray
    labels: np.ndarray


def draw_brightness(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return mean signal and its spread (both one per tissue)."""
    u = random.uniform
    means = np.zeros(len(Tissue), dtype=np.float32)
    wild = u() < 0.1
    for tissue, (low, high) in BRIGHTNESS.items():
        means[tissue] = u(0.0, 1.2) if wild else u(low, high)
    means[Tissue.AIR] = u(0.0, 0.03)
    wall = u(0.12, 0.48)
    if not wild:
        means[Tissue.LUNG] = wall * u(0.05, 0.75)  # darker than muscle, if barely: the wall's outer border is seen
    means[list(BLOODS)] = 1.0 + random.normal(0.0, 0.07, len(BLOODS))
    means[list(MUSCLES)] = wall * (1.0 + random.normal(0.0, 0.12, len(MUSCLES)))
    means[Tissue.RIGHT_TRABECULA] = u(wall, 1.0)
    means[Tissue.PAPILLARY] = wall * u(0.9, 1.4)
    if wild:
        means = np.abs(means)
        if u() < 0.3:
            means = 1.2 - means
            means[Tissue.AIR] = 0.0
    spread = np.abs(random.normal(0.0, 0.04, len(Tissue))).astype(np.float32)
    spread[list(BLOODS)] += np.float32(u(0.0, 0.08))
    spread[[Tissue.FAT, Tissue.ORGAN, Tissue.CONTENT, Tissue.LIVER, Tissue.MUSCLE]] += np.float32(u(0.0, 0.12))
    return means, spread


def draw_sample(scene: Scene, random: np.random.Generator, size: int) -> Sample:
    """Return one slice of a scene with its neighbors as a scanner may have seen them, ``size`` pixels wide."""
    u = random.uniform
    thickness_mm = float(random.choice([5.0, 6.0, 8.0, 10.0]))
    distance_mm = thickness_mm + float(random.choice([0.0, 0.0, 2.0, u(0, 8.0)]))
    if u() < 0.85:
        middle = u(scene.apex_plane - 3.0, scene.base_plane + 5.0)
    else:
        middle = u(0.0, len(scene.codes) - 1.0)
    rows, columns = _places(random, size, thickness_mm)
    sign = 1.0 if u() < 0.5 else -1.0
    means, spread = draw_brightness(random)
    textures = [smooth_noise((size, size), random, u(3.0, 30.0), (PIXEL_MM, PIXEL_MM)) for _ in range(2)]
    image = np.zeros((SLICES, size, size), dtype=np.float32)
    labels = np.zeros((size, size), dtype=np.uint8)
    moved = u(0.0, 2.5) if u() < 0.7 else u(0.0, 5.0)
    for index in range(SLICES):
        center = middle + sign * (index - SLICES // 2) * distance_mm / VOXEL_MM[0]
        shift = (0.0, 0.0) if index == SLICES // 2 else random.normal(0.0, moved / VOXEL_MM[1] / 2, 2)
        at_rows = np.rint(rows + shift[0]).astype(np.intp)
        at_columns = np.rint(columns + shift[1]).astype(np.intp)
        inside = (at_rows >= 0) & (at_rows < SIZE) & (at_columns >= 0) & (at_columns < SIZE)
        at = np.clip(at_rows, 0, SIZE - 1) * SIZE + np.clip(at_columns, 0, SIZE - 1)
        noise = textures[0] + 0.5 * np.roll(textures[1], index * 17, axis=index % 2)
        for sample in range(SAMPLES):
            offset = (sample - (SAMPLES - 1) / 2) * thickness_mm / SAMPLES / VOXEL_MM[0]
            plane = int(np.clip(round(center + offset), 0, len(scene.codes) - 1))
            codes = np.where(inside, scene.codes[plane].reshape(-1)[at], np.uint8(Tissue.AIR))
            image[index] += means[codes] + spread[codes] * noise
            if index == SLICES // 2 and sample == SAMPLES // 2:
                labels = LABEL_OF[codes]
    return Sample(_scanned(image / SAMPLES, random), labels)


def _places(random: np.random.Generator, size: int, thickness_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns (float) of the scene under every pixel: turned, scaled, sheared, bent."""
    u = random.uniform
    angle = random.normal(0.0, 0.35)
    scale, step = float(np.exp(random.normal(0.0, 0.12))), PIXEL_MM / VOXEL_MM[1]
    stretch = float(np.exp(random.normal(0.0, 0.06)))
    axes = u(0, np.pi)
    matrix = _turn(axes) @ np.diag([stretch, 1 / stretch]) @ _turn(-axes) @ _turn(angle) * (step / scale)
    j, i = np.meshgrid(*[np.arange(size, dtype=np.float32) - (size - 1) / 2] * 2, indexing="ij")
    off = step * (random.normal(0.0, 0.12 * size, 2) if u() < 0.8 else u(-0.4 * size, 0.4 * size, 2))
    rows = matrix[0, 0] * j + matrix[0, 1] * i + (SIZE - 1) / 2 + off[0]
    columns = matrix[1, 0] * j + matrix[1, 1] * i + (SIZE - 1) / 2 + off[1]
    bend = u(0.0, 2.5)
    rows = rows + bend * smooth_noise((size, size), random, u(30.0, 70.0), (PIXEL_MM, PIXEL_MM))
    columns = columns + bend * smooth_noise((size, size), random, u(30.0, 70.0), (PIXEL_MM, PIXEL_MM))
    return rows, columns


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _scanned(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Coil, blur, artifacts and Rician noise."""
    u = random.uniform
    size = image.shape[-1]
    steps = np.arange(size, dtype=np.float32) / size - 0.5
    j, i = steps[:, None], steps[None, :]
    direction = u(0, 2 * np.pi) if u() < 0.3 else u(np.pi, 1.6 * np.pi)
    fall = u(0.0, 2.2) * (np.cos(direction) * i + np.sin(direction) * j)
    gain = np.exp(fall + u(0.0, 0.35) * smooth_noise((size, size), random, u(60.0, 150.0), (PIXEL_MM, PIXEL_MM)))
    if u() < 0.12:  # dark bands where the field is off resonance
        phase = smooth_noise((size, size), random, u(60.0, 120.0), (PIXEL_MM, PIXEL_MM))
        gain = gain * (1.0 - u(0.3, 0.9) * np.exp(-((np.abs(phase) / u(0.05, 0.25)) ** 2)))
    image = image * gain
    blur = u(0.25, 0.8)
    image = gaussian_filter(image, (0, blur * u(0.8, 1.25), blur))
    if u() < 0.15:  # ghosts of a breath
        image = image + u(0.02, 0.12) * np.roll(image, int(u(0.15, 0.5) * size), axis=1 + int(u() < 0.5))
    sigma = u(0.005, 0.06) * float(gain.mean())
    image = np.hypot(image + sigma * _normal(random, image.shape), sigma * _normal(random, image.shape))
    if u() < 0.15:
        radius = u(0.36, 0.6)
        image = image * (np.hypot(i, j) < radius)
    return image.astype(np.float32)


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.standard_normal(shape, dtype=np.float32)
