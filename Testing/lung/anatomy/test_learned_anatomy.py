"""The learned anatomy on bodies it never saw: lungs with their masses, lobes, organs, and images without a chest."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

from LungNoduleAILib.analysis.engines import ANATOMY_SEGMENTER, REGISTRY, choose_anatomy
from LungNoduleAILib.anatomy.learned.prediction import WEIGHTS
from LungNoduleAILib.anatomy.quality import is_no_chest
from LungNoduleAILib.model.anatomy import AIRWAY, AORTA, BODY, BONE, HEART, LLL, LUNG_VESSEL, RUL, SPINE, Anatomy
from LungNoduleAILib.synthesis import NodulePlanter, make_body, make_other_body
from LungNoduleAILib.synthesis.model import structures
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.model.structures import OTHER_BODY, OTHER_BONE
from LungNoduleAILib.synthesis.nodules.share import nodule_share, paint_into
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

pytest.importorskip("torch")

SPACING = (2.5, 2.5, 2.5)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def segment(array: np.ndarray, body: Body, name: str = "learned") -> Anatomy:
    noisy = array + np.random.default_rng(4).normal(0, 15, array.shape)
    volume = Volume(np.clip(noisy, -1024, 3071).astype(np.int16), body.grid.ijk_to_ras)
    return choose_anatomy(name).anatomy.made.segment(volume, Progress())


@pytest.fixture(scope="module")
def chest() -> Body:
    return make_body(8101, "training", SPACING)


@pytest.fixture(scope="module")
def anatomy(chest: Body) -> Anatomy:
    return segment(chest.clean_hu, chest)


def test_lungs_and_their_sides_match_the_truth(anatomy: Anatomy, chest: Body):
    assert dice(anatomy.lungs, (chest.labels >= RUL) & (chest.labels <= LLL)) > 0.95
    assert dice(anatomy.right_lung, (chest.labels >= 1) & (chest.labels <= 3)) > 0.95
    assert dice(anatomy.left_lung, (chest.labels >= 4) & (chest.labels <= 5)) > 0.95


def test_lobes_are_where_they_are_and_said_to_be_approximate(anatomy: Anatomy, chest: Body):
    assert anatomy.lobes_approximate
    assert "network" in anatomy.lobes_how
    found = [dice(anatomy.labels == lobe, chest.labels == lobe) for lobe in range(RUL, LLL + 1)]
    assert np.mean(found) > 0.8
    assert min(found) > 0.5  # the right oblique fissure of this body lies far from where most have it


@pytest.mark.parametrize(("organ", "least"), [(HEART, 0.8), (AORTA, 0.6), (SPINE, 0.6), (BONE, 0.5)])
def test_organs_around_the_lungs_are_found(anatomy: Anatomy, chest: Body, organ: int, least: float):
    assert dice(anatomy.structures == organ, chest.structures == organ) > least


def test_structures_and_labels_say_the_same_about_the_lungs(anatomy: Anatomy):
    inside = np.isin(anatomy.structures, (*range(RUL, AIRWAY + 1), LUNG_VESSEL))
    assert (inside == (anatomy.labels > 0)).all()
    kept = (anatomy.structures > 0) & (anatomy.structures <= AIRWAY)
    assert (anatomy.structures[kept] == anatomy.labels[kept]).all()


def test_segmenter_and_synthetic_body_mean_the_same_values():
    assert (LUNG_VESSEL, HEART, AORTA, SPINE) == (
        structures.LUNG_VESSEL,
        structures.HEART,
        structures.AORTA,
        structures.SPINE,
    )
    assert (BONE, BODY) == (OTHER_BONE, OTHER_BODY)


def test_a_mass_belongs_to_the_lung(chest: Body):
    rng = np.random.default_rng(3)
    mass = NodulePlanter(chest).draw(rng, diameter_mm=50.0, type="solid", placement="isolated")
    hu = chest.clean_hu.astype(np.float32)
    paint_into(hu, chest.grid, mass)
    box, share = nodule_share(chest.grid, mass)
    inside = (share > 0.5) & (chest.labels[box] >= RUL) & (chest.labels[box] <= LLL)
    assert inside.sum() > 500
    assert segment(hu, chest).lungs[box][inside].mean() > 0.9


@pytest.mark.parametrize("padding", [-1024, -2048])
def test_lungs_are_found_inside_a_round_field_of_view(chest: Body, padding: int):
    _, rows, columns = chest.clean_hu.shape
    j, i = np.ogrid[:rows, :columns]
    beyond = np.hypot(j - rows / 2, i - columns / 2) > 0.42 * columns
    truth = (chest.labels >= RUL) & (chest.labels <= LLL) & ~beyond
    noisy = chest.clean_hu + np.random.default_rng(4).normal(0, 15, chest.clean_hu.shape)
    noisy[:, beyond] = padding
    volume = Volume(noisy.astype(np.int16), chest.grid.ijk_to_ras)
    assert dice(choose_anatomy("learned").anatomy.made.segment(volume, Progress()).lungs, truth) > 0.93


@pytest.mark.parametrize("name", ["learned", "classical"])
@pytest.mark.parametrize("kind", ["abdomen", "head", "knee"])
def test_other_parts_of_the_body_are_given_no_lungs(kind: str, name: str):
    body = make_other_body(8200, kind, (3.0, 3.0, 3.0))
    found = segment(body.clean_hu, body, name)
    assert is_no_chest(found.quality)
    assert not found.labels.any()


def test_a_few_slices_do_no_harm(chest: Body):
    volume = Volume(np.ascontiguousarray(chest.clean_hu[40:43]), chest.grid.ijk_to_ras)
    assert choose_anatomy("learned").anatomy.made.segment(volume, Progress()).labels.shape == volume.array.shape


def test_without_pytorch_the_classical_segmenter_runs_and_the_reason_is_told(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    chosen = choose_anatomy("auto").anatomy
    assert chosen.name == "classical"
    assert "PyTorch is not installed" in chosen.reason


def test_segmenters_have_names_and_descriptions(refused):
    names = REGISTRY.names(ANATOMY_SEGMENTER)
    assert names[:3] == ("auto", "learned", "classical")  # those of the suite stand before those of others
    assert {"monai-wholebody", "monai-wholebody-3mm", "totalsegmentator", "totalsegmentator-3mm"} <= set(names)
    assert all(REGISTRY.description(ANATOMY_SEGMENTER, name) for name in names)
    with refused("choose one of auto, learned, classical"):
        choose_anatomy("best")


def test_the_shipped_weights_are_small_and_say_how_they_were_made():
    from ThoraxAILib.networks.weights_file import load_weights

    weights = load_weights(WEIGHTS, "thoraxai.lung-anatomy/1", "thoraxai lung train anatomy")
    assert WEIGHTS.stat().st_size < 10e6
    assert weights.note["recipe"]["seed"] >= 0
    assert len(weights.note["classes"]) == weights.settings["classes"] == 13


def test_the_command_names_the_segmenter_in_its_record(small_chest, tmp_path):
    from LungNoduleAILib.synthesis import write_phantom
    from ThoraxAILib.cli.main import main

    write_phantom(small_chest, tmp_path)
    how = ["--anatomy", "classical", "--detector", "classical", "--scene", "none"]
    status = main(["lung", "analyze", str(tmp_path / "ct.nrrd"), "--output", str(tmp_path / "out"), *how])
    assert status == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert run["options"]["anatomy"] == "classical"
    assert run["results"]["methods"]["anatomy"] == "classical"
    model = next(model for model in run["models"] if model["role"] == "anatomy")
    assert (model["name"], model["fingerprint"], model["device"]) == ("classical", "lungs-2", "cpu")


def test_an_averaged_body_lies_where_the_fine_one_does():
    from LungNoduleAILib.training.labels.anatomy_samples import averaged

    fine = make_body(8103, "training", (5.0, 5.0, 5.0))
    coarse = averaged(fine, 2)
    assert coarse.clean_hu.shape == tuple(n // 2 for n in fine.clean_hu.shape)
    corners = np.array([[i, j, k, 1] for i in (4, 5) for j in (6, 7) for k in (8, 9)])
    assert np.allclose(coarse.grid.ijk_to_ras @ [2, 3, 4, 1], (corners @ fine.grid.ijk_to_ras.T).mean(axis=0))
    block = (slice(8, 10), slice(6, 8), slice(4, 6))
    assert abs(coarse.clean_hu[4, 3, 2] - fine.clean_hu[block].mean()) <= 0.5
    eighths = [
        fine.structures[k::2, j::2, i::2][tuple(slice(0, n) for n in coarse.structures.shape)]
        for k in (0, 1)
        for j in (0, 1)
        for i in (0, 1)
    ]
    same = np.all([part == eighths[0] for part in eighths], axis=0)
    assert same.mean() > 0.5
    assert (coarse.structures[same] == eighths[0][same]).all()
    assert np.bincount(fine.structures[block].ravel()).argmax() == coarse.structures[4, 3, 2]
