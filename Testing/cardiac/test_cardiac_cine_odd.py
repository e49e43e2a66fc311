"""Cines as people have them: tags that vary within one, spread over UIDs, sent twice, packed, with odd geometry."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cases.study_input import read_study
from CardiacBiomechLib.cine.dicom_cine import look_through, read_exam_cine
from CardiacBiomechLib.cine.read_cine import read_cine
from CardiacBiomechLib.model.person import Person
from fixtures.cine_exam import ExamWriter, shares, whole
from ThoraxAILib.io.slices.dicom_headers import files_below
from ThoraxAILib.jobs.progress import Progress

ALL = list(range(25))
SHEAR_DEGREES = {"rounding": 0.006, "a little": 2.0}


@pytest.fixture
def exam(tmp_path):
    """A writer of series into an empty folder."""
    folder = tmp_path / "exam"
    folder.mkdir()
    return ExamWriter(folder)


def is_whole(cine, slices: int = 4) -> bool:
    """Whether every slice shows every phase, in order."""
    return len(cine.frames) == 25 and all(shares(cine, k) == ALL for k in range(slices))


def changed(**attributes: Callable[[int, int], object]):
    """Set attributes of an image by slice and phase; a value of None takes one away."""

    def change(item, k: int, t: int):
        for name, value_of in attributes.items():
            value = value_of(k, t)
            if value is None:
                delattr(item, name)
            else:
                setattr(item, name, value)
        return item

    return change


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (changed(PixelSpacing=lambda k, _t: [1.505, 1.505] if k == 2 else [1.5, 1.5]), "PixelSpacing differs"),
        (changed(PixelSpacing=lambda _k, t: [1.505, 1.505] if t % 10 == 3 else [1.5, 1.5]), "PixelSpacing differs"),
        (changed(StudyInstanceUID=lambda k, _t: f"1.2.{k + 1}"), "4 StudyInstanceUIDs"),
        (changed(StudyInstanceUID=lambda k, t: f"1.2.{k + 1}.{t}"), "100 StudyInstanceUIDs"),
        (changed(SeriesInstanceUID=lambda k, t: f"1.2.{k + 1}.{t}"), "25 SeriesInstanceUIDs"),
        (changed(SeriesInstanceUID=lambda _k, t: f"1.2.9.{t}"), "25 SeriesInstanceUIDs"),
        (changed(SeriesInstanceUID=lambda k, t: f"1.2.{k + 1}.{t // 13}"), "2 SeriesInstanceUIDs"),
        (changed(FrameOfReferenceUID=lambda k, t: f"1.2.{k + 1}.{t}"), ""),
        (changed(ImageType=lambda _k, t: None if t % 10 == 3 else ["ORIGINAL", "PRIMARY", "M"]), ""),
        (changed(SeriesNumber=lambda k, t: None if t % 10 == 3 else k + 1), ""),
    ],
)
def test_what_varies_within_a_cine_leaves_no_image_out(exam, change, note):
    cine = read_cine(exam.cine(whole(), change=change).folder)
    assert is_whole(cine)
    assert cine.frames[0].spacing_kji_mm == pytest.approx((8.0, 1.5, 1.5))
    assert note in " ".join(cine.notes)
    assert bool(note) == bool(cine.notes)


def test_another_field_of_view_is_no_part_of_the_cine(exam):
    exam.cine(whole())
    exam.cine(whole(2), number=40, change=changed(PixelSpacing=lambda _k, _t: [1.9, 1.9]))
    cine = read_cine(exam.folder)
    assert is_whole(cine)
    assert "50 of another plane, size or study" in " ".join(cine.notes)


def test_two_whole_exams_of_two_days_are_not_mixed(exam):
    exam.cine(whole(4))
    other = changed(StudyInstanceUID=lambda _k, _t: "1.2.77", StudyDate=lambda _k, _t: "20240101")
    exam.cine(whole(3), number=40, offset=1000, change=other)
    assert is_whole(read_cine(exam.folder))


@pytest.mark.parametrize("offset", [0, 700])
@pytest.mark.parametrize("times", [True, False])
def test_an_image_sent_again_shifts_no_phase(exam, offset, times):
    no_times = None if times else changed(TriggerTime=lambda _k, _t: None)
    exam.cine(whole(), change=no_times).cine([[], [5]], offset=offset, change=no_times)
    cine = read_cine(exam.folder)
    assert is_whole(cine)
    assert "1 image was sent again" in " ".join(cine.notes)


def test_a_late_single_phase_is_not_taken_for_a_phase_of_the_cine(exam):
    exam.cine(whole())
    exam.cine([[26]] * 4, number=40, offset=1000)  # at the time of one more phase
    assert is_whole(read_cine(exam.folder))


def packed(folder: Path, form: str, target: Path) -> Path:
    return Path(shutil.make_archive(str(target / "packed"), form, folder))


@pytest.mark.parametrize("form", ["zip", "gztar", "tar"])
def test_an_archive_reads_like_its_exam(exam, tmp_path, form):
    assert is_whole(read_cine(packed(exam.cine(whole()).folder, form, tmp_path)))


@pytest.mark.parametrize("given", ["DICOMDIR", "."])
def test_a_dicomdir_stands_for_its_exam(exam, tmp_path, given):
    from pydicom import dcmread
    from pydicom.fileset import FileSet

    files = FileSet()
    for file in sorted(exam.cine(whole()).folder.iterdir()):
        image = dcmread(file)
        image.PatientName, image.StudyDate, image.StudyTime, image.StudyID = "a", "20240101", "120000", "1"
        files.add(image)
    files.write(tmp_path / "disc")
    assert is_whole(read_cine(tmp_path / "disc" / given))
    found = read_study(tmp_path / "disc" / given, None, 1, False, StudyOptions(), Person(), Progress())
    assert is_whole(found.cine)


@pytest.fixture
def image_file(exam, tmp_path):
    """The same cine as a 4-D NIfTI file."""
    frames = read_cine(exam.cine(whole()).folder).frames
    image = sitk.JoinSeries([sitk.GetImageFromArray(frame.array) for frame in frames], 0.0, 30.0)
    image.SetSpacing((1.5, 1.5, 8.0, 30.0))
    folder = tmp_path / "file"
    folder.mkdir()
    sitk.WriteImage(image, str(folder / "cine.nii.gz"))
    return folder / "cine.nii.gz"


@pytest.mark.parametrize("form", ["zip", "gztar", None])
def test_an_image_file_is_read_out_of_its_folder_or_archive(image_file, tmp_path, form):
    path = packed(image_file.parent, form, tmp_path) if form else image_file.parent
    assert is_whole(read_cine(path))
    assert is_whole(read_study(path, None, 1, False, StudyOptions(), Person(), Progress()).cine)


def test_a_mask_beside_the_cine_is_left_out_and_that_is_said(image_file):
    shutil.copy(image_file, image_file.with_name("cine_gt.nii.gz"))
    cine = read_cine(image_file.parent)
    assert is_whole(cine)
    assert "1 mask was left out" in " ".join(cine.notes)


def test_several_cines_in_one_folder_are_refused(image_file, refused):
    shutil.copy(image_file, image_file.with_name("other.nii.gz"))
    with refused("holds 2 image files"):
        read_cine(image_file.parent)


@pytest.mark.parametrize("bend", SHEAR_DEGREES)
def test_a_bent_sform_is_straightened(image_file, bend):
    nibabel = pytest.importorskip("nibabel")
    stored = nibabel.load(image_file)
    affine = stored.affine.copy()
    affine[0, 2] += 8.0 * np.tan(np.radians(SHEAR_DEGREES[bend]))
    bent = nibabel.Nifti1Image(np.asarray(stored.dataobj), None)
    bent.set_sform(affine, 1)
    bent.set_qform(None, 0)
    path = image_file.with_name("bent.nii.gz")
    nibabel.save(bent, path)
    cine = read_cine(path)
    assert is_whole(cine)
    corner = np.array([3, 12, 12])
    there = cine.frames[0].ras_from_kji(corner)
    assert np.linalg.norm(there - (affine @ (*corner[::-1], 1.0))[:3]) < 1.5  # moved by less than a pixel


def test_nifti_2_is_read_with_its_times(image_file):
    nibabel = pytest.importorskip("nibabel")
    stored = nibabel.load(image_file)
    again = nibabel.Nifti2Image(np.asarray(stored.dataobj), stored.affine)
    again.header.set_zooms((1.5, 1.5, 8.0, 0.03))
    again.header.set_xyzt_units("mm", "sec")
    path = image_file.with_name("two.nii")
    nibabel.save(again, path)
    cine = read_cine(path)
    assert is_whole(cine)
    assert cine.times_ms == pytest.approx([30.0 * t for t in ALL])


def test_an_unknown_orientation_is_said(image_file):
    nibabel = pytest.importorskip("nibabel")
    unknown = nibabel.Nifti1Image(np.asarray(nibabel.load(image_file).dataobj), None)
    unknown.set_sform(None, 0)
    unknown.set_qform(None, 0)
    path = image_file.with_name("unknown.nii.gz")
    nibabel.save(unknown, path)
    assert "states no orientation" in " ".join(read_cine(path).notes)


def test_a_file_cut_short_is_refused(image_file, refused):
    content = gzip.decompress(image_file.read_bytes())
    path = image_file.with_name("cut.nii")
    path.write_bytes(content[: len(content) * 2 // 3])
    with refused("'cut.nii' cannot be read as NIfTI"):
        read_cine(path)


def test_a_missing_path_is_told_as_it_was_given(tmp_path, refused):
    path = tmp_path / "no" / "such.nii.gz"
    with refused(f"'{path}' does not exist"):
        read_cine(path)
    with refused(f"'{path}' does not exist"):
        read_study(path, None, 1, False, StudyOptions(), Person(), Progress())


def test_an_exam_says_of_how_many_images_it_read_which(exam):
    exam.cine(whole()).cine(whole(2), number=40, kind="P")
    cine = read_cine(exam.folder)
    assert "series 1 to 4" in cine.source
    assert "of 6 series" in cine.source
    assert len(look_through(files_below(exam.folder), "exam", Progress()).images) == 150


def test_another_series_can_be_asked_for_and_that_is_said(exam, refused):
    exam.cine(whole(4)).cine(whole(3), number=40, offset=1000)
    files = files_below(exam.folder)
    chosen = look_through(files, "exam", Progress(), series=(40, 41, 42))
    cine = read_exam_cine(chosen, Progress())
    assert cine.frames[0].array.shape[0] == 3
    assert cine.frames[0].array.max() > 1000
    assert "series 40 to 42 of 7 series, as asked" in cine.source
    with refused("no MR images of series 99: choose among 1, 2, 3, 4, 40, 41, 42"):
        look_through(files, "exam", Progress(), series=(99,))


def test_a_time_of_zero_in_the_middle_of_a_slice_that_lacks_its_first_image_is_no_time(exam):
    """Found by the property test: image 20 says zero, image 1 is not there."""
    lacking = [ALL, ALL[1:], ALL, ALL]
    exam.cine(lacking, change=changed(TriggerTime=lambda k, t: 0.0 if (k, t) == (1, 19) else 30.0 * t))
    cine = read_cine(exam.folder)
    assert shares(cine, 1)[1:] == ALL[1:]
    assert shares(cine, 1)[0] == 1
