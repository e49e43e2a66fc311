"""Patches of a detector training: which nodules a reader would see in them, and that any process draws the same."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from LungNoduleAILib.synthesis import make_body
from LungNoduleAILib.synthesis.nodules.annotatable import lies_in_lung
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.share import paint_into
from LungNoduleAILib.training.detector.batches import AHEAD, Batches, DetectorRecipe, draw_batch
from LungNoduleAILib.training.detector.patches import is_visible
from LungNoduleAILib.training.detector.training_volumes import COARSE, FINE, TrainingVolume, planted
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.worker_process import THREAD_LIMITS, one_thread_each

RECIPE = DetectorRecipe(steps=12, seed=3, bodies=2, first_bodies=1, batch=2, mine_at=0.5, coarse_every=4)


@dataclass
class LungOfNoise:
    """TrainingVolumes of noise with balls in them, the same in every process."""

    def __call__(self, number: int, level: object) -> TrainingVolume:
        rng = np.random.default_rng(number)
        shape = (80, 80, 80)
        grid = Grid.around(np.zeros(3), (1.0, 1.0, 1.0), shape)
        nodules = tuple(PlantedNodule(tuple(rng.uniform(-25, 25, 3)), (4.0, 4.0, 4.0)) for _ in range(6))
        places = np.array([grid.frame_mm(np.array(n.center_ras_mm)) for n in nodules])
        inside = rng.uniform(10, 70, (20, 3))
        return TrainingVolume(
            rng.normal(-850, 60, shape).astype(np.int16),
            grid,
            nodules,
            places,
            {"imitation": inside, "border": inside, "lung": inside},
        )


def drawn(jobs: int, mined: dict[int, np.ndarray]) -> list[np.ndarray]:
    """The first patch of every step; false alarms are known from the step on at which they are collected."""
    with Batches(RECIPE, LungOfNoise(), jobs) as batches:
        return [
            batches.draw(step, mined if step >= RECIPE.mine_step else None).patches[0].hu
            for step in range(RECIPE.steps)
        ]


def test_another_process_draws_the_same_patches_also_around_the_collected_false_alarms():
    mined = {0: np.array([[40.0, 40.0, 40.0]]), 1: np.array([[30.0, 40.0, 50.0]])}
    assert RECIPE.mine_step < RECIPE.steps - AHEAD // 2
    own, other = drawn(1, mined), drawn(2, mined)
    assert all(np.array_equal(one, same) for one, same in zip(own, other, strict=True))
    without = [draw_batch(RECIPE, LungOfNoise(), step, {}).patches[0].hu for step in range(RECIPE.steps)]
    assert all(np.array_equal(one, same) for one, same in zip(own[:6], without[:6], strict=True))


def test_bodies_join_in_step_by_step_and_every_last_step_is_for_masses():
    recipe = DetectorRecipe(steps=100, bodies=20, first_bodies=4, all_bodies_at=0.5, coarse_every=5)
    counts = [recipe.bodies_at(step) for step in range(100)]
    assert counts[0] == 4
    assert counts[50:] == [20] * 50
    assert counts == sorted(counts)
    assert [recipe.level_at(step) for step in range(5)] == [FINE] * 4 + [COARSE]


def test_workers_get_one_thread_each_unless_the_person_says_otherwise(monkeypatch):
    for name in THREAD_LIMITS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    with one_thread_each(), ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = dict(zip(THREAD_LIMITS, pool.map(os.getenv, THREAD_LIMITS), strict=True))
    assert found == {**dict.fromkeys(THREAD_LIMITS, "1"), "MKL_NUM_THREADS": "3"}
    assert "OMP_NUM_THREADS" not in os.environ


def test_the_nodules_of_a_scene_lie_in_the_lung():
    body = make_body(3, "training", (2.0, 2.0, 2.0))
    box = tuple(slice(0, n) for n in body.labels.shape)
    nodules = planted(body, FINE, box, np.random.default_rng(1))
    assert len(nodules) == FINE.planted
    assert all(lies_in_lung(body.structures, body.grid, nodule) for nodule in nodules)  # 97 % with a single draw each


@pytest.mark.parametrize(
    ("hu", "noise_hu", "seen"), [(-600, 20, True), (-820, 20, False), (-650, 300, False), (40, 200, True)]
)
def test_a_nodule_is_seen_when_it_differs_from_the_lung_by_more_than_the_lung_from_itself(hu, noise_hu, seen):
    lung = np.random.default_rng(1).normal(-870, noise_hu, (48, 48, 48)).astype(np.float32)
    grid = Grid.around(np.zeros(3), (1.0, 1.0, 1.0), lung.shape)
    nodule = PlantedNodule((0.0, 0.0, 0.0), (4.0, 4.0, 4.0), "ground-glass", hu)
    image = np.full(lung.shape, -870, np.float32)
    paint_into(image, grid, nodule)
    middle = grid.frame_mm(np.zeros(3))
    assert is_visible(image + lung + 870, np.ones(lung.shape, bool), middle, nodule, 1.0) == seen


def test_large_solid_nodules_are_always_taught():
    nodule = PlantedNodule((0.0, 0.0, 0.0), (8.0, 8.0, 8.0))
    noise = np.random.default_rng(1).normal(-500, 400, (48, 48, 48)).astype(np.float32)
    assert is_visible(noise, np.ones(noise.shape, bool), np.full(3, 24.0), nodule, 1.0)
