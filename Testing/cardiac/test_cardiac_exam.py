"""What scanners send beside a clean cine: every kind is read right or refused in a sentence that says why."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from CardiacBiomechLib.cine.dicom_cine import list_runs, look_through
from CardiacBiomechLib.cine.read_cine import read_cine
from fixtures.cine_exam import ExamWriter, shares, whole
from ThoraxAILib.io.slices.dicom_headers import files_below
from ThoraxAILib.jobs.progress import Progress

ALL = list(range(25))


@pytest.fixture
def exam(tmp_path):
    """A writer of series into an empty folder."""
    return ExamWriter(tmp_path)


def in_order(cine, slices: int) -> bool:
    return all(shares(cine, k) == ALL for k in range(slices))


def told(cine) -> str:
    return " ".join(cine.notes)


def test_a_whole_cine_is_read_in_order_and_says_what_was_read(exam):
    cine = read_cine(exam.cine(whole()).folder)
    assert in_order(cine, 4)
    assert cine.notes == ()
    assert cine.times_ms == tuple(30.0 * t for t in ALL)
    assert "4 short-axis slices 8.0 mm apart with 25 phases each" in cine.source
    assert cine.whole_cycle


@pytest.mark.parametrize("short", [1, 4, 12])
def test_a_slice_with_half_the_phases_or_less_is_left_out_and_not_stretched(exam, short):
    cine = read_cine(exam.cine([ALL, ALL, ALL, ALL[:short]]).folder)
    assert cine.frames[0].array.shape[0] == 3
    assert in_order(cine, 3)
    assert f"{short} of 25" in told(cine) or "single-phase" in told(cine)


def test_a_left_out_slice_between_others_keeps_its_place(exam):
    cine = read_cine(exam.cine([ALL, ALL, ALL[:12], ALL]).folder)
    assert cine.frames[0].array.shape[0] == 4
    assert cine.frames[0].spacing_kji_mm[0] == pytest.approx(8.0)
    assert shares(cine, 3) == ALL
    middle = (cine.frames[9].array[1] + cine.frames[9].array[3]) / 2
    np.testing.assert_allclose(cine.frames[9].array[2], middle, atol=0.5)
    assert "filled by linear interpolation" in told(cine)


def test_phases_are_matched_by_trigger_time_and_not_by_index(exam):
    lacking = [t for t in ALL if not 8 <= t <= 15]
    cine = read_cine(exam.cine([ALL, ALL, lacking, ALL]).folder)
    found = shares(cine, 2)
    assert [found[t] for t in lacking] == lacking
    assert set(found[8:16]) <= {7, 16}
    assert "nearest phase by trigger time" in told(cine)


def test_a_slice_with_another_number_of_phases_over_the_cycle_is_matched_by_time(exam):
    exam.cine([ALL, ALL, ALL])
    exam.cine([[], [], [], list(range(20))], of=20, number=1, step_ms=37.5)
    cine = read_cine(exam.folder)
    assert in_order(cine, 3)
    assert np.abs(np.array(shares(cine, 3)) - ALL).max() <= 1


def test_a_stopped_repeat_does_not_replace_the_whole_run(exam):
    exam.cine(whole())
    exam.cine([ALL[:4]], number=50, offset=1000)
    assert in_order(read_cine(exam.folder), 4)


def test_a_whole_repeat_is_the_one_that_is_read(exam):
    exam.cine(whole())
    exam.cine([ALL], number=50, offset=1)
    cine = read_cine(exam.folder)
    assert cine.frames[0].array[0, 0, 0] == 11
    assert "acquired more than once" in told(cine)


@pytest.mark.parametrize("kind", ["P", "PHASE MAP", "VELOCITY MAP", "R", "I"])
def test_a_later_phase_contrast_series_does_not_replace_the_cine(exam, kind):
    exam.cine(whole()).cine(whole(), number=40, kind=kind, offset=2000)
    cine = read_cine(exam.folder)
    assert in_order(cine, 4)
    assert len(cine.frames) == 25
    assert "100 that show the" in told(cine)


def test_magnitude_and_phase_images_in_one_series_are_told_apart(exam):
    exam.cine(whole(), one_series=True).cine(whole(), one_series=True, kind="P", offset=2000)
    cine = read_cine(exam.folder)
    assert len(cine.frames) == 25
    assert in_order(cine, 4)


def test_phase_images_that_only_their_rescale_tells_are_left_out(exam):
    def rescaled(item, k, t):
        item.RescaleSlope, item.RescaleIntercept = 2, -4096
        return item

    exam.cine(whole(), one_series=True).cine(whole(), one_series=True, offset=2000, change=rescaled)
    cine = read_cine(exam.folder)
    assert len(cine.frames) == 25


def test_phase_images_of_ge_are_known_by_their_private_attribute(exam):
    def private(item, k, t):
        block = item.private_block(0x0043, "GEMS_PARM_01", create=True)
        block.add_new(0x2F, "SS", 1)
        return item

    exam.cine(whole()).cine(whole(), number=40, kind="OTHER", offset=2000, change=private)
    assert in_order(read_cine(exam.folder), 4)


def test_a_late_enhancement_stack_of_the_same_geometry_does_not_forbid_the_cine(exam):
    exam.cine(whole()).cine([[0]] * 4, number=99, offset=500)
    cine = read_cine(exam.folder)
    assert in_order(cine, 4)
    assert "single-phase images" in told(cine)


def test_a_dynamic_series_of_many_beats_is_no_cine(exam):
    exam.cine(whole(), number=1)
    exam.cine(whole(4, 60), number=40, offset=3000, step_ms=900.0)
    assert in_order(read_cine(exam.folder), 4)


def without(*names):
    def change(item, k, t):
        for name in names:
            if name in item:
                delattr(item, name)
        return item

    return change


def test_without_trigger_times_the_order_is_that_of_the_instances_and_times_are_unknown(exam):
    cine = read_cine(exam.cine(whole(), change=without("TriggerTime")).folder)
    assert in_order(cine, 4)
    assert cine.times_ms is None
    assert "times are unknown" in told(cine)


def test_trigger_times_of_zero_everywhere_are_no_times(exam):
    def zero(item, k, t):
        item.TriggerTime = 0.0
        return item

    cine = read_cine(exam.cine(whole(), change=zero).folder)
    assert in_order(cine, 4)
    assert cine.times_ms is None


@pytest.mark.parametrize("lacking", [{11}, {0}, {24}, {3, 4, 17}])
@pytest.mark.parametrize("how", ["absent", "zero"])
def test_images_that_lack_their_trigger_time_keep_their_place(exam, lacking, how):
    def change(item, k, t):
        if t in lacking:
            if how == "zero":
                item.TriggerTime = 0.0
            else:
                del item.TriggerTime
        return item

    cine = read_cine(exam.cine(whole(), change=change).folder)
    assert in_order(cine, 4)
    assert cine.times_ms == pytest.approx([30.0 * t for t in ALL], abs=1e-6)


def test_phases_that_nothing_puts_in_order_are_refused(exam, refused):
    exam.cine(whole(), change=without("TriggerTime", "InstanceNumber"))
    with refused("cannot be put in order"):
        read_cine(exam.folder)


def test_every_file_twice_is_read_once(exam):
    exam.cine(whole())
    for file in files_below(exam.folder):
        shutil.copy(file, exam.folder / f"again_{file.name}")
    cine = read_cine(exam.folder)
    assert len(cine.frames) == 25
    assert in_order(cine, 4)
    assert "100 images that are there twice" in told(cine)


def test_files_exported_twice_under_new_instance_uids_are_read_once(exam):
    exam.cine(whole(), one_series=True).cine(whole(), one_series=True)
    cine = read_cine(exam.folder)
    assert len(cine.frames) == 25
    assert in_order(cine, 4)


@pytest.mark.parametrize("restart", [True, False])
def test_of_two_beats_the_first_whole_one_is_read(exam, restart):
    def beats(item, k, t):
        item.TriggerTime = 30.0 * (t % 25 if restart else t)
        return item

    cine = read_cine(exam.cine([list(range(50))] * 4, change=beats).folder)
    assert len(cine.frames) == 25
    assert in_order(cine, 4)


def test_half_a_cycle_says_that_it_does_not_close(exam):
    cine = read_cine(exam.cine(whole(4, 12)).folder)
    assert not cine.whole_cycle
    assert "does not lead back" in told(cine)


def test_two_phases_are_no_cine_with_curves(exam):
    cine = read_cine(exam.cine([[0, 12]] * 4).folder)
    assert not cine.whole_cycle
    assert "2 phases only" in told(cine)


def test_slices_of_different_single_phases_are_not_mixed_into_one_frame(exam):
    """One slice with 25 phases, one with the first two, two with the first and the tenth."""
    cine = read_cine(exam.cine([[0, 10], [0, 10], ALL, [0, 1]]).folder)
    assert len(cine.frames) == 2
    assert cine.times_ms == (0.0, 300.0)
    assert cine.frames[1].array.shape[0] == 3


def test_the_short_axis_is_found_beside_a_larger_stack_of_another_plane(exam):
    short_axis = (0.792067, 0.0, 0.610434, 0.377686, 0.785613, -0.490067)
    exam.cine(whole(4), orientation=short_axis)
    exam.cine(whole(6), number=50, orientation=(1, 0, 0, 0, 1, 0), offset=1000)
    cine = read_cine(exam.folder)
    assert cine.frames[0].array.shape[0] == 4
    assert in_order(cine, 4)


def test_the_series_of_an_exam_are_listed_with_what_is_read(exam):
    exam.cine(whole(2)).cine([ALL], number=40, kind="P").cine([[0]], number=60)
    rows = list_runs(look_through(files_below(exam.folder), "exam", Progress()))
    assert [(row.series_number, row.kind, row.phases, row.read) for row in rows] == [
        (1, "magnitude", 25, True),
        (2, "magnitude", 25, True),
        (40, "phase", 25, False),
        (60, "magnitude", 1, False),
    ]


def test_an_exam_in_zip_archives_is_read_without_unpacking_it(exam, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    ExamWriter(source).cine(whole())
    shutil.make_archive(str(tmp_path / "packed"), "zip", source)
    assert in_order(read_cine(tmp_path / "packed.zip"), 4)
