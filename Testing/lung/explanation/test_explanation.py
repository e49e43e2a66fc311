"""Why the detector sees a nodule: the map lies on the nodule and passes its own tests."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("torch")

from LungNoduleAILib.detection.detector_file import read_detector
from LungNoduleAILib.detection.two_levels import MASSES, NODULES
from LungNoduleAILib.explanation import faithfulness, occlusion
from LungNoduleAILib.explanation.detector_patch import DetectorPatch, PatchScore, confidence
from LungNoduleAILib.explanation.explain import Explanation, explain_nodule
from LungNoduleAILib.explanation.faithfulness import rank_correlation, shuffled
from LungNoduleAILib.explanation.moved import WORDS, moved_by
from LungNoduleAILib.explanation.occlusion import Blocks, covered
from LungNoduleAILib.measurement.appearance import FEATURES
from LungNoduleAILib.measurement.judgement import judged_terms, load_judgement
from LungNoduleAILib.synthesis import make_ellipsoid
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError

DIAMETER_MM = 10.0


@pytest.fixture(scope="module")
def phantom():
    return make_ellipsoid(DIAMETER_MM, spacing_mm=(0.8, 0.8, 1.25), noise_hu=20.0, seed=3, block_mm=60.0)


@pytest.fixture(scope="module", autouse=True)
def few_questions():
    """Fewer and larger steps than the product takes, so that the tests are quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occlusion, "BLOCKS_ACROSS", 3)
        patch.setattr(faithfulness, "RANDOM_ORDERS", 1)
        yield


@pytest.fixture(scope="module")
def explained(phantom) -> Explanation:
    return explain_nodule(phantom.volume, phantom.nodule.center_ras_mm, DIAMETER_MM)


def test_the_detector_is_sure_of_the_nodule_that_is_there_and_not_of_the_lung_beside(phantom):
    networks, calibration, _ = read_detector()
    score = PatchScore(networks[NODULES], calibration, NODULES)
    patch = DetectorPatch.around(phantom.volume.in_lps_order(), phantom.nodule.center_ras_mm, DIAMETER_MM)
    lung = np.full_like(patch.hu, patch.lung_hu)
    there, beside = confidence(score.log_odds(np.stack([patch.hu, lung])))
    assert there > 0.5
    assert beside < 0.1


def test_the_most_important_place_lies_in_the_nodule(phantom, explained):
    place = np.unravel_index(int(np.argmax(explained.importance)), explained.importance.shape)
    ras = explained.patch.grid.ijk_to_ras @ [*place[::-1], 1.0]
    assert np.linalg.norm(ras[:3] - phantom.nodule.center_ras_mm) < DIAMETER_MM / 2
    assert explained.importance.max() > 1.0


def test_a_true_map_passes_its_tests(explained):
    curves = explained.faithfulness
    assert curves.deletion[0] == pytest.approx(explained.confidence, abs=1e-5)
    assert curves.insertion[-1] == pytest.approx(explained.confidence, abs=1e-5)
    assert curves.deletion_area < curves.random_deletion
    assert curves.insertion[2] > 0.5
    assert abs(explained.shuffled_correlation) < 0.3
    assert explained.is_faithful


def test_the_patch_lies_where_the_nodule_is_and_its_middle_is_dense(phantom):
    patch = DetectorPatch.around(phantom.volume.in_lps_order(), phantom.nodule.center_ras_mm, DIAMETER_MM)
    middle = patch.grid.ijk_to_ras @ [*(np.array(patch.hu.shape[::-1]) - 1) / 2, 1.0]
    assert middle[:3] == pytest.approx(phantom.nodule.center_ras_mm, abs=1e-6)
    side = patch.hu.shape[0] // 2
    assert patch.hu[side - 1 : side + 1, side - 1 : side + 1, side - 1 : side + 1].mean() > -300
    assert -950 < patch.lung_hu < -700


def test_a_mass_is_explained_by_the_network_of_masses(phantom):
    patch = DetectorPatch.around(phantom.volume.in_lps_order(), phantom.nodule.center_ras_mm, 40.0)
    assert patch.level == MASSES
    assert patch.spacing_mm == pytest.approx(3.0)
    assert np.linalg.norm(patch.grid.ijk_to_ras[:3, 0]) == pytest.approx(3.0)


def test_what_is_covered_becomes_lung_and_the_rest_stays():
    hu = np.full((48, 48, 48), 40.0, np.float32)
    patch = DetectorPatch(hu, None, NODULES, -850.0)
    blocks = Blocks.of(patch, DIAMETER_MM)
    cover = blocks.cover(0)
    changed = covered(hu, cover, -850.0)
    assert changed[cover == 1] == pytest.approx(-850.0)
    assert (changed[cover == 0] == 40.0).all()
    together = np.max([blocks.cover(n) for n in range(len(blocks.centers))], axis=0)
    assert (together[blocks.region] > 0.5).all()


def test_shuffled_weights_are_the_same_numbers_in_another_place_and_the_network_given_stays():
    import torch

    network = read_detector()[0][NODULES]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    other = shuffled(network, 1)
    for name, value in network.named_parameters():
        assert torch.equal(value, before[name])
        assert torch.equal(value.flatten().sort()[0], other.get_parameter(name).flatten().sort()[0])
    assert not torch.equal(network.stem[0][0].weight, other.stem[0][0].weight)


def test_a_constant_map_correlates_with_nothing():
    assert rank_correlation(np.zeros(9), np.arange(9.0)) == 0.0
    assert rank_correlation(np.arange(9.0), np.arange(9.0) ** 3) == pytest.approx(1.0)


def test_what_moved_the_suspicion_adds_up_to_the_rating():
    judgement = load_judgement()
    random = np.random.default_rng(0)
    for _ in range(20):
        looks = dict(zip(FEATURES, random.normal(0, 3, len(FEATURES)), strict=True))
        mean, moved = moved_by(judgement, looks)
        assert mean + sum(m.points for m in moved) == pytest.approx(float(judgement.rating(judged_terms(looks))))
    assert set(WORDS) == set(FEATURES)


def test_a_point_outside_of_the_image_is_refused(phantom):
    with pytest.raises(InputError, match="outside of the image"):
        explain_nodule(phantom.volume, (900.0, 0.0, 0.0), DIAMETER_MM)


def test_the_command_writes_map_picture_and_numbers_where_the_nodule_lies(phantom, tmp_path, capsys):
    from ThoraxAILib.registration.itk_images import itk_image

    sitk.WriteImage(itk_image(phantom.volume), str(tmp_path / "ct.nrrd"))
    at = ",".join(f"{x:.2f}" for x in phantom.nodule.center_ras_mm)
    words = ["lung", "explain", str(tmp_path / "ct.nrrd"), f"--at={at}", "--diameter", "10"]
    assert main([*words, "--output", str(tmp_path / "out")]) == 0
    numbers = json.loads((tmp_path / "out" / "explanation.json").read_text())
    assert numbers["is_faithful"] is True
    assert len(numbers["suspicion"]["moved"]) == len(FEATURES)
    image = sitk.ReadImage(str(tmp_path / "out" / "importance.nrrd"))
    strongest = np.unravel_index(int(np.argmax(sitk.GetArrayFromImage(image))), image.GetSize()[::-1])
    x, y, z = image.TransformIndexToPhysicalPoint([int(n) for n in strongest[::-1]])
    assert np.linalg.norm(np.array([-x, -y, z]) - phantom.nodule.center_ras_mm) < DIAMETER_MM / 2
    assert (tmp_path / "out" / "explanation.png").stat().st_size > 1000
    told = capsys.readouterr()
    assert "shuffled weights" in told.out
    assert not (tmp_path / "out" / "importance.pm.dcm").exists()
    assert "No DICOM Parametric Map was written" in told.out + told.err


def test_a_nodule_that_nobody_named_is_asked_for(tmp_path, phantom, capsys):
    from ThoraxAILib.registration.itk_images import itk_image

    sitk.WriteImage(itk_image(phantom.volume), str(tmp_path / "ct.nrrd"))
    assert main(["lung", "explain", str(tmp_path / "ct.nrrd"), "--output", str(tmp_path / "out")]) == 2
    assert "give --at and --diameter" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--at", "0,0,0", "--diameter", "1e9"), "The diameter must be at most 200 mm"),
        (("--findings", "none.json", "--finding", "N1"), "There is no file 'none.json' in 'asked'"),
        (("--findings", "list.json", "--finding", "N1"), "list.json in 'asked' is damaged"),
        (("--findings", "analysis", "--finding", "N1"), "There is no file 'findings.json' in 'analysis'"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch, capsys, words, told):
    from ThoraxAILib.image.volume import Volume
    from ThoraxAILib.io.transform_files import write_image

    folder = tmp_path / "asked"
    (folder / "analysis").mkdir(parents=True)
    (folder / "list.json").write_text("[1, 2]", encoding="utf-8")
    write_image(Volume(np.zeros((8, 8, 8), np.int16), np.diag([-1.0, -1.0, 1.0, 1.0])), folder / "ct.nrrd")
    monkeypatch.chdir(folder)
    assert main(["lung", "explain", "ct.nrrd", "--output", "out", *words]) == 2
    assert told in capsys.readouterr().err
    assert not (folder / "out").exists()
