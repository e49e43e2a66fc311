"""A detector learns from one's own CT: patches show the annotated nodules where they are said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from LungNoduleAILib.detection.two_levels import SPACING_MM  # noqa: E402
from LungNoduleAILib.training.detector.batches import DetectorRecipe  # noqa: E402
from LungNoduleAILib.training.detector.patches import draw_patch  # noqa: E402
from LungNoduleAILib.training.detector.real_cases import CaseVolumes, MixedVolumes, mix_in  # noqa: E402
from LungNoduleAILib.training.detector.train import DetectorTraining  # noqa: E402
from LungNoduleAILib.training.detector.training_volumes import COARSE, FINE  # noqa: E402
from LungNoduleAILib.training.request import TrainingRequest  # noqa: E402
from ThoraxAILib.cli.main import main  # noqa: E402
from ThoraxAILib.errors import InputError  # noqa: E402
from ThoraxAILib.jobs.progress import Progress  # noqa: E402

UNUSABLE = "9.9"


@pytest.fixture(scope="module")
def data(small_chest, tmp_path_factory) -> Path:
    """A LUNA16 folder with a synthetic chest as its only usable scan, stored with flipped axes."""
    folder = tmp_path_factory.mktemp("luna")
    (folder / "subset0").mkdir()
    volume = small_chest.volume
    image = sitk.GetImageFromArray(volume.array)
    matrix = np.diag([-1.0, -1.0, 1.0]) @ volume.ijk_to_ras[:3, :3]
    image.SetSpacing([float(mm) for mm in volume.spacing_ijk_mm])
    image.SetDirection((matrix / volume.spacing_ijk_mm).ravel().tolist())
    image.SetOrigin((np.array([-1.0, -1.0, 1.0]) * volume.ijk_to_ras[:3, 3]).tolist())
    sitk.WriteImage(sitk.Flip(image, [True, False, True]), str(folder / "subset0" / "1.2.mhd"))
    noise = np.random.default_rng(0).normal(0, 30, (40, 40, 40)).astype(np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(folder / "subset0" / f"{UNUSABLE}.mhd"))
    rows = ["seriesuid,coordX,coordY,coordZ,diameter_mm"]
    for nodule in small_chest.nodules:
        r, a, s = nodule.center_ras_mm
        rows.append(f"1.2,{-r},{-a},{s},{nodule.diameter_mm}")
    (folder / "annotations.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    """The folder of a training."""
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def volumes(data, output) -> CaseVolumes:
    """The volumes of that data."""
    return CaseVolumes(data, output / "cases", 1, Progress())


def test_cases_without_lungs_are_left_out(volumes):
    assert len(volumes) == 1


def test_annotated_nodules_lie_where_the_image_shows_them(volumes, small_chest):
    volume = volumes(0, FINE)
    taught = [n for n in small_chest.nodules if FINE.diameters_mm[0] <= n.diameter_mm <= FINE.diameters_mm[1]]
    assert len(volume.places_kji) == len(taught) > 0
    for place, radius, nodule in zip(volume.places_kji, volume.radius, taught, strict=True):
        assert radius * SPACING_MM == pytest.approx(nodule.diameter_mm / 2)
        found = volume.hu[tuple(np.rint(place).astype(int))]
        there = small_chest.volume.kji_from_ras(np.array(nodule.center_ras_mm))
        wanted = small_chest.volume.array[tuple(np.rint(there).astype(int))]
        assert abs(float(found) - float(wanted)) < 350
    solid = [
        place
        for place, nodule in zip(volume.places_kji, taught, strict=True)
        if nodule.type == "solid" and nodule.diameter_mm > 8
    ]
    assert solid
    assert min(volume.hu[tuple(np.rint(place).astype(int))] for place in solid) > -300


def test_the_coarse_level_shows_the_same_places(volumes):
    fine, coarse = volumes(0, FINE), volumes(0, COARSE)
    ras = fine.grid.ijk_to_ras[:3, :3] @ fine.places_kji[0][::-1] + fine.grid.ijk_to_ras[:3, 3]
    everything = np.vstack([coarse.places_kji, coarse.others_kji])
    again = [coarse.grid.ijk_to_ras[:3, :3] @ place[::-1] + coarse.grid.ijk_to_ras[:3, 3] for place in everything]
    assert min(np.linalg.norm(np.array(again) - ras, axis=1)) < 1e-6
    assert coarse.grid.spacing_kji_mm == pytest.approx(np.full(3, 3 * SPACING_MM))


@pytest.mark.parametrize("level", [FINE, COARSE], ids=lambda level: level.name)
def test_a_patch_follows_from_its_seed_and_teaches_every_nodule_in_it(volumes, level):
    volume = volumes(0, level)
    with_nodules = 0
    for seed in range(12):
        one, same = (draw_patch(volume, level, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(one.hu, same.hu)
        assert one.hu.shape == (level.patch,) * 3
        assert len(one.center_kji) == len(one.radius) == len(one.subsolid)
        with_nodules += bool(len(one.radius))
    assert with_nodules >= 3 * bool(len(volume.radius))


def test_a_second_run_takes_the_prepared_cases_and_other_data_are_refused(data, volumes, output, monkeypatch):
    monkeypatch.setattr("LungNoduleAILib.training.detector.real_cases.prepare_case", refuse)
    first, again = volumes(0, FINE), CaseVolumes(data, output / "cases", 1, Progress())(0, FINE)
    assert np.array_equal(first.hu, again.hu)
    assert all(np.array_equal(first.centers[name], again.centers[name]) for name in first.centers)
    (data / "subset0" / "1.3.mhd").write_bytes((data / "subset0" / "1.2.mhd").read_bytes())
    try:
        with pytest.raises(InputError, match="training on other data"):
            CaseVolumes(data, output / "cases", 1, Progress())
    finally:
        (data / "subset0" / "1.3.mhd").unlink()


def refuse(case):
    """Stands for the preparation of a case that must not be prepared again."""
    if case.name != UNUSABLE:
        raise AssertionError(f"{case.name} is prepared again")
    raise InputError("No lungs were found.")


class Bodies:
    """Stands for synthetic bodies: tells which one was asked for."""

    def __call__(self, number, _level):
        return f"body {number}"


def test_cases_and_bodies_come_in_turn_and_the_fewer_ones_again(volumes):
    mixed = MixedVolumes(volumes, Bodies(), 3)
    assert len(mixed) == 6
    asked = [mixed(number, FINE) for number in range(6)]
    assert asked[1::2] == ["body 0", "body 1", "body 2"]
    assert all(volume is volumes(0, FINE) for volume in asked[::2])


def test_a_request_with_data_mixes_them_in_and_the_recipe_counts_them(data, volumes, output):
    mixed, recipe = mix_in(TrainingRequest(output, data=data), DetectorRecipe(bodies=4, seed=1), Bodies(), Progress())
    assert recipe.bodies == len(mixed) == 8
    assert np.array_equal(mixed(2, FINE).hu, volumes(0, FINE).hu)
    assert mixed(7, FINE) == "body 3"


def test_the_training_takes_steps_on_cases(volumes, tmp_path):
    recipe = DetectorRecipe(
        steps=2, seed=3, bodies=1, batch=1, channels=(4, 8), mined_bodies=1, mine_at=0.5, coarse_every=2
    )
    training = DetectorTraining(tmp_path, recipe, volumes)
    training.run(Progress())
    assert training.step == 2
    assert set(training.mined) == {0}
    assert all(np.isfinite(values).all() and len(values) == 1 for values in training.losses.values())


def test_only_trainings_that_take_data_offer_it(capsys, tmp_path):
    assert main(["lung", "train", "detector", "--help"]) == 0
    assert "--data PATH" in capsys.readouterr().out
    assert main(["lung", "train", "anatomy", "--output", str(tmp_path), "--data", str(tmp_path)]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["lung", "train", "detector", "--output", str(tmp_path / "out"), "--data", str(tmp_path)]) == 2
    assert "holds no annotations" in capsys.readouterr().err
