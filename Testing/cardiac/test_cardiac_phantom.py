"""The analytic ventricle is exactly incompressible and exactly invertible, and its images show what it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from CardiacBiomechLib.mechanics.strain import strain_along_axes, wall_strain
from CardiacBiomechLib.motion.volumes import dice, volume_ml
from CardiacBiomechLib.synthesis.anatomy import LV, MYOCARDIUM, RV
from CardiacBiomechLib.synthesis.cine import Scanner, acquire, phase_curve, true_field, true_inverse_field
from CardiacBiomechLib.synthesis.files import PhantomRequest, exact_wall_strain, write_phantom_cine
from CardiacBiomechLib.synthesis.groups import GROUPS, draw
from CardiacBiomechLib.synthesis.ventricle import Infarct, Ventricle
from ThoraxAILib.io.transform_files import read_field
from ThoraxAILib.registration.deformation.elasticity import determinant, green_lagrange
from ThoraxAILib.registration.field import warp_image, warp_labels

SMALL = Scanner((10, 64, 64), (10.0, 2.5, 2.5), samples_per_slice=3)
HEARTS = {
    "plain": Ventricle(),
    "infarct": Ventricle(infarct=Infarct()),
    **{group: draw(group, np.random.default_rng(7)) for group in GROUPS},
}


def random_points(count: int = 40000, reach_mm: float = 60.0) -> np.ndarray:
    """Points in and around the heart."""
    return np.random.default_rng(0).uniform(-reach_mm, reach_mm, (count, 3))


@pytest.mark.parametrize("name", HEARTS)
def test_the_wall_keeps_its_volume_everywhere(name):
    heart = HEARTS[name]
    points = random_points()
    wall = points[heart.in_wall(points)]
    assert len(wall) > 1000
    assert np.abs(determinant(heart.deformation_gradient(wall)) - 1.0).max() < 1e-6


@pytest.mark.parametrize("name", HEARTS)
def test_the_motion_can_be_undone_and_never_folds(name):
    heart = HEARTS[name]
    points = random_points()
    assert np.linalg.norm(heart.inverse(heart.forward(points)) - points, axis=-1).max() < 1e-3
    assert np.linalg.norm(heart.forward(heart.inverse(points)) - points, axis=-1).max() < 1e-3
    assert determinant(heart.deformation_gradient(points)).min() > 0


def test_the_gradient_is_the_derivative_of_the_motion():
    heart = HEARTS["infarct"]
    points = random_points(500, 30.0)
    points = points[heart.in_wall(points)]
    F, step = heart.deformation_gradient(points), 1e-5
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        slope = (heart.forward(points + shift) - heart.forward(points - shift)) / (2 * step)
        np.testing.assert_allclose(F[:, axis].T, slope, atol=1e-6)


def test_strain_of_the_published_setting_is_reproduced():
    strain = exact_wall_strain(Ventricle())
    assert strain.radial == pytest.approx(0.47, abs=0.02)
    assert strain.circumferential == pytest.approx(-0.113, abs=0.003)
    assert strain.longitudinal == pytest.approx(-0.141, abs=0.003)


def test_a_heart_at_rest_has_no_strain_and_half_way_less_than_at_the_end():
    points = random_points()
    heart = Ventricle()
    wall = points[heart.in_wall(points)]
    assert np.abs(green_lagrange(heart.at_phase(0.0).deformation_gradient(wall))).max() < 1e-12
    half = heart.at_phase(0.5)
    partly = wall_strain(strain_along_axes(half.deformation_gradient(wall), half.local_axes(wall)))
    assert 0 > partly.circumferential > exact_wall_strain(heart).circumferential


def test_an_infarct_contracts_less_than_the_remote_wall():
    heart = Ventricle(infarct=Infarct(direction=(0.0, 1.0, 0.0)))
    points = random_points()
    wall = points[heart.in_wall(points) & (np.abs(points[..., 2]) < 15)]
    E = strain_along_axes(heart.deformation_gradient(wall), heart.local_axes(wall))
    angle = np.arctan2(wall[:, 1], wall[:, 0])
    inside, remote = np.abs(angle - np.pi / 2) < 0.3, np.abs(angle + np.pi / 2) < 0.5
    assert abs(E[1, inside].mean()) < 0.4 * abs(E[1, remote].mean())


def test_ejection_fraction_of_a_whole_spheroid_is_the_parameter():
    heart = Ventricle(base_mm=None, right=None, ejection_fraction=0.6)
    fine = Scanner((70, 60, 60), (2.0, 1.2, 1.2), (0.0, 0.0, 0.0), samples_per_slice=1)
    still, moved = (frame.labels for frame in acquire(heart, fine, np.array([0.0, 1.0])))
    ef = 1 - volume_ml(moved, LV) / volume_ml(still, LV)
    assert ef == pytest.approx(0.6, abs=0.01)
    assert volume_ml(moved, MYOCARDIUM) == pytest.approx(volume_ml(still, MYOCARDIUM), rel=0.01)


@pytest.mark.parametrize("group", GROUPS)
def test_groups_follow_their_rules(group):
    fine = replace(SMALL, shape_kji=(26, 64, 64), spacing_kji_mm=(5.0, 2.5, 2.5), samples_per_slice=1)
    for seed in range(3):
        still, moved = acquire(draw(group, np.random.default_rng(seed)), fine, np.array([0.0, 1.0]))
        volumes = {part: [volume_ml(frame.labels, part) for frame in (still, moved)] for part in (LV, RV)}
        ef = {part: 100 * (1 - es / ed) for part, (ed, es) in volumes.items()}
        if group in ("NOR", "HCM", "RV"):
            assert ef[LV] > 48
        if group in ("DCM", "MINF"):
            assert ef[LV] < 45
        if group == "RV":
            assert ef[RV] < 40


def test_images_follow_the_exact_fields():
    heart = Ventricle()
    scanner = Scanner(
        (48, 64, 64), (2.5, 2.5, 2.5), (0.0, 0.0, -14.0), texture=0.05, signal_to_noise=1e4, samples_per_slice=1
    )
    still, moved = acquire(heart, scanner, np.array([0.0, 1.0]))
    grid = scanner.grid()
    as_still = warp_image(moved.image, true_field(heart, grid), order=3).array[6:-6, 6:-6, 6:-6]
    reference = still.image.array[6:-6, 6:-6, 6:-6]
    assert np.corrcoef(as_still.ravel(), reference.ravel())[0, 1] > 0.97
    carried = warp_labels(still.labels, true_inverse_field(heart, grid)).array
    assert min(dice(carried, moved.labels.array, part) for part in (RV, MYOCARDIUM, LV)) > 0.93


def test_a_seed_gives_the_same_images_and_a_shift_moves_whole_slices():
    heart = Ventricle()
    once, again = (acquire(heart, SMALL, np.array([0.0]), seed=3)[0].image.array for _ in range(2))
    np.testing.assert_array_equal(once, again)
    shifted = acquire(heart, replace(SMALL, slice_shift_mm=4.0), np.array([0.0]), seed=3)[0].labels.array
    straight = acquire(heart, SMALL, np.array([0.0]), seed=3)[0].labels.array
    centers = [[np.argwhere(labels[k] >= 2).mean(0) for k in range(3, 7)] for labels in (shifted, straight)]
    assert np.abs(np.array(centers[0]) - np.array(centers[1])).max() > 0.5


def test_the_cycle_begins_and_ends_at_end_diastole():
    curve = phase_curve(30)
    assert curve[0] == 0.0
    assert curve.max() > 0.98
    assert curve[-1] < 0.05
    assert np.argmax(curve) in (10, 11)


def test_a_written_phantom_opens_again_with_its_truth(tmp_path):
    strain = write_phantom_cine(PhantomRequest("MINF", slice_mm=16.0, seed=5), tmp_path / "cine")
    names = {path.name for path in (tmp_path / "cine").iterdir()}
    assert {"frame01.nii.gz", "frame02_gt.nii.gz", "frame02_field.nii.gz", "truth.json"} <= names
    field = read_field(tmp_path / "cine" / "frame02_field.nii.gz")
    heart = draw("MINF", np.random.default_rng(5))
    centers = field.grid.centers_ras_mm()
    np.testing.assert_allclose(field.displacement_ras_mm, heart.displacement(centers), atol=1e-3)
    assert strain.circumferential < 0 < strain.radial


def test_requests_that_make_no_sense_are_refused(refused):
    with refused("number of frames must be at least 2"):
        PhantomRequest(frames=1)
    with refused("slice distance"):
        PhantomRequest(slice_mm=0.0)
    with refused("phantom group named ARVC"):
        draw("ARVC", np.random.default_rng(0))
