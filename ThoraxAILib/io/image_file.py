"""NRRD, NIfTI and MetaImage files to Volume, by SimpleITK (NIfTI: qform/sform as ITK reads them).

NIfTI-2 and axes that ITK finds not at right angles are read by the file's own header.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of
from ThoraxAILib.image.lps import content_uid, ijk_to_ras_from_lps
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.io.hounsfield import AIR_HU, refuse_non_finite, to_hounsfield, to_scalar
from ThoraxAILib.io.kept_identity import PREFIX, from_header
from ThoraxAILib.io.nifti.geometry import NiftiGeometry, read_geometry
from ThoraxAILib.io.nifti.length import is_cut_short
from ThoraxAILib.io.nifti.numbers import count_not_finite
from ThoraxAILib.io.nifti.voxels import read_voxels
from ThoraxAILib.io.right_angles import straighten
from ThoraxAILib.io.slices.slice_grid import too_few_slices
from ThoraxAILib.io.stated_orientation import states_orientation
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
    stored, name = read_stored(path), path.name
    progress(0.6, "Checking values")
    array = stored.array
    _check_size(array, modality, name)
    _check_voxel_size(stored.ijk_to_lps, name)
    array, notes = to_hounsfield(array, name) if modality == "CT" else (to_scalar(array, name), ())
    fill = AIR_HU if modality == "CT" else float(array.min())
    straight = straighten(array, stored.ijk_to_lps, fill, name)
    notes += stored.notes + straight.notes
    notes += notes_on_what_is_not_stated(straight.ijk_to_lps, stored.orientation_stated)
    matrix = ijk_to_ras_from_lps(straight.ijk_to_lps)
    identity = from_header(stored.header, SeriesIdentity(series_uid=content_uid(straight.array, matrix)))
    return Volume(straight.array, matrix, modality, identity, notes)


def notes_on_what_is_not_stated(ijk_to_lps: np.ndarray, orientation_stated: bool) -> tuple[str, ...]:
    """Return what was taken for granted about the place of an image, one sentence each."""
    notes: tuple[str, ...] = ()
    if np.allclose(ijk_to_lps, np.eye(4)):
        notes += ("The file states no voxel size or position: voxels were taken as 1 mm cubes.",)
    if not orientation_stated:
        notes += (
            "The file states no orientation: its axes were taken to run left, posterior and superior; check that left "
            "is left.",
        )
    return notes


@dataclass(frozen=True, eq=False)
class Stored:
    """Voxels (k, j, i) as a file holds them and the 4x4 matrix to LPS mm, which may be bent.

    ``header`` holds the texts that name the series, ``notes`` what was decided about the geometry.
    """

    array: np.ndarray
    ijk_to_lps: np.ndarray
    orientation_stated: bool = True
    header: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def damaged(path: Path) -> InputError:
    """Return the error for an image file that cannot be read."""
    kind = FORMATS[image_ending(path)]
    return InputError(f"'{path.name}' cannot be read as {kind} (damaged, incomplete or another format): save it again.")


def read_stored(path: Path) -> Stored:
    """Return the voxels of a 3-D scalar image; a trailing axis of length one is dropped. Raises InputError."""
    kind = FORMATS[image_ending(path)]
    require_data_beside(path)
    geometry = nifti_geometry(path) if kind == "NIfTI" else None
    if geometry is not None and geometry.version == 2:
        return _read_by_header(path, geometry)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io(path))
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        if "orthonormal" in str(error) and geometry is not None:
            return _read_by_header(path, geometry)
        raise damaged(path) from None
    if kind == "NIfTI" and is_cut_short(path):
        raise damaged(path)
    size = list(reader.GetSize())
    if reader.GetNumberOfComponents() != 1:
        raise InputError(
            f"'{path.name}' holds {reader.GetNumberOfComponents()} values per voxel (color, vectors or a "
            "time series): give a scalar CT image."
        )
    size = _three_sizes(size, path.name)
    if reader.GetDimension() > 3:
        reader.SetExtractSize(size + [0] * (reader.GetDimension() - 3))
    try:
        image = reader.Execute()
    except RuntimeError:
        raise damaged(path) from None
    if kind == "NIfTI" and "float" in image.GetPixelIDTypeAsString():
        refuse_non_finite(count_not_finite(path), path.name)
    stated = geometry.stated if geometry is not None else states_orientation(path, kind)
    keys = reader.GetMetaDataKeys() if kind == "NRRD" else ()
    header = {key: reader.GetMetaData(key) for key in keys if key.startswith(PREFIX)}
    notes: tuple[str, ...] = ()
    matrix = ijk_to_lps_of(image)
    if geometry is not None:
        matrix, notes = geometry.place(matrix)
    return Stored(sitk.GetArrayFromImage(image), matrix, stated, header, notes)


def nifti_geometry(path: Path) -> NiftiGeometry | None:
    """Return what the header of a NIfTI file states, None without such a header; raises InputError."""
    try:
        return read_geometry(path)
    except (OSError, EOFError, zlib.error, struct.error):
        raise damaged(path) from None


def _read_by_header(path: Path, geometry: NiftiGeometry) -> Stored:
    """Read a NIfTI file that ITK refuses, by its own header."""
    if geometry.dtype is None:
        raise InputError(f"'{path.name}' holds no plain numbers (color or complex values): give a scalar CT image.")
    _three_sizes(list(geometry.sizes), path.name)
    try:
        array = read_voxels(path, geometry)
    except (OSError, EOFError, ValueError, zlib.error):
        raise damaged(path) from None
    return Stored(array, geometry.ijk_to_lps, geometry.stated)


def _three_sizes(size: list[int], name: str) -> list[int]:
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    if len(size) != 3:
        raise InputError(
            f"'{name}' is a {len(size)}-D image of {'x'.join(map(str, size))} voxels: give one 3-D volume."
        )
    return size


def _check_size(array: np.ndarray, modality: str, name: str) -> None:
    if array.dtype.kind not in "iuf":
        raise InputError(f"'{name}' holds {array.dtype.name} values: give a scalar CT image in HU.")
    short = too_few_slices(modality, min(array.shape))
    if short:
        raise InputError(f"'{name}' {short}: give the whole scan.")


def _check_voxel_size(ijk_to_lps: np.ndarray, name: str) -> None:
    """Raise InputError when voxels have an impossible size."""
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    if not (np.isfinite(spacing).all() and spacing.min() >= VOXEL_RANGE_MM[0] and spacing.max() <= VOXEL_RANGE_MM[1]):
        size = " x ".join(f"{value:g}" for value in spacing)
        raise InputError(
            f"The voxels of '{name}' measure {size} mm, which no CT has: correct the unit of its voxel size to mm."
        )
