"""Series as people have them: tags that vary, one volume over many UIDs, several volumes in one series."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from pydicom.uid import generate_uid

from ThoraxAILib.io import find_series, read_volume

HALF_A_HU_TWICE = 1.01


def at(every: int, name: str, value: object):
    """Set an attribute in every n-th image; None deletes it."""

    def change(dataset, k):
        if k % every == 0:
            if value is None:
                delattr(dataset, name)
            else:
                setattr(dataset, name, value)

    return change


def from_slice(first: int, name: str, value: object):
    def change(dataset, k):
        if k >= first:
            setattr(dataset, name, value)

    return change


VARYING = {
    "kernel missing in every third image": (at(3, "ConvolutionKernel", None), "missing in 4 of 12 images"),
    "kernel missing in every second image": (at(2, "ConvolutionKernel", None), "missing in 6 of 12 images"),
    "kernel empty in one image": (at(12, "ConvolutionKernel", ""), "missing in 1 of 12 images"),
    "kernel spelled with a space": (at(2, "ConvolutionKernel", "b30f "), ""),
    "another kernel in a quarter": (at(4, "ConvolutionKernel", "B35f"), "kernel varies .*3 of 12 images are not B30f"),
    "another kernel in the upper part": (from_slice(7, "ConvolutionKernel", "B35f"), "kernel varies"),
    "pixel spacing rounded in half of it": (from_slice(6, "PixelSpacing", [1.103, 0.902]), "PixelSpacing differs"),
    "pixel spacing rounded here and there": (at(3, "PixelSpacing", [1.1, 0.9002]), "PixelSpacing differs"),
    "frame of reference in every image": (
        lambda dataset, k: setattr(dataset, "FrameOfReferenceUID", f"1.2.{k}"),
        "12 different FrameOfReferenceUIDs",
    ),
    "frame of reference missing in some": (at(4, "FrameOfReferenceUID", ""), ""),
    "acquisition number in every image": (lambda dataset, k: setattr(dataset, "AcquisitionNumber", k), ""),
    "acquisition number missing in some": (at(5, "AcquisitionNumber", None), ""),
    "thickness written in two ways": (at(2, "SliceThickness", "7.001"), ""),
    "image type derived in some": (at(4, "ImageType", ["DERIVED", "SECONDARY", "AXIAL"]), ""),
    "contrast stated in some": (at(3, "ContrastBolusAgent", "Other"), ""),
    "orientation rounded": (at(2, "ImageOrientationPatient", [1, 0.001, 0, -0.001, 1, 0]), ""),
    "modality missing everywhere": (at(1, "Modality", None), ""),
    "modality missing in some": (at(3, "Modality", None), ""),
    "study date in one image": (at(12, "StudyDate", "20240201"), ""),
}


@pytest.mark.parametrize(("change", "note"), VARYING.values(), ids=VARYING)
def test_a_tag_that_varies_within_a_series_leaves_no_slice_out(tmp_path, dicom_series, change, note):
    dicom_series.write_series(tmp_path, change=change)
    volume = read_volume(tmp_path)
    assert volume.array.shape == (12, 20, 24)
    assert volume.spacing_ijk_mm[2] == pytest.approx(2.5, abs=1e-3)
    assert re.search(note, " ".join(volume.notes)) if note else volume.notes == ()
    if "PixelSpacing" not in note:
        assert dicom_series.largest_ramp_error_hu(volume) <= 1.6
    assert len(find_series(tmp_path)) == 1


def test_images_of_another_size_leave_the_complete_part_and_are_told(tmp_path, dicom_series):
    def smaller(dataset, k):
        if k % 4 == 1:
            dataset.PixelData = dicom_series.stored_values(dataset)[:10].tobytes()
            dataset.Rows = 10

    dicom_series.write_series(tmp_path, replace(dicom_series.SeriesPlan(), count=24), smaller)
    volume = read_volume(tmp_path)
    assert volume.array.shape[1:] == (20, 24)
    assert volume.spacing_ijk_mm[2] == pytest.approx(2.5, abs=1e-3)
    assert any("missing slices were filled" in note for note in volume.notes)
    assert any("Left out: series 1 part 2" in note for note in volume.notes)


def new_uid(*names: str):
    def change(dataset, _k):
        for name in names:
            setattr(dataset, name, generate_uid())

    return change


def in_turn(*changes):
    def change(dataset, k):
        for one in changes:
            one(dataset, k)

    return change


SPREAD = {
    "a series in every image": (new_uid("SeriesInstanceUID"), "12 SeriesInstanceUIDs"),
    "a study in every image": (new_uid("StudyInstanceUID"), "12 StudyInstanceUIDs"),
    "all three in every image": (
        new_uid("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"),
        "12 StudyInstanceUIDs and 12 SeriesInstanceUIDs",
    ),
    "a series and its number in every image": (
        in_turn(new_uid("SeriesInstanceUID"), lambda dataset, k: setattr(dataset, "SeriesNumber", k)),
        "12 SeriesInstanceUIDs",
    ),
    "a new series from the middle on": (from_slice(6, "SeriesInstanceUID", "1.2.9"), "2 SeriesInstanceUIDs"),
    "a new series from the second on": (from_slice(1, "SeriesInstanceUID", "1.2.9"), "2 SeriesInstanceUIDs"),
    "a new study from the ninth on": (from_slice(9, "StudyInstanceUID", "1.2.9"), "2 StudyInstanceUIDs"),
    "no series UID": (at(1, "SeriesInstanceUID", None), ""),
}


@pytest.mark.parametrize(("change", "note"), SPREAD.values(), ids=SPREAD)
def test_one_volume_spread_over_uids_is_stacked_and_said(tmp_path, dicom_series, change, note):
    paths = dicom_series.write_series(tmp_path, change=change)
    volume = read_volume(tmp_path)
    assert volume.array.shape == (12, 20, 24)
    assert dicom_series.largest_ramp_error_hu(volume) <= HALF_A_HU_TWICE
    assert note in " ".join(volume.notes)
    (series,) = find_series(tmp_path)
    assert np.array_equal(read_volume(tmp_path, series.choice or None).array, volume.array)
    assert read_volume(paths[3]).array.shape[0] == 12


def other_person(dataset, k):
    dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientID = f"P{k % 2}"


PLACES_MM = (0, 3, 4, 9, 11, 20, 21, 33, 40, 52, 53, 71)
NOT_ONE = {
    "persons": (other_person, "has 6 slices"),
    "days": (
        in_turn(new_uid("SeriesInstanceUID"), lambda dataset, k: setattr(dataset, "StudyDate", f"202401{k + 10}")),
        "is spread over 12 SeriesInstanceUIDs and its images were acquired on different days",
    ),
    "times": (
        in_turn(
            new_uid("SeriesInstanceUID"), lambda dataset, k: setattr(dataset, "AcquisitionTime", f"{k + 8:02d}0000")
        ),
        "is spread over 12 SeriesInstanceUIDs and its images were acquired over 660 minutes",
    ),
    "places": (
        in_turn(
            new_uid("SeriesInstanceUID"),
            lambda dataset, k: setattr(dataset, "ImagePositionPatient", [0, 0, PLACES_MM[k]]),
        ),
        "is spread over 12 SeriesInstanceUIDs and",
    ),
}


@pytest.mark.parametrize(("change", "words"), NOT_ONE.values(), ids=NOT_ONE)
def test_images_that_are_no_volume_together_are_refused_with_one_cause(tmp_path, dicom_series, refused, change, words):
    dicom_series.write_series(tmp_path, change=change)
    with refused(words):
        read_volume(tmp_path)


def brighter(module, by: int, *changes):
    def change(dataset, k):
        dataset.PixelData = (module.stored_values(dataset) + by).tobytes()
        for one in changes:
            one(dataset, k)

    return change


def stated(name: str, value: object):
    return lambda dataset, _k: setattr(dataset, name, value)


def clock(start_s: float, step_s: float = 0.1):
    def change(dataset, k):
        seconds = start_s + k * step_s
        dataset.AcquisitionTime = f"10{int(seconds // 60):02d}{seconds % 60:07.4f}"

    return change


TOLD_APART = {
    "acquisition number": (stated("AcquisitionNumber", 1), stated("AcquisitionNumber", 2), "AcquisitionNumber"),
    "acquisition number, missing in some of one": (
        in_turn(stated("AcquisitionNumber", 1), at(4, "AcquisitionNumber", None)),
        stated("AcquisitionNumber", 2),
        "AcquisitionNumber",
    ),
    "trigger": (stated("TriggerTime", 100), stated("TriggerTime", 400), "TriggerTime"),
    "kernel": (stated("ConvolutionKernel", "B30f"), stated("ConvolutionKernel", "B70f"), "ConvolutionKernel"),
    "one time for each": (stated("AcquisitionTime", "100000"), stated("AcquisitionTime", "100020"), "AcquisitionTime"),
    "a time in every image": (clock(0), clock(20), "time"),
    "description": (stated("SeriesDescription", "CT 0%"), stated("SeriesDescription", "CT 50%"), "SeriesDescription"),
    "frame of reference": (
        stated("FrameOfReferenceUID", "1.2.3"),
        stated("FrameOfReferenceUID", "1.2.4"),
        "FrameOfReferenceUID",
    ),
    "order of the images": (
        lambda dataset, k: setattr(dataset, "InstanceNumber", k),
        lambda dataset, k: setattr(dataset, "InstanceNumber", 100 + k),
        "the order of their InstanceNumber",
    ),
    "nothing but the content": (lambda dataset, k: None, lambda dataset, k: None, "their content"),
}


@pytest.mark.parametrize(("one", "two", "by"), TOLD_APART.values(), ids=TOLD_APART)
def test_two_volumes_of_one_series_are_told_apart_listed_and_can_be_chosen(tmp_path, dicom_series, one, two, by):
    dicom_series.write_series(tmp_path, change=one)
    dicom_series.write_series(tmp_path, change=brighter(dicom_series, 50, two), prefix="second")
    found = find_series(tmp_path)
    assert [series.usable for series in found] == [True, True]
    volumes = [read_volume(tmp_path, series.choice) for series in found]
    difference = volumes[1].array.astype(int) - volumes[0].array
    assert set(np.unique(np.abs(difference))) == {50}
    default = read_volume(tmp_path)
    assert f"told apart by {by}" in " ".join(default.notes)
    assert found[1].choice in default.notes[0]
    assert "asked" not in default.notes[0]
    assert np.array_equal(default.array, volumes[0].array)


def test_two_passes_that_overlap_are_two_volumes(tmp_path, dicom_series):
    plan = dicom_series.SeriesPlan(count=30)
    places = dicom_series.origins(plan)
    first, second = replace(plan, origins_lps_mm=places[:18]), replace(plan, origins_lps_mm=places[14:])
    dicom_series.write_series(tmp_path, first, stated("AcquisitionNumber", 1))
    dicom_series.write_series(tmp_path, second, brighter(dicom_series, 3, stated("AcquisitionNumber", 2)), prefix="b")
    assert [series.slice_count for series in find_series(tmp_path)] == [18, 16]
    assert "told apart by AcquisitionNumber" in " ".join(read_volume(tmp_path).notes)


@pytest.mark.parametrize("where", [0, 5, 11])
@pytest.mark.parametrize("tag", [None, "AcquisitionNumber", "InstanceNumber", "ConvolutionKernel"])
def test_of_a_slice_sent_again_the_one_like_its_neighbors_is_kept(tmp_path, dicom_series, where, tag):
    dicom_series.write_series(tmp_path)

    def marked(dataset, k):
        values = dicom_series.stored_values(dataset)
        values[:4, :4] = 2000
        dataset.PixelData = values.tobytes()
        if tag is not None:
            setattr(dataset, tag, "77")

    plan = dicom_series.SeriesPlan()
    again = replace(plan, origins_lps_mm=dicom_series.origins(plan)[where : where + 1])
    dicom_series.write_series(tmp_path, again, marked, prefix="again")
    volume = read_volume(tmp_path)
    assert volume.array.shape[0] == 12
    assert dicom_series.largest_ramp_error_hu(volume) <= HALF_A_HU_TWICE
    assert "1 slice was sent again with other pixels" in " ".join(volume.notes)


@pytest.mark.parametrize(
    "spelled",
    ["HU", "hu ", "Hounsfield", "Houndsfield", "HOUNSFIELD UNIT", "Hounsfield_Units", "[HU]", "H.U.", "US", ""],
)
def test_hounsfield_units_are_known_however_they_are_spelled(tmp_path, dicom_series, spelled):
    dicom_series.write_series(tmp_path, change=stated("RescaleType", spelled))
    assert dicom_series.largest_ramp_error_hu(read_volume(tmp_path)) <= HALF_A_HU_TWICE


@pytest.mark.parametrize("other", ["Z_EFF", "MGML", "ED", "HU_MOD", "PCT", "EDW"])
def test_other_units_stay_refused(tmp_path, dicom_series, refused, other):
    dicom_series.write_series(tmp_path, change=stated("RescaleType", other))
    with refused(f"has values in {other}, not HU"):
        read_volume(tmp_path)
