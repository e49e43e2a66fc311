"""Cines from 4-D files, Slicer sequences and DICOM folders; bad ones refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacBiomechLib.cine.label_sequence import write_label_sequence
from CardiacBiomechLib.cine.read_cine import read_cine, read_frames
from CardiacBiomechLib.model.cine import Cine
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.registration.itk_images import itk_image

SHAPE, FRAMES = (4, 10, 12), 3
PHASES_MS = (0.0, 300.0, 600.0)


def oblique_grid() -> Grid:
    """A short-axis grid turned in the patient, right-handed in LPS."""
    q, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    q[:, 2] *= np.sign(np.linalg.det(q))
    matrix = np.eye(4)
    matrix[:3, :3] = q @ np.diag([1.5, 1.5, 8.0])
    matrix[:3, 3] = (12.0, -30.0, 55.0)
    return Grid(SHAPE, matrix)


@pytest.fixture
def frames():
    """Three frames of whole numbers."""
    random = np.random.default_rng(0)
    return [oblique_grid().volume(random.integers(0, 900, SHAPE).astype(np.float32)) for _ in range(FRAMES)]


def write_dicom(frames, folder: Path, skip=(), series_of=lambda k: k, sideways: float = 0.0) -> None:
    """One series per slice, file names in no order of position or time; each slice ``sideways`` of a step further."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import MRImageStorage

    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ frames[0].ijk_to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    orientation = [*(lps[:3, 0] / spacing[0]), *(lps[:3, 1] / spacing[1])]
    step = lps[:3, 2] + sideways * spacing[2] * lps[:3, 0] / spacing[0]
    names = np.random.default_rng(1).permutation(1000)
    for number, (k, frame) in enumerate(np.ndindex(SHAPE[0], len(frames))):
        if (k, frame) in skip:
            continue
        item = mr_slice(frames[frame].array[k], lps[:3, 3] + k * step, orientation, spacing)
        item.SeriesInstanceUID, item.SeriesNumber = f"1.2.3.{series_of(k)}", int(series_of(k))
        item.SOPInstanceUID, item.TriggerTime = f"1.2.3.4.{number}", PHASES_MS[frame]
        item.file_meta = FileMetaDataset()
        item.file_meta.MediaStorageSOPClassUID = item.SOPClassUID = MRImageStorage
        item.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        item.save_as(folder / f"{names[number]}.dcm", enforce_file_format=True)


def mr_slice(pixels: np.ndarray, position, orientation, spacing):
    """An MR image with pixels and a plane."""
    from pydicom import Dataset

    item = Dataset()
    item.Modality, item.StudyInstanceUID, item.ImageType = "MR", "1.2.3", ["ORIGINAL", "PRIMARY"]
    item.Rows, item.Columns = pixels.shape
    item.ImagePositionPatient = [f"{value:.6f}" for value in position]
    item.ImageOrientationPatient = [f"{value:.8f}" for value in orientation]
    item.PixelSpacing, item.SliceThickness = [float(spacing[1]), float(spacing[0])], 6.0
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 16, 15, 0
    item.PixelData = pixels.astype("<u2").tobytes()
    return item


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_four_dimensional_file_is_read_frame_by_frame(frames, tmp_path, ending):
    path = tmp_path / f"cine{ending}"
    sitk.WriteImage(sitk.JoinSeries([itk_image(frame) for frame in frames]), str(path))
    cine = read_cine(path)
    cine.check()
    for found, frame in zip(cine.frames, frames, strict=True):
        np.testing.assert_array_equal(found.array, frame.array)
        assert Grid.of(found).matches(Grid.of(frame))


def test_a_label_sequence_read_again_is_the_same(frames, tmp_path):
    labels = [frame.with_array((frame.array % 4).astype(np.uint8)) for frame in frames]
    write_label_sequence(labels, tmp_path / "labels.seq.nrrd")
    for found, frame in zip(read_frames(tmp_path / "labels.seq.nrrd"), labels, strict=True):
        np.testing.assert_array_equal(found.array, frame.array)
        assert Grid.of(found).matches(Grid.of(frame), 1e-6)


def test_dicom_slices_of_several_series_are_stacked_by_position_and_time(frames, tmp_path):
    write_dicom(frames, tmp_path)
    cine = read_cine(tmp_path)
    assert cine.times_ms == PHASES_MS
    assert cine.notes == ("The cine has 3 phases only: their volumes can be told, curves and times to peak cannot.",)
    for found, frame in zip(cine.frames, frames, strict=True):
        np.testing.assert_array_equal(found.array, frame.array)
        assert Grid.of(found).matches(Grid.of(frame))


def test_a_sheared_stack_is_told_in_words_of_a_cine_and_not_of_a_gantry(frames, tmp_path):
    write_dicom(frames, tmp_path, sideways=0.3)
    notes = " ".join(read_cine(tmp_path).notes)
    assert "The stack is sheared by 16.7 degrees" in notes  # the arc tangent of 0.3
    assert "gantry" not in notes


def test_a_slice_that_lacks_a_phase_takes_the_nearest_one_and_says_so(frames, tmp_path):
    write_dicom(frames, tmp_path, skip={(2, 1)})
    cine = read_cine(tmp_path)
    assert len(cine.frames) == FRAMES
    np.testing.assert_array_equal(cine.frames[0].array, frames[0].array)
    np.testing.assert_array_equal(cine.frames[1].array[[0, 1, 3]], frames[1].array[[0, 1, 3]])
    assert "nearest phase" in cine.notes[0]


def test_images_of_another_plane_are_left_out_and_counted(frames, tmp_path):
    write_dicom(frames, tmp_path)
    for number in range(2):
        item = mr_slice(frames[0].array[0], (0, 0, 0), (1, 0, 0, 0, 0, -1), (1.5, 1.5))
        item.SeriesInstanceUID, item.SOPInstanceUID, item.SOPClassUID = "1.2.9", f"1.2.9.{number}", "1.2"
        item.save_as(tmp_path / f"long_axis{number}", implicit_vr=False, little_endian=True)
    assert "2 images" in read_cine(tmp_path).notes[0]


def test_what_is_no_cine_is_refused(frames, tmp_path, refused):
    with refused("does not exist"):
        read_cine(tmp_path / "none.nii.gz")
    with refused("is empty"):
        read_cine(tmp_path)
    (tmp_path / "cine.txt").write_text("frames")
    with refused("is not an image this program reads"):
        read_cine(tmp_path / "cine.txt")
    with refused("No MR image"):
        read_cine(tmp_path)
    (tmp_path / "cine.nii.gz").write_bytes(b"damaged")
    with refused("cannot be read"):
        read_cine(tmp_path / "cine.nii.gz")
    with refused("'cine.nii.gz' cannot be read"):
        read_cine(tmp_path)
    sitk.WriteImage(itk_image(frames[0]), str(tmp_path / "still.nrrd"))
    with refused("has 1 frame"):
        read_cine(tmp_path / "still.nrrd").check()
    with refused("no frame 4: the cine has frames 1 to 3"):
        Cine(tuple(frames)).index(4)


def test_a_single_moving_slice_is_no_short_axis_cine(frames, tmp_path, refused):
    write_dicom(frames, tmp_path, skip={(k, frame) for k in (1, 2, 3) for frame in range(FRAMES)})
    with refused("1 slice positions with 3 phases"):
        read_cine(tmp_path)


def test_frames_that_differ_or_hold_no_picture_are_refused(frames, refused):
    broken = frames[1].with_array(np.full(SHAPE, np.nan, np.float32))
    with refused("frame 2 of the cine has 480 voxels that are NaN"):
        Cine((frames[0], broken)).check()
    with refused("frame 2 of the cine has the same value 5"):
        Cine((frames[0], frames[1].with_array(np.full(SHAPE, 5.0)))).check()
    other = Grid((3, 10, 12), frames[0].ijk_to_ras).volume(frames[1].array[:3])
    with refused("different grids"):
        Cine((frames[0], other)).check()
    flat = [Grid((1, 10, 12), frames[0].ijk_to_ras).volume(frame.array[:1]) for frame in frames]
    with refused("single slice"):
        Cine(tuple(flat)).check()
