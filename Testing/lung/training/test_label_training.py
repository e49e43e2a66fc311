"""Trainings of label networks: reproducible from their seed, resumable to the bit, and they learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from LungNoduleAILib.training.labels.label_training import LabelRecipe, LabelTraining, label_loss  # noqa: E402
from LungNoduleAILib.training.labels.samples import IGNORED, LabelSample, Placement, Pool  # noqa: E402
from ThoraxAILib.errors import Cancelled  # noqa: E402
from ThoraxAILib.jobs.progress import Progress  # noqa: E402
from ThoraxAILib.networks.label_network import (  # noqa: E402
    LabelNetwork,
    LabelNetworkSettings,
    to_full_resolution,
    to_half_resolution,
)
from ThoraxAILib.networks.trainer import ONLY  # noqa: E402

TINY = LabelNetworkSettings(2, (4, 8), 3.0)
RECIPE = LabelRecipe(6, 5, (1.0, 1.0), frozen_norm_from=0.5)


def ball(step: int) -> LabelSample:
    """A dense ball in air, somewhere else in each step."""
    rng = np.random.default_rng([9, step])
    center = rng.uniform(6, 10, 3)
    k, j, i = np.ogrid[:16, :16, :16]
    labels = ((k - center[0]) ** 2 + (j - center[1]) ** 2 + (i - center[2]) ** 2 < 16).astype(np.uint8)
    hu = np.where(labels, 40, -900) + rng.normal(0, 20, labels.shape)
    return LabelSample(hu.astype(np.float32), labels)


def weights_after(folder: Path, steps: int | None = None) -> dict:
    """Averaged weights of a training in ``folder``, stopped after ``steps`` when given."""
    training, asked = LabelTraining(folder, RECIPE, TINY, ball), iter(range(100))
    try:
        training.run(Progress(is_cancelled=None if steps is None else lambda: next(asked) >= steps))
    except Cancelled:
        training.save()
    return training.averaged().state_dict()


def test_a_training_that_was_stopped_ends_with_the_same_bits(tmp_path):
    straight = weights_after(tmp_path / "straight")
    weights_after(tmp_path / "stopped", 4)
    resumed = weights_after(tmp_path / "stopped")
    assert all(torch.equal(value, resumed[name]) for name, value in straight.items())


def test_a_training_does_not_go_on_with_other_settings(tmp_path, refused):
    weights_after(tmp_path, 1)
    with refused("another --output"):
        LabelTraining(tmp_path, replace(RECIPE, learning_rate=0.1), TINY, ball)


def test_a_training_learns_to_tell_a_ball_from_air(tmp_path):
    training = LabelTraining(tmp_path, replace(RECIPE, steps=100, learning_rate=0.03, average=0.9), TINY, ball)
    training.run()
    network, losses = training.averaged(), training.losses[ONLY]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    sample = ball(1000)
    with torch.no_grad():
        found = network(torch.from_numpy(sample.hu)[None, None])[0].argmax(0).numpy()
    both = ((found == 1) & (sample.labels == 1)).sum()
    assert 2 * both / ((found == 1).sum() + (sample.labels == 1).sum()) > 0.8


def test_samples_drawn_by_another_process_lead_to_the_same_bits(tmp_path):
    straight = weights_after(tmp_path / "straight")
    training = LabelTraining(tmp_path / "drawn", replace(RECIPE, workers=1), TINY, ball)
    training.run()
    assert all(torch.equal(value, straight[name]) for name, value in training.averaged().state_dict().items())


def test_half_and_full_resolution_are_inverse():
    labels = torch.arange(2 * 4 * 6 * 8).reshape(2, 4, 6, 8)
    half = to_half_resolution(labels).reshape(2, 8, 2, 3, 4)
    assert torch.equal(to_full_resolution(half, 1)[:, 0], labels)


def test_the_network_answers_on_any_grid():
    network = LabelNetwork(TINY).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 5, 9, 2)).shape == (1, 2, 5, 9, 2)


def test_ignored_voxels_do_not_count():
    torch.manual_seed(1)
    half = torch.randn(1, 16, 4, 4, 4)
    labels = torch.zeros(1, 2, 2, 2, 4, 4, 4, dtype=torch.uint8)
    labels[..., 2:] = IGNORED
    changed = half.clone()
    changed[..., 2:] += 5 * torch.randn_like(changed[..., 2:])
    weights = torch.ones(2)
    assert torch.allclose(label_loss(half, labels, weights, 0), label_loss(changed, labels, weights, 0))


def test_a_placement_without_turn_is_a_crop():
    array = np.random.default_rng(2).normal(size=(12, 14, 16)).astype(np.float32)
    middle = np.array([6.5, 7.5, 8.5]) * 2.0
    placement = Placement((4, 6, 8), middle, np.zeros(3), 1.0)
    cut = placement.cut(array, np.full(3, 2.0), 2.0, -1.0, linear=True)
    assert np.allclose(cut, array[5:9, 5:11, 5:13], atol=1e-5)


def test_a_pool_makes_each_thing_once_while_it_is_kept():
    made = []
    pool = Pool(lambda number: made.append(number) or number, 2)
    assert [pool(number) for number in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert made == [1, 2, 3, 2]
