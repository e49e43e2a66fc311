"""What people keep scans in: archives, DICOMDIR, the folders of published data sets with their masks."""

from __future__ import annotations

import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from ThoraxAILib.io import find_cases, find_series, read_volume


def zipped(folder, archive):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                target.write(file, file.relative_to(folder))


def tarred(folder, archive):
    with tarfile.open(archive, "w:gz" if archive.name.endswith("gz") else "w") as target:
        target.add(folder, "study")


ARCHIVES = {".zip": zipped, ".tar.gz": tarred, ".tgz": tarred, ".tar": tarred, ".ZIP": zipped}


@pytest.mark.parametrize(("ending", "pack"), ARCHIVES.items(), ids=ARCHIVES)
def test_an_archive_reads_like_its_folder(tmp_path, dicom_series, ending, pack):
    dicom_series.write_series(tmp_path / "ct" / "deep")
    archive = tmp_path / f"study 1{ending}"
    pack(tmp_path / "ct", archive)
    (case,) = find_cases([archive])
    assert (case.name, case.path) == ("study_1", archive)
    volume = read_volume(case.path, case.selection)
    assert np.array_equal(volume.array, read_volume(tmp_path / "ct").array)
    (series,) = find_series(archive)
    assert (series.usable, series.files) == (True, (archive,))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ct", archive.name]


def test_an_archive_with_two_studies_is_two_cases(tmp_path, dicom_series):
    for number in (1, 2):
        plan = replace(dicom_series.SeriesPlan(), study_uid=f"1.2.{number}", series_uid=f"1.2.{number}.1")
        dicom_series.write_series(tmp_path / "all" / f"s{number}", plan)
    zipped(tmp_path / "all", tmp_path / "all.zip")
    cases = find_cases([tmp_path / "all.zip"])
    assert [case.name for case in cases] == ["all_s1", "all_s2"]
    assert [read_volume(c.path, c.selection).identity.study_uid for c in cases] == ["1.2.1", "1.2.2"]


def test_a_folder_of_archives_is_a_case_for_each(tmp_path, dicom_series):
    for name in ("a", "b"):
        dicom_series.write_series(tmp_path / name)
        (tmp_path / "packed").mkdir(exist_ok=True)
        zipped(tmp_path / name, tmp_path / "packed" / f"{name}.zip")
    assert [case.name for case in find_cases([tmp_path / "packed"])] == ["a", "b"]


def test_the_one_archive_of_a_folder_is_read_as_that_folder(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path / "dcm")
    folder = tmp_path / "given"
    folder.mkdir()
    zipped(tmp_path / "dcm", folder / "scan.zip")
    np.testing.assert_array_equal(read_volume(folder).array, read_volume(tmp_path / "dcm").array)


def test_an_image_file_in_an_archive_is_read(tmp_path):
    write_image(tmp_path / "in" / "ct.nrrd")
    zipped(tmp_path / "in", tmp_path / "ct.zip")
    assert read_volume(tmp_path / "ct.zip").array.shape == (9, 10, 11)


def bad_zip(path):
    path.write_bytes(b"PK\x03\x04" + b"\0" * 50)


def leaving_zip(path):
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("../out.dcm", b"x")


def empty_zip(path):
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("read me.txt", b"x")


BAD = {
    "damaged": ("x.zip", bad_zip, "is not a whole zip or tar archive"),
    "with a path that leaves it": ("x.zip", leaving_zip, "a path that leaves the archive's own folder"),
    "without an image": ("x.zip", empty_zip, "No CT series was found in 'x.zip'"),
    "of another kind": ("x.7z", lambda path: path.write_bytes(b"7z"), "is an archive .* unpack it"),
}


@pytest.mark.parametrize(("name", "make", "words"), BAD.values(), ids=BAD)
def test_an_archive_that_cannot_be_read_is_refused_in_one_sentence(tmp_path, refused, name, make, words):
    make(tmp_path / name)
    with refused(words):
        read_volume(tmp_path / name)
    with refused(words):
        find_cases([tmp_path / name])


def test_a_dicomdir_stands_for_its_folder(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path / "IMAGES")
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 20)
    for path in (tmp_path / "DICOMDIR", tmp_path):
        volume = read_volume(path)
        assert (volume.array.shape[0], volume.notes) == (12, ())
        (case,) = find_cases([path])
        assert read_volume(case.path, case.selection).array.shape[0] == 12


def write_image(path, mask: bool = False, dtype=np.int16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    values = random.integers(0, 3, (9, 10, 11)) if mask else random.integers(-1000, 300, (9, 10, 11))
    sitk.WriteImage(sitk.GetImageFromArray(values.astype(dtype)), str(path))


LAYOUTS = {
    "TotalSegmentator": (
        ["s1/ct.nii.gz", "s2/ct.nii.gz"],
        ["s1/segmentations/lung.nii.gz", "s2/segmentations/a.nii.gz"],
    ),
    "one case of TotalSegmentator": (["ct.nii.gz"], ["segmentations/lung.nii.gz", "segmentations/aorta.nii.gz"]),
    "MSD": (["imagesTr/lung_001.nii.gz", "imagesTs/lung_002.nii.gz"], ["labelsTr/lung_001.nii.gz"]),
    "nnU-Net": (["imagesTr/x_0000.nii.gz"], ["labelsTr/x.nii.gz"]),
    "LUNA16": (["subset0/a.mhd"], ["seg-lungs-LUNA16/a.mhd"]),
    "names": (["p1.nrrd", "p2.nrrd"], ["p1_mask.nrrd", "p2-label.nrrd", "p1 lung_mask.nrrd"]),
    "names that say nothing": (["a.nii", "b.nii.gz"], ["c.nii.gz", "d.nii"]),
    "a scan whose name says mask": (["masked_ct.nii.gz", "oxygen_mask_ct.nii.gz"], ["x.nii.gz"]),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize(("scans", "masks"), LAYOUTS.values(), ids=LAYOUTS)
def test_masks_beside_scans_are_no_cases_and_that_is_said(tmp_path, scans, masks, dtype):
    for scan in scans:
        write_image(tmp_path / scan)
    for mask in masks:
        write_image(tmp_path / mask, mask=True, dtype=dtype)
    notes: list[str] = []
    cases = find_cases([tmp_path], on_note=notes.append)
    assert sorted(case.path for case in cases) == sorted(tmp_path / scan for scan in scans)
    assert f"{len(masks)} mask" in notes[0]
    if len(scans) == 1:
        assert "left out" in " ".join(read_volume(tmp_path).notes)


def test_files_that_macos_left_are_no_cases(tmp_path):
    write_image(tmp_path / "imagesTr" / "a.nii.gz")
    (tmp_path / "imagesTr" / "._a.nii.gz").write_bytes(b"\0" * 100)
    assert [case.name for case in find_cases([tmp_path])] == ["imagesTr_a"]


def test_a_folder_that_a_name_repeats_is_named_once(tmp_path):
    for name in ("patient013/patient013_frame01.nii.gz", "patient014/patient014_frame01.nii.gz"):
        write_image(tmp_path / name)
    assert [case.name for case in find_cases([tmp_path])] == ["patient013_frame01", "patient014_frame01"]


def test_a_missing_path_is_told_as_it_was_given(tmp_path, refused):
    with refused("'.*deep/missing' does not exist"):
        read_volume(tmp_path / "deep" / "missing")
