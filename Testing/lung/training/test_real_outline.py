"""The second stage on real nodules: who takes part, what the cut hides does not count, and it starts where told."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from LungNoduleAILib.cli.learning.train import TRAININGS, WITH  # noqa: E402
from LungNoduleAILib.datasets.nodule_stacks import open_stacks  # noqa: E402
from LungNoduleAILib.delineation.cubes import PATCH  # noqa: E402
from LungNoduleAILib.delineation.learned import SCHEMA, SHIPPED  # noqa: E402
from LungNoduleAILib.training.appearance_fit import best_limits, fit  # noqa: E402
from LungNoduleAILib.training.labels.real_outline import (  # noqa: E402
    FIRST_STAGE,
    PADDED,
    RealRecipe,
    SecondStage,
    draw_real_cube,
    pad_with_truth,
)
from LungNoduleAILib.training.labels.samples import IGNORED, LabelSample  # noqa: E402
from LungNoduleAILib.training.request import TrainingRequest  # noqa: E402
from Testing.fixtures.nodule_stacks import write_stacks  # noqa: E402
from ThoraxAILib.networks.trainer import ONLY  # noqa: E402
from ThoraxAILib.networks.weights_file import load_weights  # noqa: E402


@pytest.fixture
def stack(tmp_path):
    return open_stacks(write_stacks(tmp_path, ["LIDC-IDRI-0007"], (12.0,)))[0]


def test_a_cube_shows_the_nodule_and_its_label_at_the_same_place(stack):
    hu, labels = draw_real_cube(stack, 1.0, np.random.default_rng(3))
    assert hu.shape == labels.shape == (PATCH, PATCH, PATCH)
    assert hu[labels == 1].mean() > -250 > -500 > hu[labels == 0].mean()


def test_beyond_the_slices_nothing_is_taught_where_the_nodule_may_go_on(stack):
    for seed in range(12):
        _hu, labels, first = pad_with_truth(stack, np.random.default_rng(seed))
        beyond = np.concatenate([labels[:PADDED], labels[-PADDED:]])
        assert set(np.unique(beyond)) <= {0, IGNORED}
        assert (labels[PADDED - 1] == IGNORED).any()
        assert (labels[first : first + len(stack.hu)] == 1).any()


def test_the_second_stage_begins_with_the_weights_of_the_first(tmp_path):
    first = load_weights(SHIPPED.with_name(FIRST_STAGE), SCHEMA, "a training")
    recipe = RealRecipe(steps=1, average=0.9)

    def draw(_step: int) -> LabelSample:
        rng = np.random.default_rng(1)
        return LabelSample(
            rng.normal(-800, 50, (1, 16, 16, 16)).astype(np.float32), np.zeros((1, 16, 16, 16), np.uint8)
        )

    training = SecondStage(tmp_path, recipe, first, draw, "cpu")
    before = {name: value.clone() for name, value in training.learners[ONLY].network.state_dict().items()}
    assert all(torch.equal(value, first.state[name]) for name, value in before.items())
    training.run()
    after = training.averaged().state_dict()
    assert any(not torch.equal(value, before[name]) for name, value in after.items())
    assert all(torch.equal(value, before[name]) for name, value in after.items() if "running" in name)


def test_the_second_stage_without_people_that_may_train_is_refused(tmp_path, refused):
    from LungNoduleAILib.training.labels.outline import train
    from ThoraxAILib.jobs.progress import Progress

    folder = write_stacks(tmp_path / "real", ["LIDC-IDRI-0006", "LIDC-IDRI-0010"])
    with refused("may train"):
        train(TrainingRequest(tmp_path / "out", real=folder), Progress())
    with refused("--real FOLDER"):
        train(TrainingRequest(tmp_path / "out", first_stage=SHIPPED), Progress())


def test_trainings_offer_real_data_where_they_take_it():
    assert set(WITH) <= set(TRAININGS)
    assert {name for name, options in WITH.items() if "real" in options} == {"segmentation", "appearance"}


def test_type_and_rating_are_learned_from_what_tells_them():
    from LungNoduleAILib.measurement.appearance import FEATURES
    from LungNoduleAILib.measurement.judgement import judged_terms

    rng = np.random.default_rng(2)
    rows = []
    texture = rng.choice([1.0, 5.0], 240)
    size = rng.uniform(1.5, 3.3, 240)
    for kind, log_size in zip(texture, size, strict=True):
        look = {name: float(rng.normal()) for name in FEATURES}
        rows.append(judged_terms({**look, "log_size": float(log_size), "deep_hu": 0.3 if kind == 5 else -6.0}))
    malignancy = np.clip(np.rint(2 * size - 2), 1, 5)
    made = fit(np.stack(rows), texture, malignancy, np.exp(size), np.arange(240) % 6, {})
    assert made.note["kappa_left_out"] > 0.95
    ratings = made.rating(np.stack(rows))
    assert np.corrcoef(ratings, malignancy)[0, 1] > 0.85
    assert made.errors[0] < 0 < made.errors[1]


def test_limits_that_call_small_solid_nodules_subsolid_are_not_taken():
    subsolid = np.array([2.0] * 10 + [0.4] * 10 + [-2.0] * 10)
    texture = np.array([1.0] * 10 + [5.0] * 10 + [5.0] * 10)
    (first, _second), value = best_limits(subsolid, np.full(30, 2.0), texture, np.full(30, 4.0))
    assert first >= 0.4
    assert value == pytest.approx(1.0)
