"""The cascade: sums or composes its fields, trains without supervision, resumes, loads what it saved."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from CardiacBiomechLib.motion.cascade_engine import SHIPPED_WEIGHTS  # noqa: E402
from CardiacBiomechLib.motion.engines import make_engine  # noqa: E402
from CardiacBiomechLib.synthesis.cine import Scanner, acquire  # noqa: E402
from CardiacBiomechLib.synthesis.ventricle import Ventricle  # noqa: E402
from CardiacBiomechLib.training.cascade_training import CascadeTraining, TrainingOptions  # noqa: E402
from CardiacBiomechLib.training.pairs import CROP_KJI, load_or_make, random_pair  # noqa: E402
from ThoraxAILib.errors import Cancelled  # noqa: E402
from ThoraxAILib.image.grid import Grid  # noqa: E402
from ThoraxAILib.jobs.progress import Progress  # noqa: E402
from ThoraxAILib.networks.weights_file import sha256  # noqa: E402
from ThoraxAILib.registration.cascade.network import Cascade  # noqa: E402
from ThoraxAILib.registration.cascade.predict import predict  # noqa: E402
from ThoraxAILib.registration.cascade.settings import CascadeSettings  # noqa: E402
from ThoraxAILib.registration.cascade.weights import load_cascade, save_cascade  # noqa: E402
from ThoraxAILib.registration.field import Field, add, compose  # noqa: E402

SMALL = CascadeSettings(factors=(2, 1), channels=(4, 6))
SPACING = (8.0, 1.5, 1.5)


def restless(settings: CascadeSettings, seed: int = 0) -> Cascade:
    """An untrained cascade whose last layers are not near zero, so that its fields can be told apart."""
    torch.manual_seed(seed)
    cascade = Cascade(settings)
    for network in cascade.networks:
        torch.nn.init.normal_(network.last.weight, std=0.05)
    return cascade.eval()


@pytest.fixture(scope="module")
def images():
    """Two frames of a phantom on an odd-sized grid that needs resampling."""
    scanner = Scanner((6, 50, 46), (8.0, 2.2, 2.2), samples_per_slice=1)
    return [frame.image for frame in acquire(Ventricle(), scanner, np.array([0.0, 1.0]))]


def test_an_untrained_cascade_hardly_moves(images):
    torch.manual_seed(0)
    found = predict(Cascade(SMALL).eval(), *images)
    assert np.abs(found.field.displacement_ras_mm).max() < 0.1
    assert found.field.grid.matches(Grid.of(images[0]))
    assert len(found.increments) == 2


@pytest.mark.parametrize("composition", ["sum", "compose"])
def test_fields_are_summed_or_composed_as_told(composition):
    settings = CascadeSettings(factors=(2, 1), channels=(4, 6), composition=composition)
    fixed, moving = torch.randn(2, 1, 5, 24, 24, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        total, (first, second) = restless(settings)(fixed, moving, SPACING)
    grid = Grid.centered((5, 24, 24), SPACING)
    fields = [Field.from_axes(part.numpy(), grid) for part in (first, second)]
    expected = add(fields) if composition == "sum" else compose(fields[1], fields[0])
    other = compose(fields[1], fields[0]) if composition == "sum" else add(fields)
    found = Field.from_axes(total.numpy(), grid).displacement_ras_mm
    np.testing.assert_allclose(found, expected.displacement_ras_mm, atol=2e-3)
    assert np.abs(found - other.displacement_ras_mm).max() > 0.01


def test_saved_weights_predict_the_same(images, tmp_path):
    cascade = restless(SMALL)
    save_cascade(cascade, tmp_path / "weights.pt")
    before, after = (
        predict(one, *images).field.displacement_ras_mm for one in (cascade, load_cascade(tmp_path / "weights.pt"))
    )
    np.testing.assert_allclose(before, after, atol=0.05)


TINY = TrainingOptions(steps=4, hearts=1, learning_rate=3e-3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with an uninterrupted training of a few steps."""
    folder = tmp_path_factory.mktemp("training")
    CascadeTraining(folder, TINY, SMALL).finish(folder / "w.pt")
    return folder


def test_a_stopped_training_goes_on_and_ends_with_the_same_file(trained, tmp_path):
    stopped, asked = CascadeTraining(tmp_path, TINY, SMALL), []
    with pytest.raises(Cancelled):
        stopped.finish(tmp_path / "w.pt", Progress(lambda f, _t: asked.append(f), lambda: len(asked) >= 2))
    assert not (tmp_path / "w.pt").exists()
    stopped.save()
    resumed = CascadeTraining(tmp_path, TINY, SMALL)
    assert resumed.step == stopped.step == 2
    resumed.finish(tmp_path / "w.pt")
    assert sha256(tmp_path / "w.pt") == sha256(trained / "w.pt")


def test_the_seed_decides_the_weights(trained, tmp_path):
    shutil.copytree(trained / "hearts", tmp_path / "same" / "hearts")
    CascadeTraining(tmp_path / "same", TINY, SMALL).finish(tmp_path / "same" / "w.pt")
    assert sha256(tmp_path / "same" / "w.pt") == sha256(trained / "w.pt")
    other = CascadeTraining(tmp_path / "other", replace(TINY, seed=7, steps=1), SMALL)
    first = torch.cat([weight.flatten() for weight in other.cascade.parameters()])
    started = CascadeTraining(tmp_path / "again", TINY, SMALL).cascade
    assert not torch.equal(first, torch.cat([weight.flatten() for weight in started.parameters()]))


def test_training_tells_its_recipe_and_how_alike_the_frames_became(trained):
    log = json.loads((trained / "training.json").read_text())
    assert log["recipe"]["steps"] == TINY.steps == len(log["similarity"])
    assert load_cascade(trained / "w.pt").settings == SMALL


def test_a_seed_always_makes_the_same_training_heart(tmp_path):
    one, again = load_or_make(1001, tmp_path), load_or_make(1001, tmp_path)
    np.testing.assert_array_equal(one.frames, again.frames)
    fixed, moving, labels = random_pair(one, np.random.default_rng(0))
    assert fixed.shape == moving.shape == labels.shape == CROP_KJI
    assert abs(float(fixed.mean())) < 1e-3


def test_what_is_no_cascade_is_refused(tmp_path, refused):
    with refused("do not exist"):
        load_cascade(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("no weights")
    with refused("holds no weights of the kind"):
        load_cascade(tmp_path / "text.pt")
    torch.save({"state": {}}, tmp_path / "other.pt")
    with refused("holds no weights of the kind"):
        load_cascade(tmp_path / "other.pt")
    with refused("sum or compose"):
        CascadeSettings(composition="average")
    with refused("steps must be at least 1"):
        TrainingOptions(steps=0)


@pytest.mark.skipif(not SHIPPED_WEIGHTS.is_file(), reason="no trained cascade in this checkout")
def test_the_shipped_cascade_brings_the_frames_nearer_and_is_small():
    scanner = Scanner((16, 128, 128), (8.0, 1.4, 1.4), organs=0.7, samples_per_slice=1)
    still, moved = acquire(Ventricle(), scanner, np.array([0.0, 1.0]), seed=77)
    found = make_engine("cascade").register(still.image, moved.image, None, Progress())
    from CardiacBiomechLib.synthesis.scoring import score

    result = score(found.field, Ventricle(), (still, moved))
    rest = score(Field.zero(Grid.of(still.image)), Ventricle(), (still, moved))
    assert result.wall_dice > rest.wall_dice + 0.05
    assert result.epe_mean_mm < 0.9 * rest.epe_mean_mm
    assert SHIPPED_WEIGHTS.stat().st_size < 10_000_000


@pytest.mark.skipif(not SHIPPED_WEIGHTS.is_file(), reason="no trained cascade in this checkout")
def test_the_card_names_the_shipped_file(repository):
    card = (repository / "Resources" / "ModelCards" / "cardiac_cine_cascade.md").read_text(encoding="utf-8")
    assert sha256(SHIPPED_WEIGHTS) in card
    assert "No patient image was used" in card
