"""What a person names on the command line becomes a list of cases with unique names that say nothing of the patient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from ThoraxAILib.io import find_cases, read_volume


def write_image(path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(
        sitk.GetImageFromArray(np.random.default_rng(0).integers(-1000, 300, (8, 9, 10), np.int16)), str(path)
    )


def write_study(module, folder, number: int, **changes) -> None:
    plan = replace(module.SeriesPlan(), study_uid=f"1.2.{number}", series_uid=f"1.2.{number}.1", count=9)
    module.write_series(folder, replace(plan, **changes))


def test_each_image_file_of_a_folder_is_a_case_named_by_its_place(tmp_path):
    for name in ("one.nii.gz", "two.mha", "sub folder/one.nrrd", "one.seg.nrrd"):
        write_image(tmp_path / name)
    cases = find_cases([tmp_path])
    assert sorted(case.name for case in cases) == ["one", "sub_folder_one", "two"]
    assert all(read_volume(case.path, case.series_uid).array.shape == (8, 9, 10) for case in cases)


def test_each_study_below_a_folder_is_one_case_with_one_series(tmp_path, dicom_series):
    write_study(dicom_series, tmp_path / "first" / "soft", 1)
    write_study(dicom_series, tmp_path / "first" / "sharp", 1, series_uid="1.2.1.2", series_number=2, kernel="B70f")
    write_study(dicom_series, tmp_path / "second", 2)
    cases = {case.name: case for case in find_cases([tmp_path])}
    assert set(cases) == {"first_soft", "second"}
    assert (cases["first_soft"].study_uid, cases["first_soft"].series_uid) == ("1.2.1", "1.2.1.1")
    assert read_volume(cases["second"].path, cases["second"].series_uid).identity.study_uid == "1.2.2"


def test_a_folder_with_one_study_gives_the_case_its_name(tmp_path, dicom_series):
    write_study(dicom_series, tmp_path / "case 7" / "deep" / "deeper", 1)
    (tmp_path / "case 7" / "read me.txt").write_text("x", encoding="utf-8")
    (case,) = find_cases([tmp_path / "case 7"])
    assert case.name == "case_7"
    assert read_volume(case.path, case.series_uid).array.shape[0] == 9


def test_studies_in_one_flat_folder_are_numbered(tmp_path, dicom_series):
    for number in (1, 2):
        dicom_series.write_series(
            tmp_path / "all",
            replace(dicom_series.SeriesPlan(), study_uid=f"1.2.{number}", series_uid=f"1.2.{number}.1"),
            prefix=f"s{number}",
        )
    cases = find_cases([tmp_path / "all"])
    assert [case.name for case in cases] == ["all", "all_2"]
    uids = {read_volume(case.path, case.series_uid).identity.series_uid for case in cases}
    assert uids == {"1.2.1.1", "1.2.2.1"}


def test_both_series_of_a_study_are_two_cases_when_both_folders_are_named(tmp_path, dicom_series):
    write_study(dicom_series, tmp_path / "soft", 1)
    write_study(dicom_series, tmp_path / "sharp", 1, series_uid="1.2.1.2", kernel="B70f")
    assert [case.name for case in find_cases([tmp_path / "soft", tmp_path / "sharp"])] == ["soft", "sharp"]


def test_equal_names_are_made_unique_and_the_same_input_twice_is_one_case(tmp_path):
    for folder in ("a", "b"):
        write_image(tmp_path / folder / "CT.nrrd")
    inputs = [tmp_path / "a" / "CT.nrrd", tmp_path / "b" / "CT.nrrd", tmp_path / "a" / "CT.nrrd"]
    assert [case.name for case in find_cases(inputs)] == ["CT", "CT_2"]


def test_a_part_of_a_series_is_found_again_by_its_case(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path / "thin", dicom_series.SeriesPlan(count=12))
    dicom_series.write_series(tmp_path / "wide", dicom_series.SeriesPlan(count=11, step_mm=4.0, rows=22))
    (case,) = find_cases([tmp_path])
    assert case.series_uid.endswith("#2")
    assert read_volume(case.path, case.series_uid).array.shape == (11, 22, 24)


def test_a_dicom_file_is_a_case_named_by_the_file(tmp_path, dicom_series):
    paths = dicom_series.write_series(tmp_path)
    (case,) = find_cases([paths[0]])
    assert case.name == paths[0].stem
    assert read_volume(case.path, case.series_uid).array.shape[0] == 12


def folder_of_reports(path, module):
    report = module.slice_dataset(module.SeriesPlan(modality="SR"), (0, 0, 0), 0)
    del report.Rows
    path.mkdir()
    report.save_as(path / "report", enforce_file_format=True)
    (path / "x.txt").write_text("x", encoding="utf-8")


BAD_INPUTS = {
    "missing": (lambda path, module: None, "'.*input' does not exist"),
    "empty folder": (lambda path, module: path.mkdir(), "No CT series was found in 'input' \\(nothing found\\)"),
    "text file": (lambda path, module: path.write_text("x"), "is not an image this program reads"),
    "reports only": (folder_of_reports, "\\(1 SR object, 1 file of another kind found\\)"),
    "PET only": (lambda path, module: write_study(module, path, 1, modality="PT"), "is PT, not CT"),
    "too short": (lambda path, module: write_study(module, path, 1, count=3), "has 3 slices where a chest CT needs"),
}


@pytest.mark.parametrize(("make", "words"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_an_input_with_nothing_usable_is_refused_with_what_was_found(tmp_path, dicom_series, refused, make, words):
    make(tmp_path / "input", dicom_series)
    with refused(words):
        find_cases([tmp_path / "input"])


def test_no_input_at_all_is_refused(refused):
    with refused("No input was given"):
        find_cases([])
