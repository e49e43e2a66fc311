"""The network that re-identifies nodules: what it is shown, what it answers, how it is trained."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.followup.matching.evidence import MatchItem
from LungNoduleAILib.followup.matching.lung_frame import LungFrame
from LungNoduleAILib.followup.matching.siamese import WEIGHTS_FILE, Siamese, embed_patches, place_values
from LungNoduleAILib.followup.matching.siamese_patches import PATCH_MM, PATCH_VOXELS, cut_patches
from LungNoduleAILib.synthesis.body.make import make_body
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.two_dates.plan import plan_case
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture(scope="module")
def body() -> Body:
    """A person coarse enough to be made in seconds."""
    return make_body(3, "training", (2.5, 2.5, 2.5))


def scene_at(points_ras_mm: np.ndarray) -> np.ndarray:
    """A smooth picture without symmetry, as HU of RAS points (..., 3)."""
    r, a, s = np.moveaxis(points_ras_mm, -1, 0)
    return (-400 + 8 * r - 5 * a + 3 * s + 300 * np.exp(-((r - 8) ** 2 + a**2 + (s + 5) ** 2) / 60)).astype(np.float32)


def volume_of(direction: np.ndarray | None, spacing_mm: tuple[float, float, float]) -> Volume:
    """The scene on a grid of any direction."""
    shape = tuple(int(90 / step) for step in spacing_mm)
    grid = Grid.around(np.zeros(3), spacing_mm, shape, direction)
    k, j, i = np.indices(grid.shape_kji)
    points = np.stack([i, j, k], axis=-1) @ grid.ijk_to_ras[:3, :3].T + grid.ijk_to_ras[:3, 3]
    return Volume(scene_at(points), grid.ijk_to_ras)


def test_patches_show_the_patient_whatever_the_order_of_the_voxels():
    turn = np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]])
    upright = cut_patches(volume_of(None, (1.25, 1.25, 1.25)), np.zeros((1, 3)))[0]
    turned = cut_patches(volume_of(turn, (1.25, 1.25, 1.25)), np.zeros((1, 3)))[0]
    middle = (slice(8, -8),) * 3
    assert upright.shape == (PATCH_VOXELS,) * 3
    assert np.abs(upright - turned)[middle].max() < 1.0
    up, back, left = ((PATCH_VOXELS - 1) / 2 + offset for offset in (4, -6, 2))
    place = np.array([-2, 6, 4]) * PATCH_MM  # left of, in front of and above the middle
    assert upright[int(up + 0.5), int(back + 0.5), int(left + 0.5)] == pytest.approx(
        scene_at(place + PATCH_MM / 2 * np.array([-1, -1, 1])), abs=25
    )


def test_a_patch_at_the_border_continues_the_image():
    patch = cut_patches(volume_of(None, (1.5, 1.5, 3.0)), np.array([[44.0, 0.0, 0.0]]))[0]
    assert np.isfinite(patch).all()
    assert np.abs(np.diff(patch[24, 24, :6])).max() < 1e-3  # i runs to the left: its start lies beyond the right border


def test_places_are_told_relative_to_the_lungs_and_can_be_withheld():
    lungs = np.random.default_rng(0).uniform(-100, 100, (500, 3))
    frame, moved = LungFrame.around(lungs), LungFrame.around(lungs + 300.0)
    point = np.array([[20.0, -30.0, 40.0]])
    assert np.allclose(place_values(point, frame), place_values(point + 300.0, moved), atol=1e-5)
    assert place_values(point, None).tolist() == [[0, 0, 0, 0]]
    with pytest.raises(InputError, match="lungs"):
        LungFrame.around(np.zeros((0, 3)))


def test_shipped_embeddings_have_length_one_and_do_not_depend_on_the_company():
    network = Siamese()
    volume = volume_of(None, (1.25, 1.25, 1.25))
    items = [MatchItem(f"N{n}", (float(n), 0.0, -2.0 * n)) for n in range(20)]
    together, alone = network.embed(volume, items, None), network.embed(volume, items[7:8], None)
    assert together.shape == (20, 64)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-4)
    assert np.allclose(together[7], alone[0], atol=1e-4)
    assert network.embed(volume, [], None).shape == (0, 64)


def test_missing_and_foreign_weights_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="thoraxai lung train siamese"):
        Siamese(path=tmp_path / "none.pt")
    torch.save({"schema": "something"}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="something"):
        Siamese(path=tmp_path / "other.pt")


def test_the_shipped_file_is_small():
    assert WEIGHTS_FILE.stat().st_size < 2_000_000


@pytest.mark.slow
def test_a_nodule_is_more_like_itself_on_another_date_than_like_the_others(body):
    from LungNoduleAILib.followup.matching.siamese import loaded_network
    from LungNoduleAILib.training.matching.cases import draw_places, render_patches

    rng = np.random.default_rng(1)
    right = total = 0
    for seed in (11, 12, 13):
        plan = plan_case(seed, body=body)
        dates = draw_places(plan, rng)
        told = [
            embed_patches(loaded_network(), render_patches(view, date.centers_ras_mm, rng), date.values())
            for view, date in zip((plan.prior, plan.current), dates, strict=True)
        ]
        likeness = told[0] @ told[1].T
        for link in plan.links:
            if link.status == "matched":
                row, column = (date.names.index(link.id) for date in dates)
                right += int(likeness[row].argmax() == column)
                total += 1
    assert right / total > 0.8


@pytest.mark.slow
def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    from LungNoduleAILib.training.matching import train as siamese_training
    from LungNoduleAILib.training.request import TrainingRequest

    monkeypatch.setattr(siamese_training, "BODY_SPACING_MM", (4.0, 4.0, 4.0))
    monkeypatch.setattr(siamese_training.SiameseTraining, "checkpoint_every", 1)
    requests = [TrainingRequest(tmp_path / name, steps=2, bodies=1) for name in ("whole", "stopped")]
    for request in requests:
        request.output.mkdir()
    whole = siamese_training.train(requests[0])
    stop = Progress(is_cancelled=iter([False] * 4 + [True]).__next__)
    with pytest.raises(Cancelled):
        siamese_training.train(requests[1], stop)
    assert (requests[1].output / "checkpoint.pt").is_file()
    again = siamese_training.train(requests[1])
    assert whole.read_bytes() == again.read_bytes()
