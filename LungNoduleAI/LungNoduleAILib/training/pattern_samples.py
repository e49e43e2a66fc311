"""What the pattern network is trained on: pieces of synthetic lungs with and without interstitial disease.

Only lung counts. Half of the pieces are centred on a pattern that the body has, so that the rarer ones are seen often;
nodules and masses are painted in and count as the pattern around them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from LungNoduleAILib.phantom import Body, NodulePlanter, acquire, draw_scanner, load_or_make_body, make_body
from LungNoduleAILib.phantom.nodule_share import paint_into
from LungNoduleAILib.training.samples import IGNORED, LabelSample, Placement, Pool, window_of_pool

SPACING_MM = 2.0
CLASS_WEIGHTS = (1.0, 1.5, 1.5)
POOL, REUSE = 10, 36
SHAPE_KJI = (48, 64, 64)
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
    shape_kji: tuple[int, int, int] = SHAPE_KJI
    cache: str = ""

    def __call__(self, step: int) -> LabelSample:
        """The sample of a step."""
        rng = np.random.default_rng([self.seed, 51, step])
        lungs = _pool(self)(window_of_pool(step, self.reuse, self.pool, rng))
        spacing = lungs.body.grid.spacing_kji_mm
        places = lungs.places[0] if rng.random() < 0.5 else lungs.places[int(rng.integers(len(lungs.places)))]
        middle = places[rng.integers(len(places))] * spacing + rng.uniform(-20, 20, 3)
        placement = Placement(self.shape_kji, middle, rng.normal(0, 5, 3), float(np.exp(rng.normal(0, 0.08))))
        hu = placement.cut(lungs.hu, spacing, self.spacing_mm, AIR_HU, linear=True)
        labels = placement.cut(lungs.target, spacing, self.spacing_mm, IGNORED, linear=False)
        scanner = draw_scanner(rng)
        # the network sees means over several voxels of a CT, which keep only a part of its noise
        scanner = replace(scanner, noise_hu=scanner.noise_hu * float(rng.uniform(0.2, 0.8)))
        hu = acquire(hu, np.full(3, self.spacing_mm), scanner, rng) + np.float32(rng.normal(0, 12))
        return LabelSample(hu, labels)

    def lungs(self, number: int) -> _Lungs:
        """Body ``number`` of this training."""
        rng = np.random.default_rng([self.seed, 52, number])
        seed, spacing = 100_000 * self.seed + number, (self.spacing_mm,) * 3
        body = load_or_make_body(seed, self.setting, spacing, Path(self.cache)) if self.cache else make_body(
            seed, self.setting, spacing)
        hu = body.clean_hu.astype(np.float32)
        planter = NodulePlanter(body)
        if rng.random() < NODULE_SHARE:
            for _ in range(6):
                paint_into(hu, body.grid, planter.draw(rng, diameter_mm=(6.0, 50.0)))
        places = [np.argwhere(body.patterns == pattern) for pattern in (1, 2, 3)]
        return _Lungs(body, hu, target_of(body), tuple(found.astype(np.int16) for found in places if len(found)))


@lru_cache(maxsize=2)
def _pool(samples: PatternSamples) -> Pool:
    return Pool(samples.lungs, samples.pool)


def target_of(body: Body) -> np.ndarray:
    """0 normal, 1 ground glass, 2 reticular; IGNORED outside the lungs (uint8)."""
    return np.where(body.patterns > 0, body.patterns.astype(np.int16) - 1, IGNORED).astype(np.uint8)
