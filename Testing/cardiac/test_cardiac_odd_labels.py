"""Labels as people have them, incomplete or stored in an unusual way, are carried like any others."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacBiomechLib.model.heart_labels import ACDC, heart_labels
from CardiacBiomechLib.motion.demons_engine import DemonsEngine
from CardiacBiomechLib.motion.engines import ENGINES
from CardiacBiomechLib.motion.propagate import propagate
from CardiacBiomechLib.synthesis.cine import Scanner, acquire
from CardiacBiomechLib.synthesis.groups import draw
from ThoraxAILib.cli.main import main
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.itk_images import itk_image

SCANNER = Scanner(shape_kji=(8, 48, 48), spacing_kji_mm=(10.0, 3.2, 3.2), samples_per_slice=1)
MIDDLE = 4


@pytest.fixture(scope="module")
def frames():
    """End-diastole and end-systole of a phantom."""
    return acquire(draw("NOR", np.random.default_rng(1)), SCANNER, np.array([0.0, 1.0]), 1)


def half_of_the_right(labels: np.ndarray) -> np.ndarray:
    labels[: labels.shape[0] // 2][labels[: labels.shape[0] // 2] == ACDC.rv] = 0
    return labels


def open_septum(labels: np.ndarray) -> np.ndarray:
    wall = np.argwhere(labels[MIDDLE] == ACDC.myocardium)
    labels[MIDDLE][tuple(wall[wall[:, 1] > np.quantile(wall[:, 1], 0.9)].T)] = 0
    return labels


def cut_wall(labels: np.ndarray) -> np.ndarray:
    heart = np.argwhere(labels == ACDC.myocardium)
    labels[:, : int(heart[:, 1].min()) + 3] = 0
    return labels


@pytest.mark.parametrize("change", [half_of_the_right, open_septum, cut_wall], ids=lambda change: change.__name__)
def test_labels_that_are_incomplete_in_a_usual_way_are_carried(frames, change):
    labels = frames[0].labels.with_array(change(frames[0].labels.array.copy()))
    assert heart_labels(labels) == ACDC
    found = propagate(frames[0].image, labels, frames[1].image, DemonsEngine())
    assert set(np.unique(found.labels.array)) == {0, 1, 2, 3}
    assert (found.labels.array == ACDC.lv).sum() < (labels.array == ACDC.lv).sum()


def test_two_slices_are_enough_to_carry_labels(frames):
    def two(volume: Volume) -> Volume:
        return type(volume)(volume.array[MIDDLE : MIDDLE + 2], volume.ijk_to_ras, volume.modality)

    labels = two(frames[0].labels)
    found = propagate(two(frames[0].image), labels, two(frames[1].image), DemonsEngine()).labels
    assert (found.array == ACDC.lv).sum() < (labels.array == ACDC.lv).sum()


def nearly_whole(image: sitk.Image) -> sitk.Image:
    return sitk.Cast(image, sitk.sitkFloat64) - 1e-7 * sitk.Cast(image == ACDC.lv, sitk.sitkFloat64)  # 2.9999999


def four_dimensional(image: sitk.Image) -> sitk.Image:
    return sitk.JoinSeries([image])


def beside_the_image(image: sitk.Image) -> sitk.Image:
    image.SetOrigin([value + 0.05 for value in image.GetOrigin()])
    return image


@pytest.mark.parametrize("change", [nearly_whole, four_dimensional, beside_the_image], ids=lambda one: one.__name__)
def test_label_files_that_differ_in_how_they_are_stored_are_read(frames, tmp_path, change):
    names = [str(tmp_path / name) for name in ("still.nii.gz", "labels.nii.gz", "moved.nii.gz", "out.nii.gz")]
    sitk.WriteImage(itk_image(frames[0].image), names[0])
    sitk.WriteImage(change(sitk.Cast(itk_image(frames[0].labels), sitk.sitkUInt8)), names[1])
    sitk.WriteImage(itk_image(frames[1].image), names[2])
    options = ["--engine", "demons", "--guide", "none", "--report", str(tmp_path / "report.json")]
    assert main(["cardiac", "propagate", *names[:3], "--output", names[3], *options]) == 0
    assert set(np.unique(sitk.GetArrayFromImage(sitk.ReadImage(names[3])))) == {0, 1, 2, 3}


def test_the_cascade_is_offered_with_its_weakness():
    (cascade,) = [engine for engine in ENGINES if engine.name == "cascade"]
    assert "too little where slices lie far apart" in cascade.description
