"""A folder as it comes from a hospital: several series, scouts, reports, other files; one is picked and it is said."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from ThoraxAILib.io import find_series, read_volume
from ThoraxAILib.io.kernels import SHARP, SOFT, UNKNOWN, kernel_rank

KERNELS = {
    "B30f": SOFT,
    "B70f": SHARP,
    "Br40d\\3": SOFT,
    "Bl57f": SHARP,
    "I31f\\2": SOFT,
    "FC13": SOFT,
    "FC52": SHARP,
    "STANDARD": SOFT,
    "LUNG": SHARP,
    "BONEPLUS": SHARP,
    "CHST": SOFT,
    "C": SOFT,
    "YA": SHARP,
    "": UNKNOWN,
    "SOMETHING": UNKNOWN,
}


@pytest.mark.parametrize(("kernel", "rank"), KERNELS.items())
def test_kernels_of_the_vendors_are_told_soft_from_sharp(kernel, rank):
    assert kernel_rank(kernel) == rank


def series(module, number: int, **changes):
    """A plan with its own UID and number."""
    return replace(module.SeriesPlan(), series_number=number, series_uid=f"1.2.3.{number}", **changes)


def derived(dataset, _k):
    dataset.ImageType = ["DERIVED", "SECONDARY", "MPR"]


CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
RIVALS = {
    "axial before coronal": ({"orientation": CORONAL, "step_mm": 1.0, "count": 30}, {}, "it is axial"),
    "original before derived": ({"step_mm": 2.0, "count": 15}, {}, "it is original, not derived"),
    "whole before part": ({"step_mm": 1.0, "count": 8}, {}, "it covers more of the body"),
    "thin before thick": ({"step_mm": 5.0, "count": 8}, {"count": 16}, "its slices are closer"),
    "soft before sharp": ({"kernel": "B70f"}, {"kernel": "B40f"}, "its kernel is softer"),
    "lower number when all else is equal": ({}, {}, "its series number is lower"),
}


@pytest.mark.parametrize(("loser", "winner", "why"), RIVALS.values(), ids=RIVALS)
def test_the_stated_rule_picks_one_series_and_says_why(tmp_path, dicom_series, loser, winner, why):
    first = 9 if why == "its series number is lower" else 1
    change = derived if "derived" in why else None
    dicom_series.write_series(tmp_path, series(dicom_series, first, **loser), change, prefix="a")
    dicom_series.write_series(tmp_path, series(dicom_series, 5, **winner), prefix="b")
    volume = read_volume(tmp_path)
    assert volume.identity.series_uid == "1.2.3.5"
    assert f"Of 2 usable series, series 5 (CT, axial, {volume.array.shape[0]} slices" in volume.notes[0]
    assert f"was read because {why}; not read: series {first}" in volume.notes[0]


@pytest.fixture
def mixed_folder(tmp_path, dicom_series):
    """Two kernels, a scout, PET, a dose report, a DICOMDIR, a text file and an empty file, in nested folders."""

    def scout(dataset, _k):
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    dicom_series.write_series(tmp_path / "a" / "sharp", series(dicom_series, 2, kernel="B70f"))
    dicom_series.write_series(tmp_path / "a" / "soft", series(dicom_series, 3, kernel="B40f"))
    dicom_series.write_series(tmp_path / "a", series(dicom_series, 1, count=2, orientation=CORONAL), scout)
    dicom_series.write_series(tmp_path / "pet", series(dicom_series, 4, modality="PT"))
    report = dicom_series.slice_dataset(series(dicom_series, 99, modality="SR"), (0, 0, 0), 0)
    for name in ("Rows", "Columns", "PixelData"):
        delattr(report, name)
    report.save_as(tmp_path / "report", enforce_file_format=True)
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 20)
    (tmp_path / "read me.txt").write_text("Doe, Secret", encoding="utf-8")
    (tmp_path / "empty").touch()
    return tmp_path


def test_a_mixed_folder_gives_one_ct_and_lists_what_was_left_out(mixed_folder):
    volume = read_volume(mixed_folder)
    assert volume.identity.kernel == "B40f"
    assert "not read: series 2 (CT, axial, 12 slices every 2.5 mm, kernel B70f) 1.2.3.2" in volume.notes[0]
    assert "series 1 (CT, 2 images, kernel B30f) is a localizer" in volume.notes[1]
    assert "series 4 (PT, 12 images, kernel B30f) is PT, not CT" in volume.notes[1]


def test_any_usable_series_of_a_mixed_folder_can_be_asked_for(mixed_folder):
    volume = read_volume(mixed_folder, series_uid="1.2.3.2")
    assert volume.identity.kernel == "B70f"
    assert "because it was asked for" in volume.notes[0]


def test_asking_for_an_unknown_or_unusable_series_is_refused(mixed_folder, refused):
    with refused("The series '7.7' is not in .*, which holds series 1 .*: choose one of these"):
        read_volume(mixed_folder, series_uid="7.7")
    with refused("series 4 \\(PT, 12 images, kernel B30f\\) is PT, not CT"):
        read_volume(mixed_folder, series_uid="1.2.3.4")


def test_find_series_lists_every_series_with_what_a_person_needs_to_choose(mixed_folder):
    found = {entry.series_number: entry for entry in find_series(mixed_folder)}
    assert {number: entry.usable for number, entry in found.items()} == {1: False, 2: True, 3: True, 4: False}
    soft = found[3]
    assert (soft.slice_count, soft.rows, soft.columns, soft.kernel, soft.modality) == (12, 20, 24, "B40f", "CT")
    assert soft.spacing_ijk_mm == pytest.approx((0.9, 1.1, 2.5), abs=1e-4)
    assert (soft.slice_thickness_mm, len(soft.files), soft.plane) == (7.0, 12, "axial")
    assert found[4].reason == "is PT, not CT"


def test_no_patient_attribute_leaves_the_reader(mixed_folder, dicom_series):
    texts = [repr(entry) for entry in find_series(mixed_folder)]
    volume = read_volume(mixed_folder)
    texts += [repr(volume.identity), *volume.notes]
    assert not any("Secret" in text or "SECRET" in text or dicom_series.PATIENT_NAME in text for text in texts)
    assert not any("patient" in field.name for field in fields(find_series(mixed_folder)[0]))


def test_the_identity_of_the_series_is_kept(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path)
    identity = read_volume(tmp_path).identity
    assert identity.series_uid == "1.2.826.0.1.3680043.10.1.1"
    assert identity.study_uid == "1.2.826.0.1.3680043.10.1"
    assert identity.frame_of_reference_uid == "1.2.826.0.1.3680043.10.1.7"
    assert (identity.study_date, identity.kernel, identity.slice_thickness_mm) == ("20240131", "B30f", 7.0)
    assert (identity.contrast, identity.manufacturer) == ("Agent", "Maker")


def test_a_single_dicom_file_stands_for_its_series(tmp_path, dicom_series):
    paths = dicom_series.write_series(tmp_path, series(dicom_series, 2, kernel="B70f"), prefix="a")
    dicom_series.write_series(tmp_path, series(dicom_series, 3, kernel="B40f"), prefix="b")
    volume = read_volume(paths[6])
    assert volume.identity.kernel == "B70f"
    assert volume.array.shape == (12, 20, 24)


def test_files_without_preamble_are_read(tmp_path, dicom_series):
    for path in dicom_series.write_series(tmp_path):
        path.write_bytes(path.read_bytes()[132:])
    assert dicom_series.largest_ramp_error_hu(read_volume(tmp_path)) <= 0.51


def test_reading_changes_no_file(tmp_path, dicom_series):
    paths = dicom_series.write_series(tmp_path)
    before = [path.read_bytes() for path in paths]
    read_volume(tmp_path)
    assert [path.read_bytes() for path in paths] == before
    assert sorted(tmp_path.iterdir()) == sorted(paths)
