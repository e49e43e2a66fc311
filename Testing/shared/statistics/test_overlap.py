"""Dice, surface distance and volume agree with what follows from the shapes and with brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ThoraxAILib.statistics.overlap import boundary, compare_masks, surface_distances_mm

SPACING = np.array([2.0, 1.0, 0.5])


def block(shape: tuple[int, int, int], start: tuple[int, int, int], size: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))] = True
    return mask


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(seed)
    first = gaussian_filter(random.normal(size=(14, 16, 18)), 2)
    second = first + 0.4 * gaussian_filter(random.normal(size=first.shape), 2)
    return first > np.percentile(first, 80), second > np.percentile(second, 75)


def test_a_mask_agrees_with_itself():
    mask, _ = blobs(0)
    scores = compare_masks(mask, mask.copy(), SPACING)
    assert (scores.dice, scores.nsd, scores.hausdorff_95_mm, scores.volume_error_percent) == (1.0, 1.0, 0.0, 0.0)
    assert scores.volume_ml == pytest.approx(mask.sum() / 1000)


def test_a_block_moved_by_half_its_length_has_dice_one_half():
    first, second = (block((8, 8, 40), (2, 2, start), (4, 4, 16)) for start in (4, 12))
    scores = compare_masks(first, second, SPACING)
    assert scores.dice == 0.5
    assert scores.volume_error_percent == 0.0


@pytest.mark.parametrize(("slices", "tolerance", "nsd"), [(1, 2.0, 1.0), (1, 1.99, 0.0), (2, 3.9, 0.0), (2, 4.0, 1.0)])
def test_the_tolerance_is_in_mm_and_includes_its_limit(slices, tolerance, nsd):
    first, second = (block((12, 9, 9), (start, 0, 0), (1, 9, 9)) for start in (4, 4 + slices))
    assert compare_masks(first, second, SPACING, tolerance).nsd == nsd


@pytest.mark.parametrize("seed", range(4))
def test_surface_distances_equal_those_of_all_pairs(seed):
    from scipy.spatial import cKDTree

    first, second = blobs(seed)
    points = [np.argwhere(rim(mask)) * SPACING for mask in (first, second)]
    wanted = (cKDTree(points[1]).query(points[0])[0], cKDTree(points[0]).query(points[1])[0])
    for found, true in zip(surface_distances_mm(first, second, SPACING), wanted, strict=True):
        assert np.sort(found) == pytest.approx(np.sort(true), abs=1e-4)
    scores = compare_masks(first, second, SPACING, 1.2)
    assert scores.nsd == pytest.approx(np.mean(np.concatenate(wanted) <= 1.2 + 1e-6))
    assert scores.hausdorff_95_mm == pytest.approx(max(np.percentile(d, 95) for d in wanted), abs=1e-4)


def rim(mask: np.ndarray) -> np.ndarray:
    """Voxels with a neighbor outside, one by one."""
    found = np.zeros_like(mask)
    for place in np.argwhere(mask):
        for axis, step in itertools.product(range(3), (-1, 1)):
            near = place.copy()
            near[axis] += step
            inside = 0 <= near[axis] < mask.shape[axis]
            found[tuple(place)] |= not (inside and mask[tuple(near)])
    return found


def test_the_boundary_has_a_face_towards_the_outside_or_the_edge_of_the_image():
    mask, _ = blobs(3)
    assert np.array_equal(boundary(mask), rim(mask))


def test_empty_masks_are_told_apart():
    mask, empty = block((5, 5, 5), (1, 1, 1), (2, 2, 2)), np.zeros((5, 5, 5), dtype=bool)
    both = compare_masks(empty, empty, SPACING)
    assert (both.dice, both.nsd, both.hausdorff_95_mm, both.volume_error_percent) == (None, None, None, None)
    missed, invented = compare_masks(empty, mask, SPACING), compare_masks(mask, empty, SPACING)
    assert (missed.dice, missed.nsd, missed.hausdorff_95_mm, missed.volume_error_percent) == (0.0, 0.0, None, -100.0)
    assert (invented.dice, invented.nsd, invented.volume_error_percent) == (0.0, 0.0, None)


def test_masks_on_different_grids_and_negative_tolerances_are_refused(refused):
    mask = np.ones((3, 3, 3), dtype=bool)
    with refused("bring them onto one grid"):
        compare_masks(mask, mask[1:], SPACING)
    with refused("tolerance must be 0 mm or more"):
        compare_masks(mask, mask, SPACING, float("nan"))


def test_masks_are_not_modified():
    first, second = blobs(1)
    copies = first.copy(), second.copy()
    compare_masks(first, second, SPACING)
    assert np.array_equal(first, copies[0])
    assert np.array_equal(second, copies[1])
