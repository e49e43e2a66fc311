"""AHA segments, wall thickness and strain by segment against the analytic ventricle, however the image lies."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.analysis.stiffness_section import stiffness_section
from CardiacBiomechLib.mechanics.aha import HeartAxes, heart_axes, segment_at
from CardiacBiomechLib.mechanics.sector_stiffness import sector_stiffness
from CardiacBiomechLib.mechanics.thickness import by_segment, thickness_mm
from CardiacBiomechLib.mechanics.wall_motion import WallMotion, engineering, peak
from CardiacBiomechLib.model.heart_labels import ACDC, HeartLabels
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.synthesis.anatomy import labels_at
from CardiacBiomechLib.synthesis.cine import true_field
from CardiacBiomechLib.synthesis.ventricle import RightVentricle, Ventricle
from fixtures.heart_segments import (
    HEART,
    INFARCTED,
    ORIENTATIONS,
    SLICE_MM,
    analytic_segment,
    exact_circumferential,
    labels_of,
    wall_points,
)
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.registration.field import Field

POINTS = 10_000


@pytest.mark.parametrize("name", list(ORIENTATIONS))
def test_the_segment_of_ten_thousand_wall_points_is_that_of_the_analytic_angle(name):
    axes = heart_axes(labels_of(HEART, ORIENTATIONS[name]), ACDC)
    points = wall_points(HEART, POINTS)
    expected, away = analytic_segment(points, axes)
    clear = away > 1.0
    assert clear.sum() > 0.9 * POINTS
    np.testing.assert_array_equal(axes.segment_of(points)[clear], expected[clear])


@pytest.mark.parametrize("offset_mm", [0.0, 4.0])
def test_a_basal_slice_that_the_valve_plane_cuts_does_not_turn_the_heart_over(offset_mm):
    grid = Grid.around(np.array([0.0, 0.0, -14.0 + offset_mm]), (1.8, 1.8, SLICE_MM), (90, 90, 16))
    labels = grid.volume(labels_at(HEART, grid.centers_ras_mm()))
    basal = int(np.flatnonzero((labels.array == ACDC.lv).any((1, 2)))[-1])
    labels.array[basal, :45] = 0
    axes = heart_axes(labels, ACDC)
    np.testing.assert_allclose(axes.up, (0.0, 0.0, 1.0))
    assert axes.slices[0] == basal


def test_segments_turn_with_the_heart_in_the_patient():
    turn, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((3, 3)))
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    axes = heart_axes(labels_of(HEART, turn=turn), ACDC)
    points = wall_points(HEART, 2000)
    straight = heart_axes(labels_of(HEART), ACDC)
    expected, away = analytic_segment(points, straight)
    clear = away > 1.5
    np.testing.assert_array_equal(axes.segment_of(points @ turn.T)[clear], expected[clear])


def test_the_insertions_of_the_right_ventricle_lie_on_both_sides_of_the_septum():
    axes = heart_axes(labels_of(HEART), ACDC)
    anterior, inferior = axes.insertions_ras_mm
    assert anterior[1] > 10
    assert inferior[1] < -10
    assert min(anterior[0], inferior[0]) > 0
    turned = axes.turned(60.0)
    assert segment_at(turned.angle_degrees(anterior[None]), np.array([0]))[0] != 17
    assert turned.angle_degrees(anterior[None])[0] == pytest.approx(axes.angle_degrees(anterior[None])[0] - 60.0)


def around(axes: HeartAxes, degrees: float, height_mm: float = 0.0) -> np.ndarray:
    """A point 30 mm from the axis at an angle from the septum."""
    turn = np.radians(degrees)
    out = 30.0 * (np.cos(turn) * axes.septum + np.sin(turn) * axes.anterior)
    return axes.center_at(height_mm * axes.up) + out


def test_moved_insertion_points_turn_the_segments():
    axes = heart_axes(labels_of(HEART), ACDC)
    given = axes.with_insertions(around(axes, 80.0), around(axes, -40.0))
    assert given.angle_degrees(around(axes, 20.0)) == pytest.approx(0.0, abs=0.5) or given.angle_degrees(
        around(axes, 20.0)
    ) == pytest.approx(360.0, abs=0.5)
    np.testing.assert_allclose(given.insertions_ras_mm[0], around(axes, 80.0))


def test_insertion_points_on_the_axis_or_in_one_direction_are_refused(refused):
    axes = heart_axes(labels_of(HEART), ACDC)
    with refused("on the long axis"):
        axes.with_insertions(axes.center_at(np.zeros(3)), around(axes, -40.0))
    with refused("same direction"):
        axes.with_insertions(around(axes, 12.0), around(axes, 10.0))


def test_the_segments_of_an_infarct_are_the_stiffest_and_their_intervals_lie_above_the_others():
    heart = INFARCTED
    labels = labels_of(heart, pixel_mm=2.0)
    motion = WallMotion(labels, ACDC, heart_axes(labels, ACDC))
    index, low, high = motion.stiffness(true_field(heart, Grid.of(labels)))
    assert set(np.argsort(index)[-2:] + 1) <= {1, 7, 13}
    assert index.mean() == pytest.approx(1.0)
    assert (low <= index).all()
    assert (index <= high).all()
    assert low[0] > high[3]  # basal anterior beside basal inferior


def test_the_sector_of_an_infarct_has_the_highest_apparent_index_of_the_six():
    heart = INFARCTED
    labels = labels_of(heart, pixel_mm=2.0)
    found = sector_stiffness(labels, ACDC, heart_axes(labels, ACDC), true_field(heart, Grid.of(labels)))
    assert found is not None
    said = stiffness_section(found)
    rows = {row["sector"]: row for row in said["sectors"]}
    assert max(rows, key=lambda name: rows[name]["apparent_index"]) == "anterior"
    assert said["apparent"]["same_first"] > 0.9
    assert rows["anterior"]["apparent_low"] > rows["inferior"]["apparent_high"]
    told = [row["virtual_fields_index"] is not None for row in rows.values()]
    assert all(told) if said["virtual_fields"]["usable"] else not any(told)


def test_a_wall_without_one_of_its_sectors_has_no_sectors_to_compare():
    labels = labels_of(HEART, pixel_mm=2.0)
    axes = heart_axes(labels, ACDC)
    wall = np.argwhere(labels.array == ACDC.myocardium)
    gone = wall[axes.angle_degrees(labels.ras_from_kji(wall)) < 60.0]
    labels.array[tuple(gone.T)] = 0
    assert sector_stiffness(labels, ACDC, axes, Field.zero(Grid.of(labels))) is None


def test_points_below_the_cavity_belong_to_the_apex():
    axes = heart_axes(labels_of(HEART), ACDC)
    assert axes.segment_of(np.array([[0.0, 0.0, -60.0]]))[0] == 17


def test_without_a_right_ventricle_the_usual_lie_is_taken():
    labels = labels_of(Ventricle(right=None))
    axes = heart_axes(labels, HeartLabels(None, 2, 3))
    assert axes.insertions_ras_mm is None
    assert np.linalg.norm(axes.septum) == pytest.approx(1.0)


def test_labels_of_one_slice_have_no_axis(refused):
    labels = labels_of(HEART)
    labels.array[:5] = 0
    labels.array[6:] = 0
    with refused("two are needed for its long axis"):
        heart_axes(labels, ACDC)


def test_wall_thickness_of_a_tube_is_known_better_than_a_pixel():
    tube = Ventricle(elongation=1e6, right=RightVentricle(center_mm=(40.0, 0.0, 0.0)))
    labels = labels_of(tube)
    found = thickness_mm(labels, ACDC, heart_axes(labels, ACDC))
    np.testing.assert_allclose(by_segment(found, heart_axes(labels, ACDC)), 10.0, atol=0.35)


def measured(heart: Ventricle):
    """Strain by segment out of the exact field, and the exact strain of random points by segment."""
    labels = labels_of(heart, pixel_mm=2.0)
    axes = heart_axes(labels, ACDC)
    frame = WallMotion(labels, ACDC, axes).frame(true_field(heart, Grid.of(labels)))
    return frame, exact_circumferential(heart, axes)


def test_circumferential_strain_of_sixteen_segments_is_that_of_the_exact_motion():
    frame, exact = measured(HEART)
    assert np.abs(frame.strain[1] - exact).mean() <= 0.03
    assert frame.volume_ratio == pytest.approx(1.0, abs=0.06)


def test_the_segments_of_an_infarct_shorten_least():
    frame, exact = measured(INFARCTED)
    ecc = frame.strain[1]
    assert set(np.argsort(ecc)[-2:] + 1) <= {1, 7, 13}
    assert np.abs(ecc - exact).mean() <= 0.03


def test_the_apex_turns_counter_clockwise_seen_from_the_apex():
    """The phantom's torsion turns z by +angle per mm: seen from the apex (looking to +z) the apex turns with the clock
    negative, so its sign is opposite to that of the base.
    """
    frame, _ = measured(HEART)
    assert frame.rotation_degrees[0] * frame.rotation_degrees[2] < 0


def test_peaks_are_the_largest_radial_and_the_smallest_other_strain():
    curves = np.array([[0.0, 0.0], [0.3, -0.2], [0.1, -0.05]])
    assert peak(curves, "radial").tolist() == [1, 0]
    assert peak(curves, "circumferential").tolist() == [0, 1]
    assert engineering(-0.18) == pytest.approx(-0.2, abs=1e-3)
    assert engineering(0.48) == pytest.approx(0.4, abs=1e-3)


def test_body_surface_by_both_formulas():
    assert Person(180.0, 80.0).surface_m2 == pytest.approx(2.0)
    assert Person(180.0, 80.0, body_surface="dubois").surface_m2 == pytest.approx(1.996, abs=2e-3)
    assert Person(180.0).surface_m2 is None
