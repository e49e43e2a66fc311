"""Where voxels lie: parts, blocks and steps of a grid keep every voxel in its place in the patient."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.image.boxes import in_plane_box, whole_voxels
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of, placed_image
from ThoraxAILib.image.lps import affine_in_other_frame, flip_lps_ras, ijk_to_ras_from_lps
from ThoraxAILib.image.spheres import ellipsoid_volume_mm3, sphere_diameter_mm, sphere_volume_mm3

TURN = np.linalg.qr(np.array([[0.9, 0.2, -0.1], [-0.3, 0.8, 0.2], [0.1, -0.2, 1.1]]))[0]


@pytest.fixture
def oblique() -> Grid:
    """A turned grid with three different voxel sizes."""
    return Grid.around(np.array([10.0, -20.0, 30.0]), (0.7, 0.8, 2.5), (12, 16, 9), TURN)


def test_the_middle_of_a_grid_around_a_point_is_that_point(oblique):
    low, high = oblique.corners_ras_mm()[[0, -1]]
    np.testing.assert_allclose((low + high) / 2, [10.0, -20.0, 30.0])
    np.testing.assert_allclose(oblique.spacing_kji_mm, [2.5, 0.8, 0.7])
    np.testing.assert_allclose(oblique.axes_ras.T @ oblique.axes_ras, np.eye(3), atol=1e-12)


def test_voxels_and_points_are_inverse_and_agree_with_the_volume(oblique):
    voxels = np.random.default_rng(1).uniform(-3, 20, (50, 3))
    points = oblique.ras_from_kji(voxels)
    np.testing.assert_allclose(oblique.kji_from_ras(points), voxels, atol=1e-9)
    volume = oblique.volume(np.zeros(oblique.shape_kji))
    np.testing.assert_array_equal(volume.ras_from_kji(voxels), points)
    assert Grid.of(volume).matches(oblique)
    assert volume.voxel_mm3 == pytest.approx(0.7 * 0.8 * 2.5)


def test_frame_positions_are_millimetres_along_the_axes(oblique):
    voxels = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(
        oblique.frame_mm(oblique.ras_from_kji(voxels)), voxels * oblique.spacing_kji_mm, atol=1e-9
    )


def test_a_box_of_the_frame_holds_the_voxels_whose_centres_lie_in_it(oblique):
    box = oblique.box(np.array([2.4, 1.7, -5.0]), np.array([7.6, 4.1, 1.0]))
    assert box == (slice(1, 4), slice(3, 6), slice(0, 2))
    empty = oblique.box(np.full(3, 100.0), np.full(3, 200.0))
    assert all(span.start == span.stop for span in empty)


def test_blocks_lie_where_the_mean_of_their_voxels_lies(oblique):
    box, factors = (slice(1, 9), slice(2, 14), slice(3, 12)), (2, 3, 4)
    part = oblique.part(box, factors)
    centers = oblique.centers_ras_mm()[box]
    means = np.stack([block_mean(centers[..., axis], factors) for axis in range(3)], axis=-1)
    np.testing.assert_allclose(part.centers_ras_mm(), means, atol=1e-4)


def test_a_part_of_a_part_is_the_part_at_both_offsets(oblique):
    one = oblique.part((slice(2, 8), slice(1, 10), slice(4, 11))).part((slice(1, 4), slice(2, 6), slice(0, 3)))
    assert one.matches(oblique.part((slice(3, 6), slice(3, 7), slice(4, 7))), 1e-9)


def test_a_covering_grid_holds_both_corners_in_lps_order():
    low, high = np.array([-31.0, -7.5, 100.0]), np.array([42.0, 9.0, 161.0])
    grid = Grid.covering(low, high, 2.5)
    found_low, found_high = grid.bounds_ras_mm()
    np.testing.assert_allclose(found_low, low)
    assert (found_high >= high).all()
    assert (found_high < high + 2.5).all()
    np.testing.assert_allclose(np.diag(grid.ijk_to_ras), [-2.5, -2.5, 2.5, 1.0])


def test_grids_match_only_in_the_same_place(oblique):
    moved = oblique.stepped((0.0, 0.0, 0.05), 1, oblique.shape_kji)
    assert oblique.matches(moved, tolerance_mm=0.04)
    assert not oblique.matches(moved, tolerance_mm=0.03)
    assert not oblique.matches(oblique.part((slice(0, 8), slice(0, 16), slice(0, 12))))


@pytest.mark.parametrize(
    ("spacing", "shape", "direction", "said"),
    [
        ((1.0, 1.0, 0.0), (4, 4, 4), None, "positive"),
        ((1.0, 1.0, 1.0), (4, 0, 4), None, "positive"),
        ((1.0, 1.0, 1.0), (4, 4, 4), np.ones((3, 3)), "orthonormal"),
    ],
)
def test_impossible_grids_are_refused(spacing, shape, direction, said, refused):
    with refused(said):
        Grid.around(np.zeros(3), spacing, shape, direction)


def test_all_slices_of_a_mask_and_its_margin_in_the_plane():
    mask = np.zeros((5, 20, 30), bool)
    mask[2, 8:11, 14:16] = True
    assert in_plane_box(mask, np.array([3.0, 1.0, 2.0]), 2.5) == (slice(0, 5), slice(5, 14), slice(12, 18))
    assert in_plane_box(np.zeros_like(mask), np.ones(3), 2.5) == (slice(0, 5), slice(0, 20), slice(0, 30))
    assert whole_voxels(2.0, np.array([0.9, 1.0, 3.0])).tolist() == [3, 2, 1]


def test_lps_and_ras_are_turned_into_each_other_once_there_and_once_back(oblique):
    points = np.random.default_rng(2).normal(0, 50, (4, 5, 3))
    np.testing.assert_array_equal(flip_lps_ras(flip_lps_ras(points)), points)
    np.testing.assert_array_equal(flip_lps_ras(points)[..., 2], points[..., 2])
    move = oblique.ijk_to_ras
    moved = points @ move[:3, :3].T + move[:3, 3]
    other = affine_in_other_frame(move)
    np.testing.assert_allclose(flip_lps_ras(points) @ other[:3, :3].T + other[:3, 3], flip_lps_ras(moved))


def test_an_itk_image_says_of_every_voxel_where_the_grid_says_it_lies(oblique):
    sitk = pytest.importorskip("SimpleITK")
    image = placed_image(sitk.GetImageFromArray(np.zeros(oblique.shape_kji, np.uint8)), oblique)
    i, j, k = 3, 7, 5
    there = flip_lps_ras(np.array(image.TransformIndexToPhysicalPoint((i, j, k))))
    np.testing.assert_allclose(there, oblique.ras_from_kji((k, j, i)))
    np.testing.assert_allclose(ijk_to_ras_from_lps(ijk_to_lps_of(image)), oblique.ijk_to_ras, atol=1e-12)


def test_a_sphere_of_ten_millimetres_has_524_cubic_millimetres_and_back():
    assert sphere_volume_mm3(10.0) == pytest.approx(523.6, abs=0.01)
    assert sphere_diameter_mm(sphere_volume_mm3(7.3)) == pytest.approx(7.3)
    assert ellipsoid_volume_mm3((5.0, 5.0, 5.0)) == pytest.approx(sphere_volume_mm3(10.0))
    np.testing.assert_allclose(sphere_diameter_mm(np.array([33.51, 14137.2])), [4.0, 30.0], rtol=1e-4)
