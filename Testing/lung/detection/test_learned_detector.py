"""The learned detector finds what was planted, answers the same twice, can be stopped; its training goes on exactly."""

from __future__ import annotations

import importlib.util
from functools import lru_cache

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from LungNoduleAILib.analysis.engines import choose_engines  # noqa: E402
from LungNoduleAILib.detection.detector_file import SHIPPED, read_detector, write_detector  # noqa: E402
from LungNoduleAILib.detection.heatmap_network import (  # noqa: E402
    HEAT,
    OFFSET,
    SIZE,
    HeatmapNetwork,
    HeatmapSettings,
    Probabilities,
)
from LungNoduleAILib.detection.heatmap_search import find_peaks  # noqa: E402
from LungNoduleAILib.detection.learned import LearnedDetector  # noqa: E402
from LungNoduleAILib.detection.two_levels import MASSES, NODULES, Calibration, Places  # noqa: E402
from LungNoduleAILib.model.anatomy import Anatomy  # noqa: E402
from LungNoduleAILib.model.options import AnalysisOptions  # noqa: E402
from LungNoduleAILib.synthesis import NodulePlanter, PlantedNodule, Scanner, acquire, make_body  # noqa: E402
from LungNoduleAILib.training.detector.batches import DetectorRecipe  # noqa: E402
from LungNoduleAILib.training.detector.calibration import graded  # noqa: E402
from LungNoduleAILib.training.detector.loss import detector_loss, make_targets  # noqa: E402
from LungNoduleAILib.training.detector.patches import Patch, draw_patch, flipped  # noqa: E402
from LungNoduleAILib.training.detector.train import DetectorTraining  # noqa: E402
from LungNoduleAILib.training.detector.training_volumes import FINE, TrainingVolume  # noqa: E402
from ThoraxAILib.errors import Cancelled, InputError, MissingDependencyError  # noqa: E402
from ThoraxAILib.image.grid import Grid  # noqa: E402
from ThoraxAILib.image.volume import Volume  # noqa: E402
from ThoraxAILib.jobs.progress import Progress  # noqa: E402
from ThoraxAILib.networks.weights_file import sha256  # noqa: E402

SMALL = HeatmapSettings(channels=(4, 8))
SMALL_COARSE = HeatmapSettings(3.0, channels=(4, 8))


@lru_cache
def chest() -> tuple[Volume, Anatomy, PlantedNodule]:
    """A coarse synthetic chest with one solid nodule of 14 mm."""
    body = make_body(3, "training", (2.0, 2.0, 2.5))
    planter, rng = NodulePlanter(body), np.random.default_rng(5)
    nodule = planter.draw(rng, diameter_mm=14.0, type="solid", placement="isolated")
    hu = body.clean_hu.astype(np.float32)
    planter.paint(hu, body.grid, nodule)
    hu = acquire(hu, body.grid.spacing_kji_mm, Scanner(noise_hu=15.0, slice_mm=2.5, increment_mm=2.5), rng)
    return Volume(np.rint(hu).astype(np.int16), body.grid.ijk_to_ras), Anatomy(body.labels), nodule


def test_the_shipped_detector_finds_a_planted_nodule_and_says_the_same_twice():
    volume, anatomy, nodule = chest()
    detector = LearnedDetector()
    found = detector.detect(volume, anatomy, Progress())
    again = detector.detect(volume, anatomy, Progress())
    assert found == again
    hits = [c for c in found if np.linalg.norm(np.subtract(c.center_ras_mm, nodule.center_ras_mm)) < 7.0]
    assert hits
    assert hits[0].confidence >= detector.operating_point
    assert 0.6 < hits[0].diameter_mm / nodule.diameter_mm < 1.5
    assert hits[0].density == "solid"
    assert [c.confidence for c in found] == sorted((c.confidence for c in found), reverse=True)
    assert detector.fingerprint == sha256(SHIPPED)[:16]


def test_nothing_is_found_where_there_are_no_lungs():
    volume, _, _ = chest()
    assert LearnedDetector().detect(volume, Anatomy(np.zeros(volume.array.shape, np.uint8)), Progress()) == []


def test_a_cancel_ends_the_search():
    volume, anatomy, _ = chest()
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        LearnedDetector().detect(volume, anatomy, Progress(is_cancelled=lambda: next(calls) > 2))


def test_the_answer_to_a_mirror_image_is_the_mirrored_answer():
    torch.manual_seed(1)
    network = Probabilities(HeatmapNetwork(SMALL)).eval()
    image = torch.randn(1, 1, 16, 16, 24) * 300 - 600
    with torch.inference_mode():
        answer, mirrored = network(image), network(image.flip(-1)).flip(-1)
        mirrored[:, OFFSET][:, -1] *= -1
    assert torch.equal(answer, mirrored)


def test_foreign_weights_are_refused(tmp_path):
    (tmp_path / "other.pt").write_bytes(b"something else")
    with pytest.raises(InputError, match="holds no weights"):
        LearnedDetector(weights=tmp_path / "other.pt")


def test_without_pytorch_the_extra_to_install_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"\[learning\]"):
        choose_engines(AnalysisOptions(detector="learned"))


def test_a_detector_file_gives_back_both_networks_and_their_calibration(tmp_path):
    torch.manual_seed(1)
    networks = {NODULES: HeatmapNetwork(SMALL).eval(), MASSES: HeatmapNetwork(SMALL_COARSE).eval()}
    calibration = Calibration({NODULES: (1.5, -0.5), MASSES: (2.0, 0.25)}, 0.4)
    (tmp_path / "again").mkdir()
    for path in (tmp_path / "small.pt", tmp_path / "again" / "small.pt"):
        write_detector(path, networks, calibration, {"steps": 1})
    assert (tmp_path / "small.pt").read_bytes() == (tmp_path / "again" / "small.pt").read_bytes()
    read, same, _hash = read_detector(tmp_path / "small.pt")
    assert same == calibration
    hu = torch.randn(1, 1, 16, 16, 16) * 300 - 600
    for name in (NODULES, MASSES):
        torch.testing.assert_close(read[name](hu), networks[name](hu), rtol=0.02, atol=0.02)


def test_a_detector_for_other_voxels_is_refused(tmp_path):
    networks = {NODULES: HeatmapNetwork(SMALL_COARSE), MASSES: HeatmapNetwork(SMALL_COARSE)}
    write_detector(tmp_path / "coarse.pt", networks, Calibration({NODULES: (1.0, 0.0), MASSES: (1.0, 0.0)}, 0.5), {})
    with pytest.raises(InputError, match=r"voxels of 3 mm, this version at 1 mm"):
        LearnedDetector(weights=tmp_path / "coarse.pt")


def ball_patch(*seen: bool) -> Patch:
    """A patch with a large and a small nodule."""
    return Patch(
        np.zeros((32, 32, 32), np.float32),
        np.array([[10.0, 12.0, 14.0], [24.0, 25.0, 8.0]]),
        np.array([6.0, 2.0]),
        np.array([False, True]),
        np.array(seen or (True, True)),
    )


def perfect_answer(patch: Patch) -> torch.Tensor:
    targets = make_targets([patch])
    answer = torch.zeros(1, 6, 16, 16, 16)
    answer[:, HEAT] = torch.logit(targets.heat.clamp(1e-4, 1 - 1e-4))
    answer[:, SIZE] = targets.size
    answer[:, 2] = torch.where(targets.subsolid > 0.5, 9.0, -9.0)
    answer[:, OFFSET] = targets.offset
    return answer


def test_peaks_of_the_answer_that_is_taught_lie_where_the_nodules_are():
    patch = ball_patch()
    answer = perfect_answer(patch)
    answer[:, [HEAT, 2]] = answer[:, [HEAT, 2]].sigmoid()
    peaks = find_peaks(answer[0].numpy(), np.ones((16, 16, 16), bool))
    order = np.argsort(-peaks.radius)
    np.testing.assert_allclose(peaks.center_kji[order], patch.center_kji, atol=0.01)
    np.testing.assert_allclose(peaks.radius[order], patch.radius, rtol=0.01)
    assert (peaks.subsolid[order] > 0.5).tolist() == [False, True]


def test_the_loss_is_least_for_the_answer_that_is_taught():
    patch = ball_patch()
    right, targets = perfect_answer(patch), make_targets([patch])
    best = float(detector_loss(right, targets))
    for channel, change in ((HEAT, -2.0), (SIZE, 1.0), (OFFSET, 1.0)):
        wrong = right.clone()
        wrong[:, channel] += change
        assert float(detector_loss(wrong, targets)) > best + 0.05
    silent = right.clone()
    silent[:, HEAT] = -5.0
    assert float(detector_loss(silent, targets)) > best + 0.5


def test_a_nodule_nobody_can_see_is_neither_to_be_found_nor_to_be_denied():
    answer = perfect_answer(ball_patch())
    hidden = make_targets([ball_patch(True, False)])
    assert hidden.nodules == 1
    found = float(detector_loss(answer, hidden))
    denied = answer.clone()
    denied[:, HEAT, 9:, 9:, :8] = -5.0
    assert float(detector_loss(denied, hidden)) == pytest.approx(found, abs=0.01)
    assert float(detector_loss(denied, make_targets([ball_patch()]))) > found + 0.2


def test_a_flipped_patch_takes_its_nodules_along():
    patch = ball_patch()
    patch.hu[10, 12, 14] = 500.0
    turned = flipped(patch, np.array([True, False, True]))
    assert turned.hu[tuple(turned.center_kji[0].astype(int))] == 500.0


def small_volume() -> TrainingVolume:
    rng = np.random.default_rng(2)
    shape = (70, 66, 72)
    grid = Grid.around(np.zeros(3), (1.0, 1.0, 1.0), shape[::-1])
    nodules = tuple(PlantedNodule(tuple(rng.uniform(-25, 25, 3)), (4.0, 4.0, 4.0)) for _ in range(6))
    places = np.array([grid.frame_mm(np.array(n.center_ras_mm)) for n in nodules])
    inside = rng.uniform(5, 60, (20, 3))
    hu = rng.normal(-850, 60, shape).astype(np.int16)
    return TrainingVolume(hu, grid, nodules, places, {"imitation": inside, "border": inside, "lung": inside})


def test_a_patch_follows_from_its_seed_and_shows_its_nodules():
    volume = small_volume()
    one, same = (draw_patch(volume, FINE, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.hu, same.hu)
    bright = [one.hu[tuple(np.rint(center).astype(int))] for center in one.center_kji]
    assert len(bright) > 0
    assert min(bright) > -300.0


def stopping_after(steps: int | None) -> Progress:
    """A progress that cancels when it has been asked so many times."""
    asked = iter(range(1000))
    return Progress(is_cancelled=None if steps is None else lambda: next(asked) >= steps)


def test_a_resumed_training_gives_the_weights_of_an_unbroken_one(tmp_path):
    volume = small_volume()
    recipe = DetectorRecipe(
        steps=6, seed=3, bodies=1, batch=1, channels=(4, 8), mined_bodies=1, coarse_every=3, first_bodies=1
    )

    def run(name: str, stops: tuple[int, ...]) -> dict[str, torch.Tensor]:
        folder = tmp_path / name
        folder.mkdir()
        for stop in (*stops, None):
            training = DetectorTraining(folder, recipe, lambda _number, _level: volume)
            try:
                training.run(stopping_after(stop))
            except Cancelled:
                training.save()
        return training.learners[NODULES].kept_weights

    torch.set_num_threads(1)
    whole, broken = run("whole", ()), run("broken", (2, 3))
    assert whole.keys() == broken.keys()
    assert all(torch.equal(whole[name], broken[name]) for name in whole)


def test_a_folder_with_another_training_is_refused(tmp_path):
    recipe = DetectorRecipe(steps=1, bodies=1, batch=1, channels=(4, 8))
    DetectorTraining(tmp_path, recipe, None).save()
    with pytest.raises(InputError, match="other settings"):
        DetectorTraining(tmp_path, DetectorRecipe(steps=2, bodies=1, batch=1, channels=(4, 8)), None)


def test_a_second_mark_on_a_nodule_is_no_false_alarm():
    places = Places(
        np.array([[10.0, 10, 10], [11.0, 10, 10], [40.0, 40, 40]]),
        np.full(3, 8.0),
        np.array([0.5, 0.9, 0.3]),
        np.zeros(3),
        np.zeros(3, bool),
    )
    hits, counts = graded(places, np.array([[10.0, 10, 10]]), np.array([8.0]))
    assert hits.tolist() == [True, True, False]
    assert counts.tolist() == [False, True, True]
