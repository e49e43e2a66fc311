"""Lungs, sides, lobes and airways of a phantom chest with known labels, and the verdicts on odd images."""

from __future__ import annotations

import numpy as np
import pytest

from LungNoduleAILib.anatomy.classical import ClassicalSegmenter
from LungNoduleAILib.model.anatomy import AIRWAY, Anatomy
from LungNoduleAILib.synthesis import SyntheticCT, make_small_chest
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def segment(volume: Volume) -> Anatomy:
    turned = volume.in_lps_order()
    return ClassicalSegmenter().segment(turned.with_array(np.ascontiguousarray(turned.array)), Progress())


def codes(anatomy: Anatomy) -> set[str]:
    return {note.code for note in anatomy.quality}


@pytest.fixture(scope="module")
def chest() -> SyntheticCT:
    return make_small_chest(3, (1.4, 1.4, 2.0), noise_hu=25.0)


@pytest.fixture(scope="module")
def anatomy(chest: SyntheticCT) -> Anatomy:
    return segment(chest.volume)


@pytest.fixture(scope="module")
def truth(chest: SyntheticCT) -> np.ndarray:
    return chest.volume.axis_order_to_lps().apply_array(chest.labels)


def test_lungs_match_the_truth(anatomy: Anatomy, truth: np.ndarray):
    assert dice(anatomy.lungs, (truth > 0) & (truth < AIRWAY)) > 0.97


def test_right_is_right_and_left_is_left(anatomy: Anatomy, truth: np.ndarray):
    assert dice(anatomy.right_lung, (truth >= 1) & (truth <= 3)) > 0.97
    assert dice(anatomy.left_lung, (truth == 4) | (truth == 5)) > 0.97


def test_lobes_are_roughly_where_they_are_and_said_to_be_approximate(anatomy: Anatomy, truth: np.ndarray):
    assert anatomy.lobes_approximate
    for lobe in (1, 3, 4, 5):
        assert dice(anatomy.labels == lobe, truth == lobe) > 0.7


def test_trachea_is_airway_and_not_lung(anatomy: Anatomy, truth: np.ndarray):
    assert dice(anatomy.labels == AIRWAY, truth == AIRWAY) > 0.7


def test_a_whole_chest_gets_the_verdict_ok(anatomy: Anatomy):
    assert codes(anatomy) == {"ok"}


def test_juxtapleural_nodules_belong_to_the_lung(chest: SyntheticCT, anatomy: Anatomy):
    volume = chest.volume.in_lps_order()
    nodules = [nodule for nodule in chest.nodules if nodule.placement == "juxtapleural"]
    assert nodules
    for nodule in nodules:
        k, j, i = np.round(volume.kji_from_ras(np.array(nodule.center_ras_mm))).astype(int)
        assert anatomy.lungs[k, j, i]


def test_a_chest_cut_by_the_field_of_view_keeps_its_lungs(chest: SyntheticCT, truth: np.ndarray):
    volume = chest.volume.in_lps_order()
    inside = np.flatnonzero(((truth > 0) & (truth < AIRWAY)).any(axis=(0, 1)))
    low, high = inside[0] - 6, inside[-1] + 7
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, 3] += low * matrix[:3, 0]
    cut = segment(Volume(volume.array[:, :, low:high], matrix))
    lungs = ((truth > 0) & (truth < AIRWAY))[:, :, low:high]
    assert dice(cut.lungs, lungs) > 0.95


def test_a_crop_with_one_lung_is_said_to_miss_the_other(chest: SyntheticCT, truth: np.ndarray):
    volume = chest.volume.in_lps_order()
    middle = int(np.argwhere((truth == 4) | (truth == 5))[:, 2].min())
    crop = segment(Volume(volume.array[:, :, : middle - 2], volume.ijk_to_ras))
    missing = next(note for note in crop.quality if note.code == "one_lung_missing")
    assert missing.severity == "error"
    assert "Only the right lung" in missing.text
    assert crop.right_lung.sum() > 0.9 * ((truth >= 1) & (truth <= 3)).sum()


def test_lungs_that_run_out_of_the_scan_are_said_to_be_cut(chest: SyntheticCT):
    volume = chest.volume.in_lps_order()
    half = segment(Volume(volume.array[: volume.array.shape[0] // 2], volume.ijk_to_ras))
    assert "cut_by_field_of_view" in codes(half)


@pytest.mark.parametrize("kind", ["empty air", "a block of tissue", "a head"])
def test_an_image_without_lungs_is_not_given_lungs(kind: str):
    array = np.full((60, 96, 96), -1000, np.int16)
    k, j, i = np.ogrid[:60, :96, :96]
    if kind == "a block of tissue":
        array[:, 20:80, 20:80] = 40
    if kind == "a head":
        skull = ((k - 30) / 28) ** 2 + ((j - 48) / 40) ** 2 + ((i - 48) / 34) ** 2
        array[skull < 1] = 900
        array[skull < 0.85] = 35
        array[((k - 20) / 4) ** 2 + ((j - 20) / 8) ** 2 + ((i - 48) / 8) ** 2 < 1] = -1000  # a sinus
    anatomy = segment(Volume(array, np.diag([-2.2, -2.2, 2.5, 1.0])))
    assert not anatomy.labels.any()
    assert [note.code for note in anatomy.quality if note.severity == "error"] == ["not_a_chest"]


@pytest.fixture(scope="module")
def body_under_a_blanket(chest: SyntheticCT) -> Volume:
    """The chest with a head above it, and over both a blanket with folds: what a PET/CT shows."""
    volume = chest.volume.in_lps_order()
    array = np.array(volume.array)
    head = np.full((45, *array.shape[1:]), -1000, array.dtype)
    j, i = np.indices(array.shape[1:])
    middle_j, middle_i = (np.array(array.shape[1:]) - 1) / 2
    _, dj, di = volume.spacing_kji_mm
    head[:, np.hypot((j - middle_j) * dj, (i - middle_i) * di) < 80.0] = 40
    stacked = np.concatenate([array, head])
    random = np.random.default_rng(5)
    for k, plane in enumerate(stacked):
        across = np.hypot((j - middle_j) * dj / 130.0, (i - middle_i) * di / 175.0)
        under = (across < 1.0) & (plane < -900)
        plane[under] = -935 + random.normal(0, 15, under.sum())  # scattered rays lift the air under it
        plane[(np.abs(across - 1.0) < 0.012) & (plane < -500)] = -150
        fold = (np.abs(across - 0.93) < 0.01) & (np.sin(k / 4.0 + 9.0 * np.arctan2(j - middle_j, i - middle_i)) > 0.6)
        plane[fold & (plane < -500)] = -150
    return Volume(stacked, volume.ijk_to_ras)


def test_air_under_a_blanket_is_not_lung(body_under_a_blanket: Volume, anatomy: Anatomy):
    covered = segment(body_under_a_blanket)
    slices = anatomy.labels.shape[0]
    assert not covered.lungs[slices:].any()
    assert dice(covered.lungs[:slices], anatomy.lungs) > 0.98


@pytest.mark.slow
def test_air_under_a_blanket_is_not_lung_to_the_network_either(body_under_a_blanket: Volume, anatomy: Anatomy):
    pytest.importorskip("torch")
    from LungNoduleAILib.anatomy.learned.segmenter import LearnedSegmenter

    covered = LearnedSegmenter().segment(body_under_a_blanket, Progress())
    slices = anatomy.labels.shape[0]
    assert not covered.lungs[slices:].any()
    assert dice(covered.lungs[:slices], anatomy.lungs) > 0.95
