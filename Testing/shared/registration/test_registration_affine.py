"""The affine step before a field: known transforms recovered, on different grids, inside masks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.affine import AffineOptions, align, resampled, then_affine
from ThoraxAILib.registration.field import Field, warp_image

MATRIX = np.array([[1.03, 0.04, 0.0, 4.0], [-0.05, 0.98, 0.02, -6.0], [0.0, 0.01, 1.02, 3.0], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def moving() -> Volume:
    """Blobs on a fine grid."""
    grid = Grid.centered((50, 60, 60), (2.5, 2.0, 2.0))
    image = gaussian_filter(np.random.default_rng(3).standard_normal(grid.shape_kji), 4.0)
    return grid.volume((1000 * image / image.std()).astype(np.float32))


def residual_mm(found: np.ndarray) -> float:
    """Largest distance between two matrices' effect on the corners of a 60 mm cube."""
    corners = np.array([[x, y, z, 1] for x in (-30, 30) for y in (-30, 30) for z in (-30, 30)], dtype=float)
    return float(np.linalg.norm((corners @ (found - MATRIX).T)[:, :3], axis=1).max())


def test_a_known_affine_is_recovered_between_different_grids(moving):
    fixed = resampled(moving, Grid.centered((36, 44, 40), (3.0, 2.4, 2.6)), MATRIX)
    assert residual_mm(align(fixed, moving)) < 1.0


def test_masks_bring_a_distant_organ_near(moving):
    far = MATRIX.copy()
    far[:3, 3] += (18.0, 0.0, 0.0)
    grid = Grid.centered((36, 44, 40), (3.0, 2.4, 2.6))
    fixed = resampled(moving, grid, far)
    ball = np.linalg.norm(Grid.of(moving).centers_ras_mm() - np.array([10.0, 0, 0]), axis=-1) < 25
    here = grid.centers_ras_mm() @ far[:3, :3].T + far[:3, 3]
    fixed_mask = np.linalg.norm(here - np.array([10.0, 0, 0]), axis=-1) < 25
    found = align(fixed, moving, AffineOptions("rigid"), fixed_mask, ball)
    center = np.linalg.inv(far) @ np.array([10.0, 0, 0, 1])
    assert np.linalg.norm((found @ center)[:3] - np.array([10.0, 0, 0])) < 2.0


def test_a_field_followed_by_a_matrix_samples_where_both_lead(moving):
    grid = Grid.centered((30, 36, 36), (3.0, 2.5, 2.5))
    still = then_affine(Field.zero(grid), MATRIX)
    np.testing.assert_allclose(
        warp_image(moving, still).array[4:-4, 4:-4, 4:-4],
        resampled(moving, grid, MATRIX).array[4:-4, 4:-4, 4:-4],
        rtol=1e-3,
        atol=0.5,
    )


def test_what_cannot_be_aligned_is_refused(moving, refused):
    with refused("linear transform 'similarity' is not known"):
        AffineOptions("similarity")
    with refused("mask is empty"):
        align(moving, moving, AffineOptions("rigid"), np.zeros(moving.array.shape, bool))
    with refused("same value"):
        align(moving, moving.with_array(np.zeros_like(moving.array)))
