"""Which patches a step of the detector training learns from, drawn while the steps before it are learned.

A batch is a function of (recipe, step, collected false alarms), so that it does not matter which process draws it.
"""

from __future__ import annotations

import math
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.training.detector.patches import Patch, draw_patch
from LungNoduleAILib.training.detector.training_volumes import COARSE, FINE, Level
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.pool import open_pool, result_of

if TYPE_CHECKING:
    from LungNoduleAILib.training.detector.training_volumes import VolumeSource

AHEAD = 6  # batches drawn before they are asked for
Mined = dict[int, np.ndarray]


@dataclass(frozen=True)
class DetectorRecipe:
    """How the shipped detector is made; every ``coarse_every``-th step trains the mass network.

    ``mine_at`` is the share of the steps after which wrong answers on ``mined_bodies`` bodies are collected;
    ``freeze_at`` the share after which normalization statistics stay as they are. The first steps see ``first_bodies``,
    all bodies are in use from ``all_bodies_at`` on, so that training need not wait until all are made.
    """

    steps: int = 18000
    seed: int = 1000
    bodies: int = 80
    first_bodies: int = 8
    all_bodies_at: float = 0.2
    batch: int = 4
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warm_up: int = 100
    average: float = 0.999
    coarse_every: int = 6
    mine_at: float = 0.4
    mined_bodies: int = 16
    freeze_at: float = 0.75
    channels: tuple[int, ...] = (16, 48, 96, 128)

    def __post_init__(self) -> None:
        if self.steps < 1 or self.bodies < 1:
            raise InputError("A training needs at least one step and one body.")

    def level_at(self, step: int) -> Level:
        """Which network learns at a step."""
        return COARSE if step % self.coarse_every == self.coarse_every - 1 else FINE

    def bodies_at(self, step: int) -> int:
        """How many bodies patches are cut from at a step."""
        share = min(1.0, step / (self.all_bodies_at * self.steps))
        return min(self.bodies, self.first_bodies + int(share * (self.bodies - self.first_bodies) + 1e-9))

    @property
    def mine_step(self) -> int:
        """The first step that knows the collected wrong answers."""
        return math.ceil(self.mine_at * self.steps)


@dataclass(frozen=True, eq=False)
class Batch:
    """The patches of a step and the processor seconds that drawing them took."""

    patches: list[Patch]
    seconds: float


def draw_batch(recipe: DetectorRecipe, volumes: VolumeSource, step: int, mined: Mined) -> Batch:
    """Return patches of a step; ``mined`` holds centres (n, 3) of false alarms per body, in voxels of its volume."""
    started, level, patches = time.process_time(), recipe.level_at(step), []
    for place in range(recipe.batch):
        rng = np.random.default_rng((recipe.seed, step, place))
        number = int(rng.integers(recipe.bodies_at(step)))
        patches.append(draw_patch(volumes(number, level), level, rng, mined.get(number) if level is FINE else None))
    return Batch(patches, time.process_time() - started)


class Batches:
    """Batches in the order of the steps; with ``jobs`` above 1 another process draws them ahead. Use in ``with``."""

    def __init__(self, recipe: DetectorRecipe, volumes: VolumeSource, jobs: int = 1) -> None:
        self._recipe, self._key = recipe, uuid.uuid4().hex
        self._pool = open_pool(1 if jobs > 1 else 0, _keep, self._key, recipe, volumes)
        self._waiting: dict[int, Future] = {}

    def __enter__(self) -> Batches:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)
        _KEPT.pop(self._key, None)

    def draw(self, step: int, mined: Mined | None) -> Batch:
        """Return the batch of a step; ``mined`` is None until the wrong answers are collected."""
        known = {} if mined is None else mined
        last = self._recipe.steps if mined is not None else max(self._recipe.mine_step, step + 1)
        for number in range(step, min(step + (AHEAD if self._pool.workers else 1), last)):
            if number not in self._waiting:
                self._waiting[number] = self._pool.submit(_draw, self._key, number, known)
        return result_of(self._waiting.pop(step))


_KEPT: dict[str, tuple[DetectorRecipe, VolumeSource]] = {}


def _keep(key: str, recipe: DetectorRecipe, volumes: VolumeSource) -> None:
    """Keep where batches are drawn what stays the same; ``key`` tells trainings in one process apart."""
    _KEPT[key] = recipe, volumes


def _draw(key: str, step: int, mined: Mined) -> Batch:
    return draw_batch(*_KEPT[key], step, mined)
