"""Registration of two dates of one synthetic chest whose motion is known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fixtures.lung_pair_builder import Date, Motion, Scanner, lung_points, patient, scanned

pytest.importorskip("torch")

from LungNoduleAILib.cases.two_dates.registration_files import save_registration
from LungNoduleAILib.followup.registration.lung_transform import LungTransform
from LungNoduleAILib.followup.registration.register import LungRegistration, register_lungs
from LungNoduleAILib.followup.registration.same_person import plausibly_same_person
from LungNoduleAILib.followup.registration.shared_lungs import shared_lungs
from LungNoduleAILib.model.files import AFFINE_FILE, TRANSFORM_FILE, WARPED_FILE
from LungNoduleAILib.model.registration_options import LungRegistrationOptions
from LungNoduleAILib.report.follow_up_pictures import contact_sheets
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.options import Level
from ThoraxAILib.registration.quality import folded_cells
from ThoraxAILib.registration.unfolding import unfolded

COARSE = Scanner((3.0, 3.0, 3.0), 2.0, 20.0)
QUICK = (Level(8.0, 24.0, 20, (16.0, 32.0)), Level(8.0, 14.0, 20, (16.0, 32.0)))
BOTH = LungRegistrationOptions(grid_mm=4.0, levels=QUICK, threads=1)
FAST = replace(BOTH, both_directions=False)
HARDLY = replace(FAST, levels=(Level(8.0, 32.0, 1, (32.0,)),))
MOTION = Motion((14.0, -8.0, 15.0), 12.0, 3.0)


@pytest.fixture(scope="module")
def chest() -> Date:
    return patient(3, spacing_mm=3.0)


@pytest.fixture(scope="module")
def prior(chest: Date) -> Date:
    return scanned(chest, Motion(), COARSE, 1)


@pytest.fixture(scope="module")
def current(chest: Date) -> Date:
    return scanned(chest, MOTION, COARSE, 2)


@pytest.fixture(scope="module")
def registration(prior: Date, current: Date) -> LungRegistration:
    return register_lungs(prior.volume, current.volume, prior.labels, current.labels, BOTH)


def error_mm(found: LungRegistration, current: Date, motion: Motion) -> np.ndarray:
    points = lung_points(current, 800)
    return np.linalg.norm(found.map_points_to_prior(points) - motion.to_prior(points), axis=1)


def test_shift_breath_and_elastic_motion_are_undone(registration: LungRegistration, current: Date):
    points = lung_points(current, 800)
    before = np.linalg.norm(MOTION.to_prior(points) - points, axis=1)
    after = error_mm(registration, current, MOTION)
    assert before.mean() > 20
    assert after.mean() < 2.5
    assert np.percentile(after, 95) < 5.5


def test_the_field_is_the_pull_back_from_current_to_prior_and_does_not_fold(
    registration: LungRegistration, current: Date
):
    points = lung_points(current, 50)
    through_field = points + registration.field.at(points)
    assert np.abs(through_field - registration.map_points_to_prior(points)).max() < 0.2
    assert registration.quality.folded_cells_percent == 0
    assert registration.quality.lung_dice > 0.95


def test_points_go_to_the_prior_and_back(registration: LungRegistration, current: Date):
    points = lung_points(current, 200).reshape(10, 20, 3)
    there = registration.map_points_to_prior(points)
    assert np.abs(registration.map_points_to_current(there) - points).max() < 0.05


def test_the_warped_prior_lies_on_the_current_grid_in_hu(registration: LungRegistration, prior: Date, current: Date):
    warped = registration.warped_prior
    lung = (current.labels > 0) & (current.labels < 6)
    assert Grid.of(warped).matches(Grid.of(current.volume))
    assert warped.array.dtype == prior.volume.array.dtype
    moved = np.corrcoef(warped.array[lung], current.volume.array[lung])[0, 1]
    assert moved > 0.8


def test_the_uncertainty_bounds_most_errors_and_is_nothing_outside_the_lungs(
    registration: LungRegistration, current: Date
):
    errors = error_mm(registration, current, MOTION)
    stated = registration.uncertainty_at(lung_points(current, 800))
    assert (errors > 2 * stated).mean() < 0.10
    assert registration.uncertainty_mm.array.min() == 0
    assert registration.quality.inverse_consistency_mean_mm < 2.5
    assert {region.name for region in registration.quality.regions} == {"RUL", "RML", "RLL", "LUL", "LLL"}


def test_one_person_is_plausible_and_another_is_not(registration: LungRegistration, prior: Date):
    assert plausibly_same_person(registration)[0]
    other = scanned(patient(11, spacing_mm=3.0), Motion(), COARSE, 5)
    found = register_lungs(prior.volume, other.volume, prior.labels, other.labels, FAST)
    plausible, reason = plausibly_same_person(found)
    assert not plausible
    assert "same person" in reason


def test_a_scan_that_misses_the_bases_is_aligned_where_both_see(prior: Date, current: Date):
    kept = slice(36, None)  # the lowest 108 mm are cut away, 5 cm of them lung
    matrix = prior.volume.ijk_to_ras.copy()
    matrix[:3, 3] = prior.volume.ras_from_kji(np.array([kept.start, 0, 0]))
    cut = Volume(np.ascontiguousarray(prior.volume.array[kept]), matrix)
    found = register_lungs(cut, current.volume, prior.labels[kept], current.labels, FAST)
    points = lung_points(current, 800)
    truth = MOTION.to_prior(points)
    seen = cut.kji_from_ras(truth)[:, 0] > 5
    error = np.linalg.norm(found.map_points_to_prior(points) - truth, axis=1)[seen]
    assert found.quality.overlap < 0.95
    assert error.mean() < 3.0
    assert any("% of the current lungs" in note for note in found.notes)


def test_one_lung_in_the_current_scan_is_compared_alone(prior: Date, current: Date):
    right = np.where(current.labels <= 3, current.labels, 0).astype(np.uint8)
    found = register_lungs(prior.volume, current.volume, prior.labels, right, FAST)
    assert found.sides == ("right",)
    assert any("left lung of the prior" in note for note in found.notes)
    points = lung_points(Date(current.volume, right), 300)
    error = np.linalg.norm(found.map_points_to_prior(points) - MOTION.to_prior(points), axis=1)
    assert error.mean() < 2.5


def test_swapped_dates_are_told(prior: Date, current: Date):
    late = Volume(prior.volume.array, prior.volume.ijk_to_ras, identity=SeriesIdentity(study_date="20250301"))
    early = Volume(current.volume.array, current.volume.ijk_to_ras, identity=SeriesIdentity(study_date="20240301"))
    found = register_lungs(late, early, prior.labels, current.labels, HARDLY)
    assert any("swapped" in note for note in found.notes)


def test_a_scan_without_lungs_or_of_another_body_part_is_refused_in_one_sentence(prior: Date, current: Date):
    with pytest.raises(InputError, match="No lung was found in the current scan"):
        shared_lungs(prior.volume, current.volume, prior.labels, np.zeros_like(current.labels))
    with pytest.raises(InputError, match="labels on the grid"):
        shared_lungs(prior.volume, current.volume, prior.labels, current.labels[:-1])
    slab = np.zeros_like(current.labels)
    slab[:, :4, :60] = 1
    with pytest.raises(InputError, match="do not fit each other"):
        register_lungs(prior.volume, current.volume, prior.labels, slab, HARDLY)


def test_a_registration_can_be_cancelled(prior: Date, current: Date):
    calls = iter(range(1000))
    progress = Progress(is_cancelled=lambda: next(calls) > 12)
    with pytest.raises(Cancelled):
        register_lungs(prior.volume, current.volume, prior.labels, current.labels, FAST, progress)


def test_the_saved_transform_and_volumes_say_the_same(registration: LungRegistration, current: Date, tmp_path):
    import SimpleITK as sitk

    save_registration(tmp_path, registration)
    flip = np.array([-1.0, -1.0, 1.0])
    points = lung_points(current, 100)
    saved = sitk.ReadTransform(str(tmp_path / TRANSFORM_FILE))
    moved = np.array([saved.TransformPoint(p) for p in (points * flip).tolist()]) * flip
    assert np.linalg.norm(moved - registration.map_points_to_prior(points), axis=1).mean() < 0.3
    affine = sitk.ReadTransform(str(tmp_path / AFFINE_FILE))
    expected = points @ registration.affine[:3, :3].T + registration.affine[:3, 3]
    moved = np.array([affine.TransformPoint(p) for p in (points * flip).tolist()]) * flip
    assert np.abs(moved - expected).max() < 1e-6
    warped = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / WARPED_FILE)))
    assert np.array_equal(warped, registration.warped_prior.array)


def test_the_views_show_both_dates(registration: LungRegistration, current: Date):
    shown = contact_sheets(current.volume, registration)
    assert len(shown) == 2
    blended, checkerboard = (picture.pixels for _, picture in shown)
    colored = np.ptp(blended.astype(int), axis=2)
    assert 0 < (colored > 60).mean() < 0.2  # most of it agrees and is gray
    assert (checkerboard > 0).mean() > 0.3


def test_folds_are_taken_out_and_the_rest_is_left_alone():
    grid = Grid.centered((16, 16, 16), (2.0, 2.0, 2.0))
    components = np.zeros((3, 16, 16, 16), np.float32)
    components[0, 8, 4:12, 4:12] = 5.0  # a plane pushed through the next two
    folded = Field.from_axes(components, grid)
    assert folded_cells(folded).any()
    result, rounds = unfolded(folded)
    assert rounds > 0
    assert not folded_cells(result).any()
    assert np.abs(result.along_axes_mm()[:, 0]).max() < 1e-3


def test_a_transform_maps_a_scan_on_an_oblique_grid_like_its_points():
    rng = np.random.default_rng(0)
    grid = Grid.centered((12, 14, 16), (4.0, 4.0, 4.0))
    smooth = np.stack([np.full(grid.shape_kji, value, np.float32) for value in (2.0, -3.0, 1.0)])
    matrix = np.eye(4)
    matrix[:3, :3] += 0.05 * rng.standard_normal((3, 3))
    matrix[:3, 3] = (5.0, -4.0, 3.0)
    transform = LungTransform(Field.from_axes(smooth, grid), matrix)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]]
    oblique = Grid((10, 11, 9), turn @ np.diag([2.0, 2.0, 3.0, 1.0]))
    prior = Volume(
        np.zeros((60, 60, 60), np.float32),
        np.array([[2, 0, 0, -60], [0, 2, 0, -60], [0, 0, 2, -60], [0, 0, 0, 1]], dtype=float),
    )
    ramp = prior.ras_from_kji(np.moveaxis(np.indices(prior.array.shape), 0, -1)) @ np.array([3.0, -2.0, 1.0])
    warped = transform.warped(prior.with_array(ramp.astype(np.float32)), oblique)
    expected = transform.to_prior(oblique.centers_ras_mm()) @ np.array([3.0, -2.0, 1.0])
    assert np.abs(warped.array - expected).max() < 0.05
