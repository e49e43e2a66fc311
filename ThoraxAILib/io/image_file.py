"""NRRD, NIfTI and MetaImage files to Volume, by SimpleITK (NIfTI: qform/sform as ITK reads them)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of
from ThoraxAILib.image.lps import content_uid, ijk_to_ras_from_lps
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.io.hounsfield import AIR_HU, refuse_non_finite, to_hounsfield, to_scalar
from ThoraxAILib.io.kept_identity import PREFIX, from_header
from ThoraxAILib.io.nifti.length import is_cut_short
from ThoraxAILib.io.nifti.numbers import count_not_finite
from ThoraxAILib.io.series import too_few_slices
from ThoraxAILib.io.slice_grid import SliceGrid, UnusableStack, plan_grid, resample_to_grid
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.untrusted.detached_data import require_data_beside

FORMATS = {
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
}
IMAGE_IO = {"NRRD": "NrrdImageIO", "NIfTI": "NiftiImageIO", "MetaImage": "MetaImageIO"}
SEGMENTATION_ENDING = ".seg.nrrd"
RIGHT_ANGLE = 1e-3  # largest cosine between axes that are taken as perpendicular
VOXEL_RANGE_MM = (0.05, 20.0)


def image_ending(path: Path) -> str:
    """Return the ending that names an image format we read (``.nii.gz`` as one), or nothing."""
    name = path.name.lower()
    return next((ending for ending in sorted(FORMATS, key=len, reverse=True) if name.endswith(ending)), "")


def image_io(path: Path) -> str:
    """Return the one reader of ITK for a file, by its ending; by content ITK would also take formats that nobody
    checked.
    """
    return IMAGE_IO[FORMATS[image_ending(path)]]


def is_segmentation(path: Path) -> bool:
    """Whether a file is a segmentation by Slicer's naming."""
    return path.name.lower().endswith(SEGMENTATION_ENDING)


def read_image_file(path: Path, modality: str, progress: Progress) -> Volume:
    """Return a 3-D scalar image as Volume (CT: int16 HU); raises InputError with one sentence for any other content."""
    if is_segmentation(path):
        raise InputError(f"'{path.name}' is a segmentation: give the CT image it belongs to.")
    progress(0.0, "Reading the image file")
    (image, header), name = _read(path), path.name
    progress(0.6, "Checking values")
    array, ijk_to_lps = sitk.GetArrayFromImage(image), _ijk_to_lps(image, name)
    del image  # a second copy of the voxels
    _check_size(array, modality, name)
    array, notes = to_hounsfield(array, name) if modality == "CT" else (to_scalar(array, name), ())
    grid = _straight_grid(ijk_to_lps, array.shape, name)
    if grid is not None:
        array = resample_to_grid(array, grid, AIR_HU if modality == "CT" else float(array.min()))
        notes += ("The image axes were not at right angles: it was resampled onto a right-angled grid.",)
        ijk_to_lps = grid.ijk_to_lps
    elif np.allclose(ijk_to_lps, np.eye(4)):
        notes += ("The file states no voxel size or position: voxels were taken as 1 mm cubes.",)
    matrix = ijk_to_ras_from_lps(ijk_to_lps)
    identity = from_header(header, SeriesIdentity(series_uid=content_uid(array, matrix)))
    return Volume(array, matrix, modality, identity, notes)


def _read(path: Path) -> tuple[sitk.Image, dict[str, str]]:
    """Return the file as a 3-D scalar image and the texts of its header; a trailing axis of length one is dropped."""
    kind = FORMATS[image_ending(path)]
    damaged = f"'{path.name}' cannot be read as {kind} (damaged, incomplete or another format): save it again."
    require_data_beside(path)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io(path))
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise InputError(
                f"'{path.name}' has axes that are not at right angles in its {kind} header: resample it "
                "to a right-angled grid."
            ) from None
        raise InputError(damaged) from None
    if kind == "NIfTI" and is_cut_short(path):
        raise InputError(damaged)
    size = list(reader.GetSize())
    if reader.GetNumberOfComponents() != 1:
        raise InputError(
            f"'{path.name}' holds {reader.GetNumberOfComponents()} values per voxel (color, vectors or a "
            "time series): give a scalar CT image."
        )
    while len(size) > 3 and size[-1] == 1:
        size.pop()
    if len(size) != 3:
        raise InputError(
            f"'{path.name}' is a {len(size)}-D image of {'x'.join(map(str, size))} voxels: give one 3-D volume."
        )
    if reader.GetDimension() > 3:
        reader.SetExtractSize(size + [0] * (reader.GetDimension() - 3))
    try:
        image = reader.Execute()
    except RuntimeError:
        raise InputError(damaged) from None
    if kind == "NIfTI" and "float" in image.GetPixelIDTypeAsString():
        refuse_non_finite(count_not_finite(path), path.name)
    keys = reader.GetMetaDataKeys() if kind == "NRRD" else ()
    return image, {key: reader.GetMetaData(key) for key in keys if key.startswith(PREFIX)}


def _check_size(array: np.ndarray, modality: str, name: str) -> None:
    if array.dtype.kind not in "iuf":
        raise InputError(f"'{name}' holds {array.dtype.name} values: give a scalar CT image in HU.")
    short = too_few_slices(modality, min(array.shape))
    if short:
        raise InputError(f"'{name}' {short}: give the whole scan.")


def _ijk_to_lps(image: sitk.Image, name: str) -> np.ndarray:
    """Return the 4x4 matrix from IJK to LPS mm; raises InputError when voxels have an impossible size."""
    spacing = np.array(image.GetSpacing())
    if not (np.isfinite(spacing).all() and spacing.min() >= VOXEL_RANGE_MM[0] and spacing.max() <= VOXEL_RANGE_MM[1]):
        size = " x ".join(f"{value:g}" for value in spacing)
        raise InputError(
            f"The voxels of '{name}' measure {size} mm, which no CT has: correct the unit of its voxel size to mm."
        )
    return ijk_to_lps_of(image)


def _straight_grid(ijk_to_lps: np.ndarray, shape_kji: tuple[int, ...], name: str) -> SliceGrid | None:
    """Return a right-angled grid for a sheared image whose rows and columns are perpendicular; None when already
    straight.
    """
    directions = ijk_to_lps[:3, :3] / np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    if np.abs(directions.T @ directions - np.eye(3)).max() <= RIGHT_ANGLE:
        return None
    origins = ijk_to_lps[:3, 3] + np.arange(shape_kji[0])[:, None] * ijk_to_lps[:3, 2]
    spacing = np.linalg.norm(ijk_to_lps[:3, :2], axis=0)
    if np.linalg.det(ijk_to_lps[:3, :3]) > 0:
        try:
            return plan_grid(
                origins, directions[:, :2].T.ravel(), (spacing[1], spacing[0]), (shape_kji[2], shape_kji[1])
            )
        except UnusableStack:
            pass
    raise InputError(f"'{name}' has axes that are not at right angles: resample it to a right-angled grid.")
