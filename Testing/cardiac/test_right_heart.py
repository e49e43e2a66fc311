"""The right ventricle over a heart beat: its valve plane comes down, and the full cavity covers the contracted one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from CardiacBiomechLib.model.heart_classes import LV, MYOCARDIUM, RV
from CardiacBiomechLib.segmentation.right_heart import over_the_beat
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import SeriesIdentity, Volume

SLICE_MM = 10.0


def heart(cavity_pixels: float, right_pixels: float, right_slices: tuple[int, int] = (0, 7)) -> np.ndarray:
    """Labels of eight slices, base first: circles, smaller towards the apex, with a right cavity beside them."""
    j, i = np.meshgrid(np.arange(64), np.arange(64), indexing="ij")
    labels = np.zeros((8, 64, 64), np.uint8)
    for k in range(8):
        share = 1.0 - k / 10.0
        if right_slices[0] <= k < right_slices[1]:
            labels[k][np.hypot(j - 32, i - 18) < right_pixels * share] = RV
        labels[k][np.hypot(j - 32, i - 38) < 15 * share] = MYOCARDIUM
        labels[k][np.hypot(j - 32, i - 38) < cavity_pixels * share] = LV
    return labels


def volume(labels: np.ndarray) -> Volume:
    """Return labels on a grid of 10 mm slices with the base towards the right shoulder, as it lies in a patient."""
    return Grid.centered(labels.shape, (SLICE_MM, 1.5, 1.5)).volume(labels)


def right_slices(labels: Volume) -> list[int]:
    """Slices that hold right ventricle."""
    return [k for k, plane in enumerate(labels.array) if (plane == RV).any()]


def test_the_slice_that_a_contracting_ventricle_has_left_belongs_to_the_atrium():
    full, contracted = volume(heart(11, 12)), volume(heart(7, 9))  # the area falls by 44 %: 17 mm, one whole slice
    found = over_the_beat((full, contracted))
    assert right_slices(found[0]) == [0, 1, 2, 3, 4, 5, 6]
    assert right_slices(found[1]) == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(found[1].array[1:], contracted.array[1:])
    assert (found[1].array[0] == LV).any()


def test_a_ventricle_that_hardly_contracts_keeps_its_uppermost_slice():
    full, same = volume(heart(11, 12)), volume(heart(10, 11.5))  # 8 %: 4 mm
    assert right_slices(over_the_beat((full, same))[1]) == [0, 1, 2, 3, 4, 5, 6]


def test_thin_slices_far_apart_are_left_sooner_than_thick_ones():
    def far_apart(labels: np.ndarray, thickness_mm: float | None) -> Volume:
        grid = Grid.centered(labels.shape, (17.7, 1.5, 1.5))
        return replace(grid.volume(labels), identity=SeriesIdentity(slice_thickness_mm=thickness_mm))

    frames = heart(11, 12), heart(7, 9)  # the plane comes down by 17 mm: less than a step, more than 6 mm
    assert right_slices(over_the_beat([far_apart(labels, 6.0) for labels in frames])[1])[0] == 1
    assert right_slices(over_the_beat([far_apart(labels, None) for labels in frames])[1])[0] == 0


def test_one_frame_that_was_drawn_smaller_than_its_neighbors_loses_no_slice():
    full, small = volume(heart(11, 12)), volume(heart(10, 9))
    found = over_the_beat([full, *[volume(heart(10, 11.8))] * 5, small, *[volume(heart(10, 11.8))] * 3])
    assert right_slices(found[6]) == [0, 1, 2, 3, 4, 5, 6]


def test_slices_stored_from_the_apex_give_the_same():
    frames = heart(11, 12), heart(7, 9)
    from_base = over_the_beat([volume(labels) for labels in frames])
    from_apex = over_the_beat([volume(labels[::-1].copy()) for labels in frames])
    for one, other in zip(from_base, from_apex, strict=True):
        np.testing.assert_array_equal(one.array, other.array[::-1])


def test_what_is_cavity_in_most_frames_is_cavity_when_the_heart_is_full():
    missed = heart(11, 12)
    missed[5][missed[5] == RV] = 0
    found = over_the_beat([volume(missed), *[volume(heart(7, 9))] * 2])
    at_systole = heart(7, 9)[5] == RV
    np.testing.assert_array_equal(found[0].array[5] == RV, at_systole & (missed[5] == 0))


def test_one_frame_that_differs_adds_nothing():
    missed = heart(11, 12)
    missed[5][missed[5] == RV] = 0
    found = over_the_beat([volume(missed), volume(missed), volume(heart(7, 9))])
    assert not (found[0].array[5] == RV).any()


@pytest.mark.parametrize(
    "frames",
    [
        (heart(11, 12),),
        (heart(11, 0), heart(7, 0)),
        (np.where(heart(11, 12) == RV, RV, 0).astype(np.uint8), heart(7, 9) * 0),
    ],
    ids=["a single frame", "no right ventricle", "no left ventricle"],
)
def test_labels_that_the_rules_say_nothing_about_stay_as_they_are(frames):
    given = [volume(labels) for labels in frames]
    for one, other in zip(given, over_the_beat(given), strict=True):
        np.testing.assert_array_equal(one.array, other.array)
