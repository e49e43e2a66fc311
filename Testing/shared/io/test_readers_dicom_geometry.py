"""Slices become a volume by their positions: any orientation, gaps, tilt, copies, phases."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ThoraxAILib.io import find_series, read_volume

HALF_A_HU_TWICE = 1.01  # stored and resampled values are each rounded to whole HU


def rotated(angles_degrees: tuple[float, float, float]) -> tuple[float, ...]:
    matrix = Rotation.from_euler("xyz", angles_degrees, degrees=True).as_matrix()
    return (*matrix[:, 0], *matrix[:, 1])


ORIENTATIONS = {
    "axial": ((1, 0, 0, 0, 1, 0), "axial"),
    "axial, rows towards the right": ((-1, 0, 0, 0, 1, 0), "axial"),
    "prone, seen from above": ((-1, 0, 0, 0, -1, 0), "axial"),
    "coronal": ((1, 0, 0, 0, 0, -1), "coronal"),
    "sagittal": ((0, 1, 0, 0, 0, -1), "sagittal"),
    "slightly oblique": (rotated((8, -5, 12)), "axial"),
    "far oblique": (rotated((47, 40, 10)), "oblique"),
}


@pytest.mark.parametrize(("orientation", "plane"), ORIENTATIONS.values(), ids=ORIENTATIONS)
def test_every_voxel_of_a_series_lies_where_its_slices_say(tmp_path, dicom_series, orientation, plane):
    dicom_series.write_series(tmp_path, dicom_series.SeriesPlan(orientation=tuple(map(float, orientation))))
    volume = read_volume(tmp_path)
    assert volume.array.dtype == np.int16
    assert volume.array.flags.c_contiguous
    assert volume.array.shape == (12, 20, 24)
    assert np.allclose(volume.spacing_ijk_mm, (0.9, 1.1, 2.5), atol=1e-4)
    assert dicom_series.largest_ramp_error_hu(volume) <= HALF_A_HU_TWICE
    assert volume.notes == ()
    assert [series.plane for series in find_series(tmp_path)] == [plane]


def test_first_pixel_is_converted_from_lps_to_ras(tmp_path, dicom_series):
    plan = dicom_series.SeriesPlan()
    dicom_series.write_series(tmp_path, plan)
    left, posterior, superior = dicom_series.origins(plan)[0]
    assert np.allclose(read_volume(tmp_path).ijk_to_ras[:3, 3], (-left, -posterior, superior), atol=1e-4)


def with_depths(dicom_series, depths_mm, tilt_mm_per_mm: float = 0.0):
    """A plan whose slices lie at these depths, shifted along the columns by the tilt."""
    plan = dicom_series.SeriesPlan()
    _row, column, normal = dicom_series.directions(plan)
    corner = dicom_series.origins(plan).mean(axis=0)
    depths = np.asarray(depths_mm, dtype=float) - np.mean(depths_mm)
    places = corner + depths[:, None] * (normal + tilt_mm_per_mm * column)
    return replace(plan, origins_lps_mm=places)


LADDER = np.arange(14) * 2.5
REPAIRED = {
    "one missing slice": (np.delete(LADDER, 5), 0.0, "1 missing slice was filled", (14, 2.5)),
    "two missing in a row": (np.delete(LADDER, [5, 6]), 0.0, "2 missing slices were filled", (14, 2.5)),
    "three missing in a row": (np.delete(LADDER, [5, 6, 7]), 0.0, "3 .* the widest gap is 10.0 mm", (14, 2.5)),
    "every fourth missing": (np.delete(LADDER, [3, 7, 11]), 0.0, "3 missing slices were filled", (14, 2.5)),
    "uneven": (np.cumsum([0, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3]), 0.0, "unevenly spaced \\(2.00 to 3.00 mm\\)", (11, 2.5)),
    "gantry tilt": (LADDER, np.tan(np.radians(20)), "tilted by 20.0 degrees", (14, 2.5)),
}


@pytest.mark.parametrize(("depths", "tilt", "note", "grid"), REPAIRED.values(), ids=REPAIRED)
def test_a_repairable_stack_lands_on_an_even_right_angled_grid_and_says_so(
    tmp_path, dicom_series, depths, tilt, note, grid
):
    dicom_series.write_series(tmp_path, with_depths(dicom_series, depths, tilt))
    volume = read_volume(tmp_path)
    assert volume.array.shape[0] == grid[0]
    assert volume.spacing_ijk_mm[2] == pytest.approx(grid[1], abs=1e-3)
    assert dicom_series.is_right_angled(volume)
    assert dicom_series.largest_ramp_error_hu(volume) <= HALF_A_HU_TWICE
    assert len(volume.notes) == 1
    assert re.search(note, volume.notes[0])


def test_a_tilted_stack_keeps_every_pixel_on_a_larger_grid(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path, with_depths(dicom_series, LADDER, np.tan(np.radians(-15))))
    volume = read_volume(tmp_path)
    shift_rows = 13 * 2.5 * np.tan(np.radians(15)) / 1.1
    assert volume.array.shape == (14, 20 + int(np.ceil(shift_rows)), 24)
    filled = np.count_nonzero(volume.array == -1024) / volume.array[0].size
    assert filled / 14 == pytest.approx(1 - 20 / volume.array.shape[1], abs=0.06)


@pytest.mark.parametrize(
    "written_mm",
    [np.round(np.arange(30) * 0.625, 1), np.arange(30) * 0.625 + np.random.default_rng(0).normal(0, 0.005, 30)],
    ids=["rounded to one decimal", "small jitter"],
)
def test_rounded_slice_positions_are_still_an_even_stack(tmp_path, dicom_series, written_mm):
    dicom_series.write_series(tmp_path, with_depths(dicom_series, written_mm))
    volume = read_volume(tmp_path)
    assert volume.notes == ()
    assert volume.array.shape[0] == 30
    assert volume.spacing_ijk_mm[2] == pytest.approx(0.625, abs=0.005)


REFUSED = {
    "many missing in a row": (np.delete(np.arange(20) * 2.5, range(4, 11)), "lacks 7 slices \\(a gap of 20.0 mm"),
    "many missing": (np.cumsum([1, 1, 1, 2, 1, 3, 1, 1, 3, 1, 2, 1, 2, 1, 3]) * 2.5, "unevenly spaced"),
    "two interleaved series that nothing tells apart": (
        np.sort(np.concatenate([np.arange(8) * 5.0, np.arange(8) * 5.0 + 1])),
        "two series are mixed",
    ),
    "two spacings": (np.concatenate([np.arange(30) * 1.0, 29 + np.arange(1, 9) * 5.0]), "unevenly spaced"),
}


@pytest.mark.parametrize(("depths", "words"), REFUSED.values(), ids=REFUSED)
def test_a_stack_beyond_repair_is_refused_in_one_sentence(tmp_path, dicom_series, refused, depths, words):
    dicom_series.write_series(tmp_path, with_depths(dicom_series, depths))
    with refused(words):
        read_volume(tmp_path)


def test_identical_copies_of_slices_are_left_out_and_said(tmp_path, dicom_series):
    paths = dicom_series.write_series(tmp_path)
    for path in paths[3:5]:
        (tmp_path / f"copy of {path.name}").write_bytes(path.read_bytes())
    volume = read_volume(tmp_path)
    assert volume.array.shape[0] == 12
    assert volume.notes == ("2 identical copies of slices were left out.",)


@pytest.mark.parametrize("attribute", ["AcquisitionNumber", "TemporalPositionIdentifier", "ContrastBolusAgent"])
def test_two_phases_of_one_series_are_told_apart_and_can_be_chosen(tmp_path, dicom_series, attribute):
    def second_phase(dataset, _k):
        setattr(dataset, attribute, "2")
        dataset.PixelData = (dicom_series.stored_values(dataset) + 50).tobytes()

    dicom_series.write_series(tmp_path)
    dicom_series.write_series(tmp_path, change=second_phase, prefix="second")
    first, second = find_series(tmp_path)
    assert (first.usable, second.usable) == (True, True)
    assert second.choice == first.series_uid + "#2"
    volumes = [read_volume(tmp_path, series_uid=series.choice) for series in (first, second)]
    assert {int(np.abs(volumes[1].array.astype(int) - volumes[0].array).max())} == {50}
    assert {volume.identity.series_uid for volume in volumes} == {first.series_uid}
    assert second.choice in read_volume(tmp_path).notes[0]


def test_images_of_another_orientation_in_the_series_are_left_out_and_said(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path)
    plan = dicom_series.SeriesPlan(orientation=(1.0, 0.0, 0.0, 0.0, 0.0, -1.0), count=2)
    dicom_series.write_series(tmp_path, plan, prefix="coronal")
    volume = read_volume(tmp_path)
    assert volume.array.shape == (12, 20, 24)
    assert "has 2 slices where a chest CT needs at least 8" in volume.notes[0]


def test_images_of_another_pixel_size_in_the_series_are_left_out_and_said(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path)
    dicom_series.write_series(tmp_path, dicom_series.SeriesPlan(pixel_spacing_mm=(0.5, 0.5), count=3), prefix="zoom")
    volume = read_volume(tmp_path)
    assert np.allclose(volume.spacing_ijk_mm, (0.9, 1.1, 2.5), atol=1e-4)
    assert "Left out: series 1 part 2" in volume.notes[0]


def test_an_enhanced_multi_frame_file_reads_like_its_single_frames(tmp_path, dicom_series):
    single = dicom_series.write_series(tmp_path / "single")
    multi = dicom_series.write_enhanced(tmp_path / "enhanced.dcm")
    expected, volume = read_volume(single[0].parent), read_volume(multi)
    assert np.array_equal(volume.array, expected.array)
    assert np.allclose(volume.ijk_to_ras, expected.ijk_to_ras, atol=1e-5)
    assert volume.identity.kernel == "B45f"


def test_slices_displaced_within_their_plane_are_shifted_back_and_said(tmp_path, dicom_series):
    plan = dicom_series.SeriesPlan()
    row, column, _normal = dicom_series.directions(plan)
    shifts_mm = np.random.default_rng(2).uniform(-3, 3, (plan.count, 2))
    places = dicom_series.origins(plan) + shifts_mm[:, :1] * row + shifts_mm[:, 1:] * column
    dicom_series.write_series(tmp_path, replace(plan, origins_lps_mm=places))
    volume = read_volume(tmp_path)
    assert "beside each other in their plane" in volume.notes[0]
    assert dicom_series.is_right_angled(volume)
    assert dicom_series.largest_ramp_error_hu(volume) <= HALF_A_HU_TWICE


def test_slices_far_beside_each_other_are_refused(tmp_path, dicom_series, refused):
    plan = dicom_series.SeriesPlan()
    places = dicom_series.origins(plan)
    places[6:, 0] += 60.0
    dicom_series.write_series(tmp_path, replace(plan, origins_lps_mm=places))
    with refused("has slices that lie up to 60 mm beside each other"):
        read_volume(tmp_path)
