"""Ellipsoids of known volume: rendered mass equals the analytic volume on any slices, blur and orientation."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungNoduleAILib.synthesis import PlantedNodule, make_ellipsoid, make_small_chest, write_phantom
from LungNoduleAILib.synthesis.test_phantom.ellipsoid import LUNG_HU
from ThoraxAILib.errors import InputError, OutputError


def measured_mm3(phantom) -> float:
    """Volume from the whole added signal."""
    contrast = phantom.volume.array.astype(float) - LUNG_HU
    return float(contrast.sum() * phantom.volume.voxel_mm3 / (phantom.nodule.hu - LUNG_HU))


@pytest.mark.parametrize("diameter_mm", [4.0, 6.0, 12.0, 30.0])
@pytest.mark.parametrize("slice_mm", [0.6, 1.25, 2.5])
def test_the_rendered_mass_is_the_analytic_volume(diameter_mm: float, slice_mm: float):
    phantom = make_ellipsoid(diameter_mm, spacing_mm=(0.7, 0.7, slice_mm), noise_hu=0)
    assert phantom.nodule.volume_mm3 == pytest.approx(np.pi / 6 * diameter_mm**3)
    assert measured_mm3(phantom) == pytest.approx(phantom.nodule.volume_mm3, rel=0.01)


def test_a_tilted_ellipsoid_on_a_tilted_grid_keeps_its_volume_and_place():
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    phantom = make_ellipsoid(
        semi_axes_mm=(9, 5, 4),
        axes_ras=turn.T,
        direction=turn[:, [2, 0, 1]],
        noise_hu=0,
        center_offset_mm=(2.2, -3.1, 0.7),
    )
    assert measured_mm3(phantom) == pytest.approx(phantom.nodule.volume_mm3, rel=0.01)
    weight = phantom.volume.array.astype(float) - LUNG_HU
    places = phantom.volume.ras_from_kji(np.moveaxis(np.indices(weight.shape), 0, -1))
    center = (places * weight[..., None]).sum(axis=(0, 1, 2)) / weight.sum()
    np.testing.assert_allclose(center, (2.2, -3.1, 0.7), atol=0.02)


@pytest.mark.parametrize("noise_hu", [10.0, 25.0, 50.0])
def test_noise_has_its_deviation_and_no_offset(noise_hu: float):
    phantom = make_ellipsoid(6.0, noise_hu=noise_hu)
    lung = phantom.volume.array[:12].astype(float)
    assert lung.std() == pytest.approx(noise_hu, rel=0.06)
    assert lung.mean() == pytest.approx(LUNG_HU, abs=1)


def test_the_center_lies_a_random_part_of_a_voxel_from_the_middle():
    first, second = (make_ellipsoid(6.0, seed=seed).nodule.center_ras_mm for seed in (1, 2))
    assert first != second
    assert (np.abs(first) <= np.array([0.35, 0.35, 0.5])).all()


def test_either_diameter_or_semi_axes_must_be_given():
    with pytest.raises(InputError, match="either"):
        make_ellipsoid()


def test_axial_axes_of_a_turned_ellipsoid_are_those_of_its_section():
    upright = PlantedNodule((0, 0, 0), (6.0, 4.0, 3.0))
    assert upright.axial_axes_mm() == pytest.approx((12.0, 8.0))
    standing = PlantedNodule((0, 0, 0), (6.0, 4.0, 3.0), axes_ras=((0, 0, 1), (1, 0, 0), (0, 1, 0)))
    assert standing.axial_axes_mm() == pytest.approx((8.0, 6.0))


def test_a_part_solid_nodule_knows_its_core():
    nodule = PlantedNodule((0, 0, 0), (8.0, 8.0, 8.0), "part-solid", -600.0, core_semi_axes_mm=(4.0, 4.0, 4.0))
    assert nodule.core_volume_mm3 == pytest.approx(nodule.volume_mm3 / 8)
    assert nodule.mean_hu == pytest.approx(-600 + 620 / 8)


def test_the_written_phantom_opens_again_in_place(tmp_path: Path):
    phantom = make_small_chest(seed=1, spacing_mm=(4.0, 4.0, 4.0))
    write_phantom(phantom, tmp_path / "case")
    truth = json.loads((tmp_path / "case" / "truth.json").read_text())
    assert truth["schema"] == "thoraxai.phantom/1"
    assert truth["nodules"][0]["volume_mm3"] == pytest.approx(phantom.nodules[0].volume_mm3, rel=1e-3)
    with (tmp_path / "case" / "truth.csv").open() as file:
        assert [row["id"] for row in csv.DictReader(file)] == [nodule.id for nodule in phantom.nodules]
    image = sitk.ReadImage(str(tmp_path / "case" / "ct.nrrd"))
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "case" / "labels.nrrd")))
    assert (sitk.GetArrayFromImage(image) == phantom.volume.array).all()
    assert (labels == phantom.labels).all()
    lps = image.TransformIndexToPhysicalPoint((10, 20, 30))
    np.testing.assert_allclose(np.array(lps) * [-1, -1, 1], phantom.volume.ras_from_kji(np.array([30, 20, 10])))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_phantom(make_small_chest(spacing_mm=(6.0, 6.0, 6.0), nodules=[]), tmp_path / "taken")
