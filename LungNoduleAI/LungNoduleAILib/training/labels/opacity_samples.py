"""What the opacity network is trained on: synthetic chests with disease that takes the place of lung, and healthy ones.

A body is made once, averaged as for the anatomy network, and carries several diseases in turn; every diseased chest is
then seen several times, each time elsewhere, turned and through another scanner. Bodies whose own lungs are not whole
are passed over: nothing says which of their tissue is lung.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from LungNoduleAILib.model.anatomy import LLL, RUL
from LungNoduleAILib.opacity.classes import AIR, AIRLESS, ELSEWHERE, FLUID, LUNG
from LungNoduleAILib.opacity.classes import MASS as MASS_CLASS
from LungNoduleAILib.synthesis import Body, NodulePlanter, acquire, draw_scanner
from LungNoduleAILib.synthesis.body.make import has_whole_lungs
from LungNoduleAILib.synthesis.disease.chest import (
    COLLAPSE,
    CONSOLIDATION,
    EFFUSION,
    MASS,
    PNEUMOTHORAX,
    PaintedBody,
    paint_disease,
)
from LungNoduleAILib.synthesis.nodules.share import paint_into
from LungNoduleAILib.training.labels.anatomy_samples import (
    AIR_HU,
    SIZES_I,
    SIZES_J,
    SIZES_K,
    averaged_chest,
    draw_placement,
    with_field_of_view,
)
from LungNoduleAILib.training.labels.samples import LabelSample, Pool, window_of_pool

SPACING_MM = 3.0
POOL, REUSE, PER_BODY = 64, 8, 8
SEEDS_PER_BODY = 10  # from which the first with whole lungs is taken
NODULES, NODULE_MM = 6, (5.0, 25.0)  # small ones are no opacity: they count as the lung around them
CLASS_OF_KIND = {MASS: MASS_CLASS, EFFUSION: FLUID, CONSOLIDATION: AIRLESS, COLLAPSE: AIRLESS, PNEUMOTHORAX: AIR}
# how often a chest carries what; the shares sum to 1
SHARES: dict[tuple[str, ...], float] = {
    (): 0.2,
    (MASS,): 0.2,
    (MASS, EFFUSION): 0.14,
    (MASS, COLLAPSE): 0.1,
    (MASS, CONSOLIDATION): 0.04,
    (EFFUSION,): 0.1,
    (CONSOLIDATION,): 0.08,
    (COLLAPSE,): 0.08,
    (PNEUMOTHORAX,): 0.06,
}


@dataclass(frozen=True, eq=False)
class _Patient:
    """A body with disease, ready to be cut; ``target`` uint8 as in opacity.classes."""

    body: Body
    hu: np.ndarray
    target: np.ndarray


@dataclass(frozen=True)
class OpacitySamples:
    """``samples(step)`` is a function of ``seed`` and the step; ``cache``: folder that keeps the bodies."""

    seed: int
    setting: str = "training"
    spacing_mm: float = SPACING_MM
    pool: int = POOL
    reuse: int = REUSE
    per_body: int = PER_BODY
    cache: str = ""
    sizes: tuple[tuple[int, ...], ...] = field(default=(SIZES_K, SIZES_J, SIZES_I))

    def __call__(self, step: int) -> LabelSample:
        """Return the sample of a step."""
        rng = np.random.default_rng([self.seed, 61, step])
        patient = _pool(self)(window_of_pool(step, self.reuse, self.pool, rng))
        grid = patient.body.grid
        placement = draw_placement(grid, self.sizes, self.spacing_mm, rng)
        hu = placement.cut(patient.hu, grid.spacing_kji_mm, self.spacing_mm, AIR_HU, linear=True)
        labels = placement.cut(patient.target, grid.spacing_kji_mm, self.spacing_mm, ELSEWHERE, linear=False)
        scanner = draw_scanner(rng)
        # the network sees block means of a CT, which keep only a part of its noise
        scanner = replace(scanner, noise_hu=scanner.noise_hu * float(rng.uniform(0.1, 0.7)))
        hu = acquire(hu, np.full(3, self.spacing_mm), scanner, rng)
        hu = hu * np.float32(rng.normal(1, 0.02)) + np.float32(rng.normal(0, 10))
        return LabelSample(*with_field_of_view(hu, labels, rng))

    def patient(self, number: int) -> _Patient:
        """Return chest ``number`` of this training; ``per_body`` of them in a row are of one body."""
        rng = np.random.default_rng([self.seed, 62, number])
        body = _body(self, number // self.per_body)
        kinds = tuple(SHARES)[int(rng.choice(len(SHARES), p=tuple(SHARES.values())))]
        painted = paint_disease(body, kinds, rng)
        planter = NodulePlanter(body)
        for _ in range(int(rng.integers(NODULES))):
            paint_into(painted.hu, body.grid, planter.draw(rng, diameter_mm=NODULE_MM))
        return _Patient(body, painted.hu, target_of(body, painted))


def target_of(body: Body, painted: PaintedBody) -> np.ndarray:
    """Return the classes of opacity.classes (uint8) on the grid of a body; where two diseases lie, the mass counts."""
    target = np.where((body.labels >= RUL) & (body.labels <= LLL), LUNG, ELSEWHERE).astype(np.uint8)
    target[painted.pressed] = AIRLESS
    for disease in sorted(painted.diseases, key=lambda disease: disease.kind == MASS):
        target[disease.mask] = CLASS_OF_KIND[disease.kind]
    return target


@lru_cache(maxsize=2)
def _pool(samples: OpacitySamples) -> Pool[_Patient]:
    return Pool(samples.patient, samples.pool)


@lru_cache(maxsize=4)
def _body(samples: OpacitySamples, number: int) -> Body:
    first = 100_000 * samples.seed + SEEDS_PER_BODY * number
    seeds = range(first, first + SEEDS_PER_BODY)
    whole = next((seed for seed in seeds if has_whole_lungs(seed, samples.setting)), first)
    return averaged_chest(whole, samples.setting, samples.spacing_mm, samples.cache)
