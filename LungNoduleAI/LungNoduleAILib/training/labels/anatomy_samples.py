"""What the anatomy network is trained on: synthetic bodies, whole and cropped, as any scanner shows them.

Nodules and masses planted in the lung keep the label of the lung, so that the network learns to take them in.
Bodies are made at half the voxel size and averaged, as the CT is before the network sees it: a fissure is then a faint
sheet and not a row of dots.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY
from LungNoduleAILib.synthesis import Body, NodulePlanter, acquire, draw_scanner, make_body, make_other_body
from LungNoduleAILib.synthesis.cohort import GENERATION, load_body, store_body
from LungNoduleAILib.synthesis.model.structures import STRUCTURES
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.share import paint_into
from LungNoduleAILib.training.labels.samples import LabelSample, Placement, Pool, window_of_pool
from ThoraxAILib.image.block_mean import as_blocks, block_mean
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three

SPACING_MM = 3.0
CLASSES = tuple(STRUCTURES)
# Lobes and small structures weigh more, air around the body and what lies between the organs less.
CLASS_WEIGHTS = (0.4, 1.5, 2.5, 1.5, 1.5, 1.5, 6.0, 1.0, 1.0, 2.0, 1.5, 1.5, 0.6)
POOL, REUSE = 32, 20
FINER = 2  # voxels along each axis that make one voxel of the network
NODULES_PER_BODY = 24
OTHER_KINDS = ("abdomen", "head", "knee")
SIZES_K, SIZES_J, SIZES_I = (96, 96, 96, 128), (64, 96, 96), (96, 96, 128)
MAX_VOXELS = 1_000_000
AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class _Person:
    """A body ready to be cut: what it is, and nodules that fit it."""

    body: Body
    target: np.ndarray
    nodules: tuple[PlantedNodule, ...] = ()


@dataclass(frozen=True)
class AnatomySamples:
    """``samples(step)`` is a function of ``seed`` and the step; bodies are made as they are needed.

    ``other_share`` of the bodies show no chest. ``cache``: folder that keeps the chests.
    """

    seed: int
    setting: str = "training"
    spacing_mm: float = SPACING_MM
    pool: int = POOL
    reuse: int = REUSE
    other_share: float = 0.12
    cache: str = ""
    sizes: tuple[tuple[int, ...], ...] = field(default=(SIZES_K, SIZES_J, SIZES_I))

    def __call__(self, step: int) -> LabelSample:
        """Return the sample of a step."""
        rng = np.random.default_rng([self.seed, 41, step])
        number = window_of_pool(step, self.reuse, self.pool, rng)
        person = _pool(self)(number)
        body = person.body
        painted = body.clean_hu.astype(np.float32)
        for nodule in person.nodules:
            if rng.random() < 0.12:
                paint_into(painted, body.grid, nodule)
        placement = draw_placement(body.grid, self.sizes, self.spacing_mm, rng)
        hu = placement.cut(painted, body.grid.spacing_kji_mm, self.spacing_mm, AIR_HU, linear=True)
        labels = placement.cut(person.target, body.grid.spacing_kji_mm, self.spacing_mm, 0, linear=False)
        scanner = draw_scanner(rng)
        # the network sees block means of a CT, which keep only a part of its noise
        scanner = replace(scanner, noise_hu=scanner.noise_hu * float(rng.uniform(0.1, 0.7)))
        spacing = np.full(3, self.spacing_mm)
        hu = acquire(hu, spacing, scanner, rng) * np.float32(rng.normal(1, 0.02)) + np.float32(rng.normal(0, 10))
        return LabelSample(*with_field_of_view(hu, labels, rng))

    def person(self, number: int) -> _Person:
        """Body ``number`` of this training: a chest, or now and then another part of the body."""
        rng = np.random.default_rng([self.seed, 42, number])
        body_seed = 100_000 * self.seed + number
        spacing = (self.spacing_mm,) * 3
        if rng.random() < self.other_share:
            body = make_other_body(body_seed, str(rng.choice(OTHER_KINDS)), spacing)
            return _Person(body, target_of(body))
        body = averaged_chest(body_seed, self.setting, self.spacing_mm, self.cache)
        planter = NodulePlanter(body)
        nodules = tuple(
            planter.draw(rng, diameter_mm=(25.0, 80.0) if n % 3 == 0 else (5.0, 25.0)) for n in range(NODULES_PER_BODY)
        )
        return _Person(body, target_of(body), nodules)


def draw_placement(
    grid: Grid, sizes: tuple[tuple[int, ...], ...], spacing_mm: float, rng: np.random.Generator
) -> Placement:
    """Return mostly the whole width of a body, some part of its height, slightly turned and scaled."""
    while True:
        shape = three(int(rng.choice(along)) for along in sizes)
        if np.prod(shape) <= MAX_VOXELS:
            break
    size_mm = np.array(grid.shape_kji) * grid.spacing_kji_mm
    free = np.maximum(size_mm - np.array(shape) * spacing_mm, 0) / 2 + (30.0, 15.0, 15.0)
    middle = (size_mm - grid.spacing_kji_mm) / 2 + rng.uniform(-1, 1, 3) * free
    return Placement(shape, middle, rng.normal(0, 4, 3), float(np.exp(rng.normal(0, 0.08))))


def averaged_chest(seed: int, setting: str, spacing_mm: float, cache: str = "") -> Body:
    """Return a chest with the voxels of the network, from the folder ``cache`` when it is there."""

    def make() -> Body:
        return averaged(make_body(seed, setting, (spacing_mm / FINER,) * 3), FINER)

    if not cache:
        return make()
    path = Path(cache) / f"chest-{GENERATION}-{setting}-{spacing_mm:g}-{seed}.npz"
    if not path.is_file():
        store_body(make(), path)
    return load_body(path)


def averaged(body: Body, factor: int) -> Body:
    """Return body on a grid ``factor`` times coarser: mean HU, the most frequent label; planes too many are dropped."""
    whole = tuple(slice(0, n) for n in body.clean_hu.shape)

    def most(labels: np.ndarray) -> np.ndarray:
        split = as_blocks(labels, factor)
        counts = [(split == value).sum(axis=(1, 3, 5), dtype=np.uint8) for value in range(split.max() + 1)]
        return np.argmax(counts, axis=0).astype(np.uint8)

    return replace(
        body,
        grid=body.grid.part(whole, factor),
        clean_hu=np.rint(block_mean(body.clean_hu, factor)).astype(np.int16),
        labels=most(body.labels),
        structures=most(body.structures),
        patterns=most(body.patterns),
    )


@lru_cache(maxsize=2)
def _pool(samples: AnatomySamples) -> Pool[_Person]:
    return Pool(samples.person, samples.pool)


def target_of(body: Body) -> np.ndarray:
    """Classes of CLASSES: lungs filled by their lobes, large airways, and what lies around them."""
    return np.where((body.labels > 0) & (body.labels <= AIRWAY), body.labels, body.structures).astype(np.uint8)


def with_field_of_view(hu: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return some images end at a circle in the plane; beyond it there is padding and nothing to learn but that."""
    if rng.random() > 0.45:
        return hu, labels
    _, rows, columns = hu.shape
    radius = rng.uniform(0.5, 0.75) * min(rows, columns) if rng.random() < 0.7 else 0.5 * max(rows, columns)
    j, i = np.ogrid[:rows, :columns]
    beyond = np.hypot(j - (rows - 1) / 2, i - (columns - 1) / 2) > radius
    hu, labels = hu.copy(), labels.copy()
    hu[:, beyond] = -1024 if rng.random() < 0.7 else -2048
    labels[:, beyond] = 0
    return hu, labels
