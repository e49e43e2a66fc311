"""Pairs of phantom frames for training: every heart, scanner and pair of phases drawn at random, kept in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardiacBiomechLib.synthesis.anatomy import Brightness
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.groups import GROUPS, draw
from ThoraxAILib.image.tuples import three
from ThoraxAILib.registration.inputs import normalized

SHAPE_KJI, IN_PLANE_MM = (12, 96, 96), 1.5
CROP_KJI = (8, 80, 80)
FRAMES = 3


@dataclass(frozen=True, eq=False)
class Heart:
    """A few frames of one phantom (n, k, j, i), normalized, with their end-diastolic labels and slice distance."""

    frames: np.ndarray
    labels: np.ndarray
    spacing_kji_mm: tuple[float, float, float]


def draw_scanner(random: np.random.Generator, shape_kji: tuple[int, int, int] = SHAPE_KJI) -> Scanner:
    """Return a short-axis protocol with the variety of real ones."""
    slice_mm = float(random.choice([5.0, 6.5, 8.0, 10.0]))
    brightness = Brightness(
        1.0, random.uniform(0.2, 0.5), random.uniform(0.35, 0.7), papillary_mm=random.uniform(2.5, 5.0)
    )
    center = (*random.uniform(-8.0, 8.0, 2), -14.0 + random.uniform(-4, 4))
    return Scanner(
        shape_kji,
        (slice_mm, IN_PLANE_MM, IN_PLANE_MM),
        center,
        texture=random.choice([0.0, 0.03, 0.06]),
        signal_to_noise=random.uniform(18.0, 50.0),
        slice_shift_mm=random.uniform(0.0, 3.0),
        bias=random.uniform(0.0, 0.25),
        organs=random.uniform(0.5, 1.0),
        samples_per_slice=3,
        brightness=brightness,
    )


def make_heart(seed: int) -> Heart:
    """Return the heart of a seed: end-diastole, end-systole and a phase between."""
    random = np.random.default_rng(seed)
    ventricle = draw(list(GROUPS)[seed % len(GROUPS)], random)
    scanner = draw_scanner(random)
    phases = np.array([0.0, 1.0, random.uniform(0.3, 0.8)])
    frames = acquire(ventricle, scanner, phases, seed)
    images = np.stack([normalized(frame.image.array) for frame in frames])
    labels = np.stack([frame.labels.array for frame in frames])
    return Heart(images.astype(np.float16), labels, scanner.spacing_kji_mm)


def load_or_make(seed: int, cache: Path) -> Heart:
    """Return the heart of a seed from the cache folder, made and kept when it is not there yet."""
    path = cache / f"heart_{seed:05d}.npz"
    if not path.is_file():
        heart = make_heart(seed)
        partial = path.with_suffix(".partial.npz")
        np.savez_compressed(partial, frames=heart.frames, labels=heart.labels, spacing=heart.spacing_kji_mm)
        partial.replace(path)
        return heart
    with np.load(path) as content:
        return Heart(content["frames"], content["labels"], three(float(step) for step in content["spacing"]))


def random_pair(heart: Heart, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (fixed, moving, labels of the fixed frame) of a heart: a part of it, turned and flipped, contrast
    changed.
    """
    one, other = random.choice(FRAMES, 2, replace=False)
    turns, flip = int(random.integers(4)), bool(random.integers(2))
    start = [int(random.integers(size - crop + 1)) for size, crop in zip(heart.labels.shape[1:], CROP_KJI, strict=True)]
    crop = tuple(slice(begin, begin + size) for begin, size in zip(start, CROP_KJI, strict=True))
    prepared = []
    for array in (heart.frames[one], heart.frames[other], heart.labels[one]):
        turned = np.rot90(array[crop], turns, axes=(1, 2))
        prepared.append(np.ascontiguousarray(turned[..., ::-1] if flip else turned))
    gamma = float(np.exp(random.normal(0.0, 0.1)))
    images = [_contrast(image.astype(np.float32), gamma) for image in prepared[:2]]
    return images[0], images[1], prepared[2]


def _contrast(image: np.ndarray, gamma: float) -> np.ndarray:
    low, high = float(image.min()), float(image.max())
    curved = ((image - low) / (high - low)) ** gamma
    return ((curved - curved.mean()) / curved.std()).astype(np.float32)
