"""Instance optimization recovers known motion, keeps to its tissue, can be cancelled and says what it cannot use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

torch = pytest.importorskip("torch", reason="PyTorch is an optional dependency")

from ThoraxAILib.errors import Cancelled  # noqa: E402
from ThoraxAILib.image.grid import Grid  # noqa: E402
from ThoraxAILib.jobs.progress import Progress  # noqa: E402
from ThoraxAILib.registration.field import Field, warp_image  # noqa: E402
from ThoraxAILib.registration.instance import register  # noqa: E402
from ThoraxAILib.registration.options import InstanceOptions, Level  # noqa: E402
from ThoraxAILib.registration.quality import assess  # noqa: E402
from ThoraxAILib.registration.similarity import LocalCorrelation, box_mean, window_voxels  # noqa: E402
from ThoraxAILib.registration.tissue import Moduli, TissueMap  # noqa: E402

LEVELS = (Level(4.0, 16.0, 30, (12.0, 20.0)), Level(2.0, 10.0, 25, (8.0, 14.0)))
OPTIONS = InstanceOptions(levels=LEVELS, weight=0.05, threads=1)


@pytest.fixture(scope="module")
def pair():
    """(fixed, moving, true field): speckle moved by a smooth field of 4 mm on an oblique anisotropic grid."""
    shape = (14, 40, 44)
    q, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = q @ np.diag([2.0, 2.0, 4.0])
    grid = Grid(shape, matrix)
    speckle = gaussian_filter(np.random.default_rng(1).standard_normal(shape), (0.8, 1.5, 1.5))
    moving = grid.volume((1000 * speckle / speckle.std()).astype(np.float32))
    k, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    bump = np.exp(-2 * (k**2 + j**2 + i**2))
    field = Field.from_axes(np.stack([1.5 * bump, 4.0 * bump, -3.0 * bump]), grid)
    return warp_image(moving, field, order=3), moving, field


def test_a_known_motion_is_recovered_on_an_oblique_anisotropic_grid(pair):
    fixed, moving, truth = pair
    found = register(fixed, moving, OPTIONS)
    before = np.linalg.norm(truth.displacement_ras_mm, axis=-1)
    error = np.linalg.norm(found.field.displacement_ras_mm - truth.displacement_ras_mm, axis=-1)
    moved = before > 1.0
    assert error[moved].mean() < 0.08 * before[moved].mean()
    assert assess(found.field).folded_cells_percent == 0.0


def test_the_increments_of_the_levels_add_up_to_the_field(pair):
    found = register(*pair[:2], OPTIONS)
    total = sum(increment.displacement_ras_mm for increment in found.increments)
    assert len(found.increments) == len(LEVELS)
    np.testing.assert_allclose(total, found.field.displacement_ras_mm, atol=1e-4)


def test_an_image_registered_with_itself_does_not_move(pair):
    found = register(pair[0], pair[0], OPTIONS)
    assert np.linalg.norm(found.field.displacement_ras_mm, axis=-1).max() < 0.01


def test_starting_from_the_truth_needs_fewer_steps(pair):
    fixed, moving, truth = pair
    short = InstanceOptions(levels=(Level(2.0, 8.0, 3, (8.0,)),), step_mm=0.05, threads=1)
    warm = register(fixed, moving, short, initial=truth).field
    cold = register(fixed, moving, short).field
    errors = [np.linalg.norm(f.displacement_ras_mm - truth.displacement_ras_mm, axis=-1).mean() for f in (warm, cold)]
    assert errors[0] < 0.4 * errors[1]


@pytest.mark.parametrize("frame", ["fixed", "moving"])
def test_tissue_declared_incompressible_keeps_its_volume(pair, frame):
    fixed, moving, _ = pair
    labels = np.zeros(fixed.array.shape, np.uint8)
    labels[3:11, 10:30, 10:34] = 2
    free = register(fixed, moving, OPTIONS)
    stiff = register(fixed, moving, OPTIONS, TissueMap(labels, {2: Moduli(1.0, 500.0)}, frame))
    inner = np.zeros(labels.shape, bool)
    inner[5:9, 14:26, 14:30] = True
    spread = [assess(found.field, inner).tissue_mean_abs_j_minus_1 for found in (free, stiff)]
    assert spread[1] < 0.5 * spread[0]


def test_both_optimizers_and_all_regularizers_improve_the_likeness(pair):
    fixed, moving, _ = pair
    start = register(fixed, moving, InstanceOptions(levels=(Level(4.0, 16.0, 1, (12.0,)),), step_mm=1e-6, threads=1))
    level = (Level(4.0, 16.0, 20, (12.0,)),)
    for optimizer, name in (("lbfgs", "neo-hookean"), ("adam", "diffusion"), ("adam", "bending")):
        options = InstanceOptions(levels=level, optimizer=optimizer, regularizer=name, weight=0.05, threads=1)
        assert register(fixed, moving, options).similarity > start.similarity + 0.04


def test_a_level_can_be_held_harder_than_the_others(pair):
    fixed, moving, _ = pair
    levels = (LEVELS[0], replace(LEVELS[1], prior=40.0))
    free = register(fixed, moving, OPTIONS)
    held = register(fixed, moving, replace(OPTIONS, levels=levels))
    same = register(fixed, moving, replace(OPTIONS, weight=40.0 * OPTIONS.weight, levels=LEVELS[1:]))
    alone = register(fixed, moving, replace(OPTIONS, levels=levels[1:]))
    assert held.energy < 0.8 * free.energy
    np.testing.assert_array_equal(same.field.displacement_ras_mm, alone.field.displacement_ras_mm)


def test_registration_stops_where_it_is_told_to(pair):
    asked = []
    progress = Progress(lambda fraction, _text: asked.append(fraction), lambda: len(asked) >= 5)
    with pytest.raises(Cancelled):
        register(*pair[:2], OPTIONS, progress=progress)
    assert len(asked) == 5
    assert asked == sorted(asked)


def test_inputs_are_not_modified(pair):
    fixed, moving, _ = pair
    before = fixed.array.copy(), moving.array.copy()
    register(fixed, moving, OPTIONS)
    np.testing.assert_array_equal(fixed.array, before[0])
    np.testing.assert_array_equal(moving.array, before[1])


def test_images_that_cannot_be_registered_are_refused_in_one_sentence(pair, refused):
    fixed, moving, _ = pair
    holed = moving.array.copy()
    holed[0, 0, 0] = np.nan
    grid = Grid.of(moving)
    shifted = Grid(grid.shape_kji, grid.ijk_to_ras @ np.diag([1, 1, 1.1, 1]))
    with refused("NaN"):
        register(fixed, moving.with_array(holed), OPTIONS)
    with refused("same value"):
        register(fixed, moving.with_array(np.full_like(moving.array, 3)), OPTIONS)
    with refused("single slice"):
        register(fixed, Grid((1, 40, 44), grid.ijk_to_ras).volume(moving.array[:1]), OPTIONS)
    with refused("different grids"):
        register(fixed, shifted.volume(moving.array), OPTIONS)
    with refused("different grids"):
        register(fixed, Grid((13, 40, 44), grid.ijk_to_ras).volume(moving.array[1:]), OPTIONS)


def test_options_that_make_no_sense_are_refused(refused):
    with refused("no levels"):
        InstanceOptions(levels=())
    with refused("adam or lbfgs"):
        InstanceOptions(optimizer="sgd")
    with refused("at least 0"):
        InstanceOptions(weight=-1)
    with refused("weight of the regularizer of a level must be at least 0, -1 was given"):
        replace(LEVELS[0], prior=-1.0)


def test_local_correlation_does_not_care_about_brightness_and_contrast():
    image = torch.from_numpy(gaussian_filter(np.random.default_rng(0).standard_normal((1, 8, 20, 20)), (0, 1, 1, 1)))
    image = (image / image.std()).float()
    measure = LocalCorrelation(image, (1.0, 1.0, 1.0), (5.0, 9.0), noise_floor=0.0)
    assert float(measure(3.0 * image + 2.0)) == pytest.approx(1.0, abs=1e-3)
    assert float(measure(-image)) == pytest.approx(1.0, abs=1e-3)
    assert float(measure(image.flip(3))) < 0.3


def test_windows_follow_millimeters_and_box_means_are_plain_means():
    assert window_voxels(9.0, (8.0, 1.0, 1.8), (10, 50, 3)) == (1, 9, 3)
    image = torch.rand(1, 6, 7, 8, generator=torch.Generator().manual_seed(0))
    inner = box_mean(image, (3, 3, 5))[0, 3, 3, 4]
    assert float(inner) == pytest.approx(float(image[0, 2:5, 2:5, 2:7].mean()), abs=1e-6)
