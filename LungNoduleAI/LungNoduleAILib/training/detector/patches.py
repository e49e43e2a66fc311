"""Patches the detector learns from: parts of synthetic bodies, nodules painted in, scanned by a random scanner.

Every patch is a function of (seed, step, place in the batch). Half of them are centred on a nodule, the others on what
imitates one, on the border of the lung, or anywhere in it. A nodule that the finished patch hardly shows is neither to
be found nor to be denied, as in sets that several readers annotated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from LungNoduleAILib.synthesis.nodules.conspicuity import conspicuity
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.share import paint_into
from LungNoduleAILib.synthesis.scanner.acquisition import acquire
from LungNoduleAILib.synthesis.scanner.settings import Scanner, draw_scanner
from LungNoduleAILib.training.detector.training_volumes import Level, TrainingVolume

GAP_MM = 4.0
CENTERS = {"nodule": 0.5, "imitation": 0.15, "border": 0.15, "lung": 0.2}
NEIGHBOR_CHANCE = 0.4
FLIPS = (0.15, 0.15, 0.5)
SUBSOLID = ("ground-glass", "part-solid")
PLAIN_MM = 12.0  # solid nodules from this size on are seen anyway
LUNG_HU = -300.0
MIN_HU, MIN_DEVIATIONS = 75.0, 1.5


@dataclass(frozen=True, eq=False)
class Patch:
    """``hu`` float32 (k, j, i) and its nodules: centre (n, 3) and radius (n,) in voxels, whether subsolid (n,).

    ``seen`` (n,) is False for those that hardly stand out.
    """

    hu: np.ndarray
    center_kji: np.ndarray
    radius: np.ndarray
    subsolid: np.ndarray
    seen: np.ndarray


@singledispatch
def draw_patch(
    volume: TrainingVolume, level: Level, rng: np.random.Generator, extra: np.ndarray | None = None
) -> Patch:
    """One patch of a volume; ``extra`` (n, 3) are further centres that take the place of those anywhere in the lung."""
    half = level.patch / 2
    name = str(rng.choice(list(CENTERS), p=list(CENTERS.values())))
    chosen = int(rng.integers(len(volume.nodules)))
    if name == "nodule":
        center = volume.places_kji[chosen]
    else:
        pool = volume.centers[name]
        if name == "lung" and extra is not None and len(extra):
            pool = extra
        center = pool[int(rng.integers(len(pool)))]
    start = np.rint(center - half + rng.uniform(-0.7, 0.7, 3) * half).astype(int)
    start = np.clip(start, 0, np.maximum(np.array(volume.hu.shape) - level.patch, 0))
    painted = _chosen(volume, level, start, chosen if name == "nodule" else None, rng)
    return _render(volume, level, start, painted, rng)


def _chosen(
    volume: TrainingVolume, level: Level, start: np.ndarray, first: int | None, rng: np.random.Generator
) -> list[int]:
    """Nodules of a patch: the one it was made for, then some of those in reach that keep their distance."""
    place = volume.places_kji - start
    near = np.flatnonzero(
        ((place > -6) & (place < level.patch + 6)).all(axis=1) & (rng.random(len(place)) < NEIGHBOR_CHANCE)
    )
    kept = [] if first is None else [first]
    for n in near:
        nodule = volume.nodules[n]
        gaps = [
            np.linalg.norm(np.subtract(nodule.center_ras_mm, volume.nodules[m].center_ras_mm))
            - (nodule.diameter_mm + volume.nodules[m].diameter_mm) / 2
            for m in kept
        ]
        if min(gaps, default=np.inf) > GAP_MM:
            kept.append(int(n))
    return kept


def _render(
    volume: TrainingVolume, level: Level, start: np.ndarray, painted: list[int], rng: np.random.Generator
) -> Patch:
    box = tuple(slice(int(s), int(s) + level.patch) for s in start)
    hu = volume.hu[box].astype(np.float32)
    missing = [(0, level.patch - n) for n in hu.shape]
    if any(after for _, after in missing):
        hu = np.pad(hu, missing, mode="edge")
    grid = volume.grid.stepped(start, 1, hu.shape)
    lung = hu < LUNG_HU
    for n in painted:
        paint_into(hu, grid, volume.nodules[n])
    scanner = for_level(draw_scanner(rng), level)
    hu = acquire(hu, grid.spacing_kji_mm, scanner, rng) + np.float32(rng.normal(0, 8))
    places = volume.places_kji[painted] - start
    kept = [n for n, at in zip(painted, places, strict=True) if ((at >= 0) & (at <= level.patch - 1)).all()]
    nodules = [volume.nodules[n] for n in kept]
    center = volume.places_kji[kept] - start
    seen = [is_visible(hu, lung, at, nodule, level.spacing_mm) for at, nodule in zip(center, nodules, strict=True)]
    patch = Patch(
        hu,
        center,
        np.array([nodule.diameter_mm / 2 / level.spacing_mm for nodule in nodules]),
        np.array([nodule.type in SUBSOLID for nodule in nodules], dtype=bool),
        np.array(seen, dtype=bool),
    )
    return flipped(patch, rng.random(3) < FLIPS)


def is_visible(
    hu: np.ndarray, lung: np.ndarray, center_kji: np.ndarray, nodule: PlantedNodule, spacing_mm: float
) -> bool:
    """Whether a nodule differs from the lung around (``lung``: bool, without nodules) by more than that from itself."""
    if nodule.type not in SUBSOLID and nodule.diameter_mm >= PLAIN_MM:
        return True
    found = conspicuity(hu, lung, center_kji, nodule.diameter_mm, np.full(3, spacing_mm))
    return not found.beside_lung or found.at_least(MIN_HU, MIN_DEVIATIONS)


def for_level(scanner: Scanner, level: Level) -> Scanner:
    """Return the scanner as seen on the voxels of a level: larger voxels average noise away."""
    return replace(scanner, noise_hu=scanner.noise_hu * level.noise_share) if level.shrink > 1 else scanner


def flipped(patch: Patch, axes: np.ndarray) -> Patch:
    """Return the patch mirrored along the axes where ``axes`` is true."""
    if not axes.any():
        return patch
    hu = np.ascontiguousarray(patch.hu[tuple(slice(None, None, -1) if flip else slice(None) for flip in axes)])
    center = np.where(axes, np.array(patch.hu.shape) - 1 - patch.center_kji, patch.center_kji)
    return Patch(hu, center, patch.radius, patch.subsolid, patch.seen)
