"""Volumes, diameters and positions of spheres and ellipsoids whose truth is known in closed form."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from LungNoduleAILib.analysis.engines import choose_engines
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import measure
from LungNoduleAILib.measurement.size import axial_size, feret_axes
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.synthesis import EllipsoidPhantom, make_ellipsoid

DELINEATOR = choose_engines(AnalysisOptions()).delineator.made

SLICES_MM = (0.6, 1.25, 2.5)
NOISE_HU = (10.0, 30.0, 60.0)


def measured(phantom: EllipsoidPhantom, guess: float = 1.1) -> Finding:
    volume = phantom.volume.in_lps_order()
    anatomy = Anatomy(np.full(volume.array.shape, 3, np.uint8))
    candidate = Candidate(tuple(phantom.nodule.center_ras_mm), guess * phantom.nodule.diameter_mm, 0.9)
    return measure(volume, anatomy, LungDepth(volume, anatomy), candidate, "test", DELINEATOR)


@pytest.mark.parametrize(("slice_mm", "noise_hu"), list(itertools.product(SLICES_MM, NOISE_HU)))
def test_the_volume_of_a_6_mm_sphere_is_right_at_every_slice_and_noise(slice_mm: float, noise_hu: float):
    phantom = make_ellipsoid(
        6.0,
        spacing_mm=(0.7, 0.7, slice_mm),
        noise_hu=noise_hu,
        seed=3,
        center_offset_mm=(0.2, -0.3, 0.4),
        block_mm=36.0,
    )
    rel = 0.10 if slice_mm < 2 else 0.16  # readers' outlines, which taught it, hold whole voxels of thick slices
    assert measured(phantom).volume_mm3 == pytest.approx(phantom.nodule.volume_mm3, rel=rel)


@pytest.mark.parametrize("slice_mm", SLICES_MM)
def test_the_volume_of_a_tilted_ellipsoid_is_within_10_percent(slice_mm: float):
    turn = np.linalg.qr(np.random.default_rng(5).standard_normal((3, 3)))[0]
    phantom = make_ellipsoid(
        semi_axes_mm=(4.0, 5.0, 7.0),
        axes_ras=turn,
        spacing_mm=(0.7, 0.7, slice_mm),
        noise_hu=30.0,
        seed=4,
        block_mm=44.0,
    )
    assert measured(phantom).volume_mm3 == pytest.approx(phantom.nodule.volume_mm3, rel=0.10)


@pytest.mark.parametrize("guess", [0.6, 0.9, 1.5])
def test_the_volume_does_not_depend_on_the_detectors_guess_of_the_diameter(guess: float):
    phantom = make_ellipsoid(12.0, spacing_mm=(0.7, 0.7, 1.0), noise_hu=20.0, seed=1, block_mm=50.0)
    assert measured(phantom, guess).volume_mm3 == pytest.approx(phantom.nodule.volume_mm3, rel=0.05)


def test_a_ground_glass_sphere_is_called_ground_glass_and_outlined_inside_its_blurred_border():
    phantom = make_ellipsoid(14.0, spacing_mm=(0.7, 0.7, 1.25), noise_hu=25.0, hu=-600.0, seed=2, block_mm=50.0)
    finding = measured(phantom)
    assert finding.type == "ground-glass"
    assert 0.75 < finding.volume_mm3 / phantom.nodule.volume_mm3 <= 1.0
    assert finding.mean_hu == pytest.approx(-600.0, abs=40.0)


def test_a_calcified_sphere_is_called_calcified_and_a_soft_one_solid():
    hard = make_ellipsoid(9.0, spacing_mm=(0.7, 0.7, 1.0), noise_hu=15.0, hu=400.0, seed=2, block_mm=40.0)
    soft = make_ellipsoid(9.0, spacing_mm=(0.7, 0.7, 1.0), noise_hu=15.0, hu=40.0, seed=2, block_mm=40.0)
    assert measured(hard).type == "calcified"
    assert measured(soft).type == "solid"


def test_the_mass_follows_from_volume_and_density():
    finding = measured(make_ellipsoid(10.0, spacing_mm=(0.7, 0.7, 1.0), noise_hu=10.0, hu=0.0, seed=6, block_mm=40.0))
    assert finding.mass_mg == pytest.approx(finding.volume_mm3 * (finding.mean_hu + 1000) / 1000, rel=0.01)


@pytest.mark.parametrize("diameter_mm", [6.0, 10.0, 18.0])
def test_the_diameter_of_a_sphere_is_right_within_half_a_millimeter_and_has_one_decimal(diameter_mm: float):
    finding = measured(
        make_ellipsoid(diameter_mm, spacing_mm=(0.7, 0.7, 1.0), noise_hu=15.0, seed=8, block_mm=2 * diameter_mm + 26)
    )
    assert finding.mean_diameter_mm == pytest.approx(diameter_mm, abs=0.5)
    for value in (finding.mean_diameter_mm, finding.long_axis_mm, finding.short_axis_mm):
        assert round(value, 1) == value
    assert finding.mean_diameter_mm == pytest.approx((finding.long_axis_mm + finding.short_axis_mm) / 2, abs=0.051)


def test_long_and_short_axis_are_those_of_the_largest_axial_slice():
    finding = measured(
        make_ellipsoid(semi_axes_mm=(8.0, 5.0, 6.0), spacing_mm=(0.6, 0.6, 1.0), noise_hu=10.0, seed=9, block_mm=48.0)
    )
    # axes of whole voxels, as a reader's outline is measured: less exact than a border between voxels
    assert finding.long_axis_mm == pytest.approx(16.0, abs=0.8)
    assert finding.short_axis_mm == pytest.approx(10.0, abs=0.8)


def test_the_position_is_the_centroid_to_a_tenth_of_a_millimeter():
    phantom = make_ellipsoid(
        10.0, spacing_mm=(0.7, 0.7, 1.25), noise_hu=15.0, seed=10, center_offset_mm=(0.31, -0.17, 0.42), block_mm=44.0
    )
    assert np.linalg.norm(np.array(measured(phantom).center_ras_mm) - phantom.nodule.center_ras_mm) < 0.1


def test_axes_of_a_rectangle_of_points_are_its_diagonal_and_what_stands_across_it():
    points = np.array([[0.0, 0.0], [0.0, 4.0], [3.0, 0.0], [3.0, 4.0]])
    long_axis, short_axis = feret_axes(points)
    assert long_axis == pytest.approx(5.0, abs=0.01)
    assert short_axis == pytest.approx(4.8, abs=0.05)


def test_the_ends_of_the_axes_lie_as_far_apart_as_the_diameters_say():
    rows, columns = np.mgrid[0:60, 0:60]
    hu = np.full((5, 60, 60), -850.0)
    hu[1:4, ((rows - 30) * 0.7 / 9) ** 2 + ((columns - 25) * 0.7 / 5) ** 2 < 1] = 30.0
    spacing = np.array([1.0, 0.7, 0.7])
    size = axial_size(hu, hu > -400, -400.0, spacing)
    assert size.long_axis_mm == pytest.approx(18.0, abs=0.7)
    for ends, length_mm in ((size.long_ends_kji, size.long_axis_mm), (size.short_ends_kji, size.short_axis_mm)):
        assert np.linalg.norm(np.diff(ends, axis=0) * spacing) == pytest.approx(length_mm)
        np.testing.assert_allclose(ends.mean(axis=0), (1, 30, 25), atol=0.8)
