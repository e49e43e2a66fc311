"""Image files whose geometry ITK refuses or guesses: bent axes, NIfTI-2, no stated orientation."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from ThoraxAILib.io import read_volume

nibabel = pytest.importorskip("nibabel")

SIZE_IJK = (24, 20, 16)
SPACING_MM = (0.9, 1.1, 2.5)
RAS = np.diag([-1.0, -1.0, 1.0])


def ramp_file(path, module, bend: dict[tuple[int, int], float], kind=None, q=0, s=1):
    """Write a NIfTI file whose values are the ramp at the places its own affine says; ``bend`` adds to the affine."""
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    for (row, column), value in bend.items():
        affine[row, column] += value
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(SIZE_IJK) - 1) / 2)
    index = np.moveaxis(np.indices(SIZE_IJK), 0, -1)
    points_lps = (index @ affine[:3, :3].T + affine[:3, 3]) * (-1, -1, 1)
    hu = np.rint(module.ramp_hu(points_lps)).astype(np.int16)
    image = (kind or nibabel.Nifti1Image)(hu, affine)
    image.set_sform(affine, s)
    image.set_qform(affine if q else None, q)
    nibabel.save(image, path)
    return affine


BENT = {
    "0.006 degrees, as many published files": ({(0, 1): 1e-4}, None),
    "0.02 degrees": ({(1, 2): 1e-3, (0, 2): -5e-4}, None),
    "0.1 degrees": ({(0, 1): 0.002}, "straightened without resampling"),
    "a degree": ({(1, 2): 0.045}, "resampled onto a right-angled grid"),
    "a gantry of 15 degrees": ({(1, 2): 0.67}, "resampled onto a right-angled grid"),
    "rows and columns bent": ({(0, 1): 0.25, (1, 0): 0.1}, "resampled onto a right-angled grid"),
    "all bent": ({(0, 1): 0.1, (1, 2): -0.2, (2, 0): 0.05}, "resampled onto a right-angled grid"),
    "mirrored and bent": ({(0, 0): 1.8, (1, 2): 0.4}, "resampled onto a right-angled grid"),
}


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize(("bend", "note"), BENT.values(), ids=BENT)
def test_bent_axes_are_straightened_and_every_voxel_lies_where_it_was(tmp_path, dicom_series, bend, note, ending):
    ramp_file(tmp_path / f"ct{ending}", dicom_series, bend)
    volume = read_volume(tmp_path / f"ct{ending}")
    assert dicom_series.is_right_angled(volume)
    assert dicom_series.largest_ramp_error_hu(volume) <= 1.6
    assert [note in text for text in volume.notes] == ([True] if note else [])


def test_axes_far_off_right_angles_are_refused(tmp_path, dicom_series, refused):
    ramp_file(tmp_path / "ct.nii", dicom_series, {(1, 2): 2.5})
    with refused("not at right angles \\(45 degrees off\\): resample it"):
        read_volume(tmp_path / "ct.nii")


@pytest.mark.parametrize("bend", [{}, {(1, 2): 0.3}], ids=["straight", "bent"])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_nifti_2_is_read(tmp_path, dicom_series, bend, ending):
    ramp_file(tmp_path / f"ct{ending}", dicom_series, bend, nibabel.Nifti2Image, q=0 if bend else 1)
    assert dicom_series.largest_ramp_error_hu(read_volume(tmp_path / f"ct{ending}")) <= 1.6


@pytest.mark.parametrize("slope", [1.0, 2.0, 0.5])
@pytest.mark.parametrize("dtype", ["i2", "u2", "f4", "i4"])
def test_values_of_nifti_2_are_rescaled_as_in_nifti_1(tmp_path, dtype, slope):
    stored = np.random.default_rng(5).integers(0, 3000, SIZE_IJK).astype(dtype)
    volumes = []
    for kind, name in ((nibabel.Nifti1Image, "one.nii"), (nibabel.Nifti2Image, "two.nii")):
        image = kind(stored, np.diag([-0.9, -1.1, 2.5, 1.0]))
        image.header.set_slope_inter(slope, -1024)
        image.to_filename(tmp_path / name)
        content = bytearray((tmp_path / name).read_bytes())
        place = 112 if kind is nibabel.Nifti1Image else 176
        numbers = np.array([slope, -1024], dtype="<f4" if place == 112 else "<f8").tobytes()
        content[place : place + len(numbers)] = numbers
        (tmp_path / name).write_bytes(content)
        volumes.append(read_volume(tmp_path / name))
    assert np.array_equal(volumes[0].array, volumes[1].array)
    assert np.allclose(volumes[0].ijk_to_ras, volumes[1].ijk_to_ras)


def test_a_nifti_2_file_cut_short_is_refused(tmp_path, dicom_series, refused):
    ramp_file(tmp_path / "ct.nii", dicom_series, {}, nibabel.Nifti2Image)
    (tmp_path / "ct.nii").write_bytes((tmp_path / "ct.nii").read_bytes()[:-100])
    with refused("cannot be read as NIfTI"):
        read_volume(tmp_path / "ct.nii")


def no_codes(path, module):
    ramp_file(path / "ct.nii", module, {}, q=0, s=0)
    return path / "ct.nii"


def nrrd_without_space(path, module):
    body = np.random.default_rng(1).integers(-1000, 200, SIZE_IJK[::-1]).astype("<i2").tobytes()
    head = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 24 20 16\nspacings: 0.9 1.1 2.5\n"
    (path / "ct.nrrd").write_bytes(head + b"endian: little\nencoding: raw\n\n" + body)
    return path / "ct.nrrd"


def mhd_without_matrix(path, module):
    image = sitk.GetImageFromArray(np.random.default_rng(1).integers(-1000, 200, SIZE_IJK[::-1]).astype(np.int16))
    image.SetSpacing(SPACING_MM)
    sitk.WriteImage(image, str(path / "ct.mhd"))
    lines = (path / "ct.mhd").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(("TransformMatrix", "AnatomicalOrientation"))]
    (path / "ct.mhd").write_text("".join(kept), encoding="utf-8")
    return path / "ct.mhd"


@pytest.mark.parametrize("make", [no_codes, nrrd_without_space, mhd_without_matrix])
def test_a_file_that_states_no_orientation_is_read_and_that_is_said(tmp_path, dicom_series, make):
    volume = read_volume(make(tmp_path, dicom_series))
    assert "states no orientation" in " ".join(volume.notes)
    assert np.allclose(np.diag(volume.ijk_to_ras)[:3], (-0.9, -1.1, 2.5))


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii.gz"])
def test_a_stated_orientation_needs_no_word(tmp_path, ending):
    image = sitk.GetImageFromArray(np.random.default_rng(1).integers(-1000, 200, SIZE_IJK[::-1]).astype(np.int16))
    image.SetSpacing(SPACING_MM)
    sitk.WriteImage(image, str(tmp_path / f"ct{ending}"))
    assert read_volume(tmp_path / f"ct{ending}").notes == ()


@pytest.mark.parametrize("qform", [False, True])
def test_a_size_that_the_sform_states_counts_and_the_other_is_told(tmp_path, qform):
    nibabel = pytest.importorskip("nibabel")
    hu = np.full((20, 18, 16), -1000, np.int16)
    hu[4:14, 5:15, 3:12] = 40
    image = nibabel.Nifti1Image(hu, None)
    image.set_sform(np.diag([-2.0, -2.0, 3.0, 1.0]), 1)
    image.set_qform(np.diag([-1.0, -1.0, 1.0, 1.0]) if qform else None, int(qform))
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "ct.nii.gz")
    volume = read_volume(tmp_path / "ct.nii.gz")
    assert volume.spacing_ijk_mm == pytest.approx((2.0, 2.0, 3.0))
    assert volume.ras_from_kji(np.array([3, 5, 4])) == pytest.approx((-8.0, -10.0, 9.0))
    assert any("two voxel sizes" in note for note in volume.notes)
    assert not any("1 mm cubes" in note for note in volume.notes)
