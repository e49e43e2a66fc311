"""What the pattern network is trained on: pieces of synthetic lungs with and without interstitial disease.

Only lung counts. A step shows several pieces of different bodies at once, so that normalization cannot hide how dense
a lung is; half of them are centred on a pattern that the body has, so that the rarer ones are seen often. Nodules and
masses are painted in and count as the pattern around them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from LungNoduleAILib.synthesis import Body, NodulePlanter, acquire, draw_scanner, load_or_make_body, make_body
from LungNoduleAILib.synthesis.nodules.share import paint_into
from LungNoduleAILib.training.labels.samples import IGNORED, LabelSample, Placement, Pool

SPACING_MM = 2.0
BODY_MM = 1.5  # finer than what the network sees, as the CT is
CLASS_WEIGHTS = (1.0, 1.5, 1.5)
POOL, REUSE = 16, 50
PIECES, SHAPE_KJI = 6, (32, 64, 64)
NODULE_SHARE = 0.3
AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class _Lungs:
    """A body with nodules, its target, and voxels (n, 3) of each pattern it has, to cut pieces around."""

    body: Body
    hu: np.ndarray
    target: np.ndarray
    places: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class PatternSamples:
    """``samples(step)`` is a function of ``seed`` and the step; ``cache``: folder that keeps the bodies."""

    seed: int
    setting: str = "training"
    spacing_mm: float = SPACING_MM
    pool: int = POOL
    reuse: int = REUSE
    pieces: int = PIECES
    shape_kji: tuple[int, int, int] = SHAPE_KJI
    cache: str = ""

    def __call__(self, step: int) -> LabelSample:
        """Return the sample of a step, (pieces, k, j, i)."""
        rng = np.random.default_rng([self.seed, 51, step])
        numbers = step // self.reuse + rng.permutation(self.pool)[: self.pieces]
        pieces = [self._piece(_pool(self)(int(number)), rng) for number in numbers]
        return LabelSample(np.stack([hu for hu, _ in pieces]), np.stack([labels for _, labels in pieces]))

    def _piece(self, lungs: _Lungs, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """HU and labels of one piece; its size is drawn widely, because the grain of lungs differs."""
        spacing = lungs.body.grid.spacing_kji_mm
        places = lungs.places[0] if rng.random() < 0.5 else lungs.places[int(rng.integers(len(lungs.places)))]
        middle = places[rng.integers(len(places))] * spacing + rng.uniform(-20, 20, 3)
        scale = float(np.exp(np.clip(rng.normal(0, 0.2), -0.4, 0.4)))
        box = self._box(lungs.hu.shape, middle, spacing, scale)
        middle = middle - [part.start * step for part, step in zip(box, spacing, strict=True)]
        placement = Placement(self.shape_kji, middle, rng.normal(0, 5, 3), scale)
        hu = placement.cut(lungs.hu[box], spacing, self.spacing_mm, AIR_HU, linear=True)
        labels = placement.cut(lungs.target[box], spacing, self.spacing_mm, IGNORED, linear=False)
        scanner = draw_scanner(rng)
        # the network sees means over several voxels of a CT, which keep only a part of its noise
        scanner = replace(scanner, noise_hu=scanner.noise_hu * float(rng.uniform(0.2, 0.8)))
        hu = acquire(hu, np.full(3, self.spacing_mm), scanner, rng) + np.float32(rng.normal(0, 12))
        return hu, labels

    def _box(
        self, shape: tuple[int, ...], middle_mm: np.ndarray, spacing_kji_mm: np.ndarray, scale: float
    ) -> tuple[slice, ...]:
        """Return the part of a body that a piece may touch, however it is turned; at least one voxel."""
        reach_mm = self.spacing_mm / scale * np.linalg.norm(self.shape_kji) / 2 + self.spacing_mm
        first = np.floor((middle_mm - reach_mm) / spacing_kji_mm).astype(int)
        last = np.ceil((middle_mm + reach_mm) / spacing_kji_mm).astype(int)
        return tuple(
            slice(int(np.clip(a, 0, n - 1)), int(np.clip(b + 1, 1, n)))
            for a, b, n in zip(first, last, shape, strict=True)
        )

    def lungs(self, number: int) -> _Lungs:
        """Body ``number`` of this training."""
        rng = np.random.default_rng([self.seed, 52, number])
        seed, spacing = 100_000 * self.seed + number, (BODY_MM,) * 3
        body = (
            load_or_make_body(seed, self.setting, spacing, Path(self.cache))
            if self.cache
            else make_body(seed, self.setting, spacing)
        )
        hu = body.clean_hu.astype(np.float32)
        planter = NodulePlanter(body)
        if rng.random() < NODULE_SHARE:
            for _ in range(6):
                paint_into(hu, body.grid, planter.draw(rng, diameter_mm=(6.0, 50.0)))
        places = [np.argwhere(body.patterns == pattern) for pattern in (1, 2, 3)]
        return _Lungs(body, hu, target_of(body), tuple(found.astype(np.int16) for found in places if len(found)))


@lru_cache(maxsize=2)
def _pool(samples: PatternSamples) -> Pool[_Lungs]:
    return Pool(samples.lungs, samples.pool)


def target_of(body: Body) -> np.ndarray:
    """0 normal, 1 ground glass, 2 reticular; IGNORED outside the lungs (uint8)."""
    return np.where(body.patterns > 0, body.patterns.astype(np.int16) - 1, IGNORED).astype(np.uint8)
