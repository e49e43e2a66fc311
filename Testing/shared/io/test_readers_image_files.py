"""NRRD, NIfTI and MetaImage become the same Volume as DICOM would; anything else in such a file is refused."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from ThoraxAILib.io import find_series, read_volume

ENDINGS = [".nrrd", ".nii", ".nii.gz", ".mha", ".mhd"]
SPACING_IJK_MM = (0.9, 1.1, 2.5)
SHAPE_KJI = (12, 20, 24)
OBLIQUE = Rotation.from_euler("xyz", (20, -10, 35), degrees=True).as_matrix()
DIRECTIONS = {
    "axial": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "upside down": np.diag([1.0, 1.0, -1.0]),
    "sagittal": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    "oblique": OBLIQUE,
}


def ramp_image(module, direction=None, dtype=np.int16) -> sitk.Image:
    """The position ramp as an ITK image centered on the origin."""
    direction = np.eye(3) if direction is None else direction
    step = direction * SPACING_IJK_MM
    origin = -step @ (np.array(SHAPE_KJI[::-1]) - 1) / 2
    kji = np.moveaxis(np.indices(SHAPE_KJI), 0, -1)
    values = module.ramp_hu(origin + kji[..., ::-1] @ step.T)
    image = sitk.GetImageFromArray(np.rint(values).astype(dtype))
    image.SetSpacing(SPACING_IJK_MM)
    image.SetOrigin(origin)
    image.SetDirection(direction.ravel())
    return image


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_voxel_of_an_image_file_lies_where_the_file_says(tmp_path, dicom_series, ending, direction):
    sitk.WriteImage(ramp_image(dicom_series, direction), str(tmp_path / f"ct{ending}"))
    volume = read_volume(tmp_path / f"ct{ending}")
    assert volume.array.dtype == np.int16
    assert volume.array.flags.c_contiguous
    assert np.allclose(volume.spacing_ijk_mm, SPACING_IJK_MM, atol=1e-4)
    assert dicom_series.largest_ramp_error_hu(volume) <= 0.55
    assert volume.notes == ()


def test_an_image_without_uid_is_named_by_its_content_in_any_format(tmp_path, dicom_series):
    image = ramp_image(dicom_series)
    for ending in ENDINGS:
        sitk.WriteImage(image, str(tmp_path / f"ct{ending}"))
    uids = {read_volume(tmp_path / f"ct{ending}").identity.series_uid for ending in ENDINGS}
    sitk.WriteImage(image + 1, str(tmp_path / "other.nrrd"))
    assert len(uids) == 1
    assert uids.pop().startswith("sha256:")
    assert read_volume(tmp_path / "other.nrrd").identity.series_uid not in uids


def test_the_same_ct_as_dicom_and_as_nrrd_is_the_same_volume(tmp_path, dicom_series):
    dicom_series.write_series(tmp_path / "dicom")
    sitk.WriteImage(ramp_image(dicom_series), str(tmp_path / "ct.nrrd"))
    dicom, nrrd = read_volume(tmp_path / "dicom"), read_volume(tmp_path / "ct.nrrd")
    assert np.allclose(dicom.ijk_to_ras, nrrd.ijk_to_ras, atol=1e-5)
    assert np.abs(dicom.array.astype(int) - nrrd.array).max() <= 1


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
def test_hu_in_wider_types_become_int16(tmp_path, dicom_series, dtype):
    sitk.WriteImage(ramp_image(dicom_series, dtype=dtype), str(tmp_path / "ct.nrrd"))
    volume = read_volume(tmp_path / "ct.nrrd")
    assert volume.array.dtype == np.int16
    assert volume.notes == ()
    assert dicom_series.largest_ramp_error_hu(volume) <= 0.51


def test_fractional_hu_are_rounded_and_said(tmp_path, dicom_series):
    sitk.WriteImage(ramp_image(dicom_series, dtype=np.float32) + 0.3, str(tmp_path / "ct.nrrd"))
    assert read_volume(tmp_path / "ct.nrrd").notes == ("Fractional values were rounded to whole HU.",)


def test_padding_below_air_becomes_air_and_is_said(tmp_path, dicom_series):
    image = ramp_image(dicom_series)
    image[:4, :, :] = -2048
    sitk.WriteImage(image, str(tmp_path / "ct.mha"))
    volume = read_volume(tmp_path / "ct.mha")
    assert set(np.unique(volume.array[:, :, :4])) == {-1024}
    assert "stored as -2048, 16.7 % of the image" in volume.notes[0]


def test_a_four_dimensional_file_with_one_time_point_is_a_volume(tmp_path, dicom_series):
    image = ramp_image(dicom_series)
    sitk.WriteImage(sitk.JoinSeries(image), str(tmp_path / "ct.nii.gz"))
    assert np.array_equal(read_volume(tmp_path / "ct.nii.gz").array, sitk.GetArrayFromImage(image))


def test_a_file_without_geometry_is_read_and_the_guess_said(tmp_path, dicom_series):
    bare = sitk.GetImageFromArray(sitk.GetArrayFromImage(ramp_image(dicom_series)))
    sitk.WriteImage(bare, str(tmp_path / "ct.nrrd"))
    assert "states no voxel size or position" in read_volume(tmp_path / "ct.nrrd").notes[0]


def test_a_sheared_nrrd_is_brought_onto_a_right_angled_grid(tmp_path, dicom_series):
    shear = np.eye(3)
    shear[:, 2] = (0, np.sin(np.radians(12)), np.cos(np.radians(12)))
    sitk.WriteImage(ramp_image(dicom_series, shear), str(tmp_path / "ct.nrrd"))
    volume = read_volume(tmp_path / "ct.nrrd")
    assert dicom_series.is_right_angled(volume)
    assert dicom_series.largest_ramp_error_hu(volume) <= 1.01
    assert "not at right angles" in volume.notes[0]


def test_a_folder_with_one_image_file_is_that_image(tmp_path, dicom_series):
    sitk.WriteImage(ramp_image(dicom_series), str(tmp_path / "ct.nrrd"))
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    assert read_volume(tmp_path).array.shape == SHAPE_KJI
    (summary,) = find_series(tmp_path)
    assert (summary.slice_count, summary.rows, summary.columns, summary.usable) == (*SHAPE_KJI, True)


def test_another_modality_keeps_its_values(tmp_path):
    values = np.random.default_rng(1).uniform(0, 1, (3, 16, 16)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "mr.nrrd"))
    volume = read_volume(tmp_path / "mr.nrrd", modalities=("MR",))
    assert (volume.modality, volume.array.dtype) == ("MR", np.float32)
    assert np.array_equal(volume.array, values)


def array_image(array: np.ndarray, spacing=(1.0, 1.0, 1.0)) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    return image


RNG = np.random.default_rng(5)
CT_LIKE = RNG.integers(-1000, 400, SHAPE_KJI).astype(np.int16)
WITH_NAN = CT_LIKE.astype(np.float32)
WITH_NAN[2, 3, 4:7] = (np.nan, np.inf, -np.inf)
BAD_CONTENT = {
    "NaN and infinity": (lambda: array_image(WITH_NAN), "holds 3 voxels that are not numbers"),
    "normalized": (lambda: array_image(RNG.random(SHAPE_KJI, np.float32)), "a mask or a normalized image"),
    "a mask": (lambda: array_image(RNG.integers(0, 2, SHAPE_KJI).astype(np.uint8)), "a mask or a normalized image"),
    "gray levels": (lambda: array_image(RNG.integers(0, 256, SHAPE_KJI).astype(np.uint8)), "gray levels or labels"),
    "stored values": (lambda: array_image((CT_LIKE + 1024).astype(np.uint16)), "stored values without their rescale"),
    "no air": (lambda: array_image(RNG.integers(-90, 300, SHAPE_KJI).astype(np.int16)), "no air or lung"),
    "another unit": (lambda: array_image(CT_LIKE.astype(np.float32) * 1000), "another unit or a damaged file"),
    "one value": (lambda: array_image(np.full(SHAPE_KJI, -1000, np.int16)), "has the same value \\(-1000\\)"),
    "voxels in meters": (lambda: array_image(CT_LIKE, (0.0007, 0.0007, 0.001)), "measure 0.0007 x 0.0007 x 0.001 mm"),
    "two slices": (lambda: array_image(CT_LIKE[:2]), "has 2 slices where a chest CT needs at least 8"),
    "2-D": (lambda: sitk.GetImageFromArray(CT_LIKE[0]), "is a 2-D image of 24x20 voxels"),
    "4-D": (lambda: sitk.JoinSeries([array_image(CT_LIKE)] * 3), "is a 4-D image of 24x20x12x3 voxels"),
    "color": (lambda: sitk.Compose([array_image(CT_LIKE)] * 3), "holds 3 values per voxel"),
}


@pytest.mark.parametrize(("image", "words"), BAD_CONTENT.values(), ids=BAD_CONTENT)
def test_a_file_that_is_no_ct_volume_in_hu_is_refused_in_one_sentence(tmp_path, refused, image, words):
    sitk.WriteImage(image(), str(tmp_path / "ct.nrrd"))
    with refused(words):
        read_volume(tmp_path / "ct.nrrd")


@pytest.mark.parametrize("ending", ENDINGS[:4])
def test_a_file_cut_short_is_refused_in_one_sentence(tmp_path, dicom_series, refused, ending):
    path = tmp_path / f"ct{ending}"
    sitk.WriteImage(ramp_image(dicom_series), str(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with refused("cannot be read as (NRRD|NIfTI|MetaImage) \\(damaged, incomplete or another format\\)"):
        read_volume(path)


def test_a_nifti_file_packed_in_several_gzip_members_is_read(tmp_path, dicom_series):
    sitk.WriteImage(ramp_image(dicom_series), str(tmp_path / "plain.nii"))
    content = (tmp_path / "plain.nii").read_bytes()
    (tmp_path / "ct.nii.gz").write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:]))
    assert dicom_series.largest_ramp_error_hu(read_volume(tmp_path / "ct.nii.gz")) <= 0.55


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_text_file_with_the_ending_of_an_image_is_refused(tmp_path, refused, ending):
    (tmp_path / f"ct{ending}").write_text("Doe Secret was here\n", encoding="utf-8")
    with refused("cannot be read as"):
        read_volume(tmp_path / f"ct{ending}")


def write_text(path):
    path.write_text("nothing to see", encoding="utf-8")


def two_images(path):
    path.mkdir()
    for name in ("a.nrrd", "b.nrrd"):
        sitk.WriteImage(array_image(CT_LIKE), str(path / name))


def folder_of_text(path):
    path.mkdir()
    write_text(path / "a.txt")


BAD_PATHS = {
    "missing": ("nowhere", lambda path: None, "'.*nowhere' does not exist"),
    "empty folder": ("empty", lambda path: path.mkdir(), "folder 'empty' is empty"),
    "folder of text": ("texts", folder_of_text, "No CT series was found in 'texts' \\(1 file of another kind found\\)"),
    "text file": ("notes.txt", write_text, "'notes.txt' is not an image this program reads"),
    "empty file": ("scan.dcm", lambda path: path.touch(), "'scan.dcm' is not an image this program reads"),
    "several images": ("many", two_images, "holds 2 image files and no DICOM: give one of them"),
    "segmentation": ("lungs.seg.nrrd", write_text, "is a segmentation: give the CT image it belongs to"),
}


@pytest.mark.parametrize(("name", "make", "words"), BAD_PATHS.values(), ids=BAD_PATHS)
def test_a_path_that_holds_no_image_is_refused_in_one_sentence(tmp_path, refused, name, make, words):
    make(tmp_path / name)
    with refused(words):
        read_volume(tmp_path / name)


def test_a_metaimage_header_without_its_data_file_is_refused(tmp_path, dicom_series, refused):
    sitk.WriteImage(ramp_image(dicom_series), str(tmp_path / "ct.mhd"))
    (tmp_path / "ct.raw").unlink()
    with refused("cannot be read as MetaImage"):
        read_volume(tmp_path / "ct.mhd")
