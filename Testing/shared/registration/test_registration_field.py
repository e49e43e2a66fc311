"""Fields in mm: the pull-back convention, composition, inversion, labels, and the report on a field's quality."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.registration.field import Field, add, compose, invert, warp_image, warp_labels
from ThoraxAILib.registration.quality import assess, folded_cells, jacobian, temporal_drift_mm

SPACING = (8.0, 1.4, 0.9)


def oblique_grid(shape: tuple[int, int, int] = (7, 20, 24)) -> Grid:
    """An anisotropic grid turned about all axes, with one flip."""
    q, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = q @ np.diag(SPACING[::-1])
    matrix[:3, 3] = (12.0, -40.0, 5.0)
    return Grid(shape, matrix)


def smooth_field(grid: Grid, size_mm: float = 1.5) -> Field:
    """A gentle field that is zero at no particular place."""
    points = grid.centers_ras_mm()
    u = np.stack([np.sin(points[..., 1] / 9), np.cos(points[..., 0] / 11), np.sin(points[..., 2] / 15)], -1)
    return Field((size_mm * u).astype(np.float32), grid)


def test_components_along_the_axes_and_in_ras_are_the_same_vectors():
    field = smooth_field(oblique_grid())
    again = Field.from_axes(field.along_axes_mm(), field.grid)
    np.testing.assert_allclose(again.displacement_ras_mm, field.displacement_ras_mm, atol=1e-5)
    np.testing.assert_allclose(
        np.linalg.norm(field.along_axes_mm(), axis=0), np.linalg.norm(field.displacement_ras_mm, axis=-1), rtol=1e-5
    )


def test_the_moving_image_is_sampled_at_x_plus_u():
    grid = oblique_grid()
    step = grid.ijk_to_ras[:3, 0]  # one voxel along i
    field = Field(np.broadcast_to(step, (*grid.shape_kji, 3)).astype(np.float32), grid)
    moving = grid.volume(np.random.default_rng(0).standard_normal(grid.shape_kji).astype(np.float32))
    warped = warp_image(moving, field)
    np.testing.assert_allclose(warped.array[..., :-1], moving.array[..., 1:], atol=1e-3)


def test_labels_keep_their_values_and_type_and_no_label_is_invented():
    grid = oblique_grid()
    labels = np.zeros(grid.shape_kji, np.uint16)
    labels[2:5, 5:15, 5:18] = 7
    labels[3, 8:12, 8:14] = 300
    warped = warp_labels(grid.volume(labels), smooth_field(grid))
    assert warped.array.dtype == np.uint16
    assert set(np.unique(warped.array)) == {0, 7, 300}
    still = warp_labels(grid.volume(labels), Field.zero(grid))
    np.testing.assert_array_equal(still.array, labels)


def test_an_outline_halfway_between_thick_slices_lies_between_theirs():
    grid = Grid.centered((5, 60, 60), (10.0, 1.0, 1.0))
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    radius = np.hypot(j - 29.5, i - 29.5)

    def cone(slices_up: float) -> np.ndarray:
        return (radius < 24.0 - 4.0 * (k + slices_up)).astype(np.uint8)

    half_a_slice = Field.from_axes(np.stack([np.full(grid.shape_kji, 5.0), *np.zeros((2, *grid.shape_kji))]), grid)
    carried = warp_labels(grid.volume(cone(0.0)), half_a_slice).array[:-1]
    assert (carried != cone(0.5)[:-1]).sum() < 0.02 * cone(0.5)[:-1].sum()


def test_one_label_everywhere_stays_everywhere():
    grid = oblique_grid()
    everywhere = grid.volume(np.full(grid.shape_kji, 3, np.uint8))
    np.testing.assert_array_equal(warp_labels(everywhere, smooth_field(grid)).array, everywhere.array)


def test_going_there_and_back_ends_where_it_began():
    grid = Grid.centered((20, 30, 30), (1.5, 1.5, 1.5))
    field = smooth_field(grid)
    inner = (slice(3, -3),) * 3
    there_and_back = compose(field, invert(field))
    back_and_there = compose(invert(field), field)
    for loop in (there_and_back, back_and_there):
        assert np.linalg.norm(loop.displacement_ras_mm, axis=-1)[inner].max() < 0.02


def test_two_translations_compose_to_their_sum():
    grid = oblique_grid()
    one = Field(np.full((*grid.shape_kji, 3), 1.0, np.float32), grid)
    two = Field(np.full((*grid.shape_kji, 3), -0.25, np.float32), grid)
    np.testing.assert_allclose(compose(one, two).displacement_ras_mm, add([one, two]).displacement_ras_mm, atol=1e-6)


def test_a_contraction_by_a_tenth_has_j_0729_in_any_orientation():
    grid = oblique_grid()
    field = Field((-0.1 * grid.centers_ras_mm()).astype(np.float32), grid)
    np.testing.assert_allclose(jacobian(field), 0.729, atol=1e-4)
    report = assess(field, tissue=np.ones(grid.shape_kji, bool))
    assert report.tissue_j_mean == pytest.approx(0.729, abs=1e-4)
    assert report.folded_percent == report.folded_cells_percent == 0.0
    assert report.sd_log_j < 1e-3


def test_a_fold_of_one_voxel_is_found_though_central_differences_miss_it():
    grid = Grid.centered((5, 9, 9), (1.0, 1.0, 1.0))
    components = np.zeros((3, *grid.shape_kji))
    components[2, 2, 4, 4] = 1.3  # jumps over its neighbor
    field = Field.from_axes(components, grid)
    assert (jacobian(field) > 0).all()
    assert folded_cells(field).any()
    assert assess(field).folded_cells_percent > 0


def test_the_report_knows_consistency_and_how_far_sum_and_composition_differ():
    grid = Grid.centered((20, 30, 30), (1.5, 1.5, 1.5))
    field = smooth_field(grid)
    good = assess(field, backward=invert(field), increments=[field, field])
    bad = assess(field, backward=Field.zero(grid))
    assert good.inverse_consistency_mean_mm < 0.05 < bad.inverse_consistency_mean_mm
    assert 0 < good.summed_vs_composed_mean_mm < good.summed_vs_composed_max_mm < 1.0
    assert "temporal_drift_mean_mm" not in good.as_json()


def test_a_closed_cycle_of_true_steps_has_no_drift_and_a_biased_one_has():
    grid = Grid.centered((20, 30, 30), (1.5, 1.5, 1.5))
    step = smooth_field(grid, 1.0)
    inner = (slice(3, -3),) * 3
    assert temporal_drift_mm([step, invert(step)])[inner].max() < 0.02
    biased = Field(step.displacement_ras_mm + np.float32(0.3), grid)
    assert temporal_drift_mm([biased, invert(step)])[inner].mean() > 0.2


def test_grids_match_only_when_all_voxel_centers_do():
    grid = oblique_grid()
    moved = Grid(grid.shape_kji, grid.ijk_to_ras.copy())
    moved.ijk_to_ras[0, 3] += 0.5
    assert grid.matches(Grid(grid.shape_kji, grid.ijk_to_ras.copy()))
    assert not grid.matches(moved)
    assert not grid.matches(oblique_grid((7, 20, 25)))
