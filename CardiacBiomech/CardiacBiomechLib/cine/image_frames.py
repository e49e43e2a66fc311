"""The frames of a 4-D image file or a Slicer sequence, their times, and what its header leaves open.

Files that ITK refuses though nothing is wrong with them (NIfTI-2, axes that rounding bends) are read by their header.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.image_file import (
    FORMATS,
    damaged,
    image_ending,
    image_io,
    nifti_geometry,
    notes_on_what_is_not_stated,
)
from ThoraxAILib.io.nifti.geometry import NiftiGeometry
from ThoraxAILib.io.nifti.length import is_cut_short
from ThoraxAILib.io.nifti.voxels import read_voxels
from ThoraxAILib.io.right_angles import straighten
from ThoraxAILib.io.stated_orientation import states_orientation
from ThoraxAILib.untrusted.detached_data import require_data_beside

ACCEPTED = "a 4-D NIfTI, MetaImage or NRRD file, a Slicer sequence (.seq.nrrd) or a folder of DICOM slices"
STEP_RANGE_MS = (4.0, 200.0)  # between two frames of a cine: what a file says outside of it is no time
CYCLE_RANGE_MS = (200.0, 3000.0)
NIFTI_TIME_UNITS = {8: 1000.0, 16: 1.0, 24: 0.001}  # xyzt_units & 0x38 to ms (nifti1.h)


@dataclass(frozen=True, eq=False)
class ImageFrames:
    """Every 3-D frame of a file, when they were acquired (ms; None when it does not say), and notes."""

    frames: tuple[Volume, ...]
    times_ms: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()


def read_image_frames(path: Path, is_labels: bool = False) -> ImageFrames:
    """Return every 3-D frame of an image file: one for a 3-D image, n for a 4-D image or a sequence of n.

    Bent axes are straightened as those of a CT are. Raises InputError with one sentence.
    """
    if not image_ending(path):
        raise InputError(f"'{path.name}' is no image file this program reads: give a NIfTI, MetaImage or NRRD file.")
    require_data_beside(path)
    kind = FORMATS[image_ending(path)]
    geometry = nifti_geometry(path) if kind == "NIfTI" else None
    frames, matrix, notes = _stored(path, geometry)
    if frames.dtype.kind not in "iuf":
        raise InputError(f"'{path.name}' holds {frames.dtype.name} values: give a scalar image.")
    straight = [straighten(f, matrix, 0.0 if is_labels else float(f.min()), path.name, is_labels) for f in frames]
    stated = geometry.stated if geometry is not None else states_orientation(path, kind)
    notes += straight[0].notes + notes_on_what_is_not_stated(straight[0].ijk_to_lps, stated)
    volumes = tuple(
        Volume(np.ascontiguousarray(frame.array), ijk_to_ras_from_lps(frame.ijk_to_lps), "MR") for frame in straight
    )
    return ImageFrames(volumes, None if geometry is None else _times_ms(geometry, len(volumes)), notes)


def _stored(path: Path, geometry: NiftiGeometry | None) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return frames (t, k, j, i), the 4x4 matrix to LPS mm, which may be bent, and notes on it."""
    image = None if geometry is not None and geometry.version == 2 else _read_by_itk(path, geometry)
    if image is not None:
        frames, matrix = _frames_of(image, path.name), ijk_to_lps_of(image)
        return (frames, matrix, ()) if geometry is None else (frames, *geometry.place(matrix))
    if geometry is None:
        raise damaged(path)
    return _read_by_header(path, geometry), geometry.ijk_to_lps, ()


def read_frames(path: Path) -> list[Volume]:
    """Return the frames of an image file alone; see read_image_frames."""
    return list(read_image_frames(path).frames)


def _read_by_itk(path: Path, geometry: NiftiGeometry | None) -> sitk.Image | None:
    """Return the image; None for a NIfTI file whose axes ITK does not accept."""
    try:
        image = sitk.ReadImage(str(path), imageIO=image_io(path))
    except RuntimeError as error:
        if "orthonormal" in str(error):
            return None
        raise damaged(path) from None
    if geometry is not None and is_cut_short(path):  # ITK fills the rest with anything
        raise damaged(path)
    return image


def _read_by_header(path: Path, geometry: NiftiGeometry) -> np.ndarray:
    """Frames (t, k, j, i) of a NIfTI file that ITK refuses."""
    sizes = [size for place, size in enumerate(geometry.sizes) if place < 3 or size > 1]
    if len(sizes) > 4 or geometry.dtype is None:
        raise InputError(f"'{path.name}' is a {len(sizes)}-D image: give {ACCEPTED}.")
    try:
        array = read_voxels(path, geometry, max(3, len(geometry.sizes)))
    except (OSError, EOFError, ValueError, zlib.error):
        raise damaged(path) from None
    return array.reshape(-1, *(*geometry.sizes, 1, 1)[2::-1])


def _frames_of(image: sitk.Image, name: str) -> np.ndarray:
    """Frames (t, k, j, i) of an image of three or four axes, or of three with a vector of frames."""
    array, dimension = sitk.GetArrayFromImage(image), image.GetDimension()
    components = image.GetNumberOfComponentsPerPixel()
    if dimension == 5 and components == 1 and 1 in array.shape[:2]:
        array, dimension = array.reshape(-1, *array.shape[2:]), 4  # x, y, z, 1, t as some converters write it
    if dimension == 4 and components == 1:
        return array
    if dimension == 3:
        return np.moveaxis(array, -1, 0) if components > 1 else array[None]
    raise InputError(f"'{name}' is a {dimension}-D image with {components} values per voxel: give {ACCEPTED}.")


def _times_ms(geometry: NiftiGeometry, count: int) -> tuple[float, ...] | None:
    """Return frame times in ms from pixdim[4] and its unit; None when it tells no time a cine can have."""
    step = abs(geometry.step)
    unit = NIFTI_TIME_UNITS.get(geometry.units & 0x38)
    if unit is None:
        unit = 1.0 if step >= STEP_RANGE_MS[0] else 1000.0
    step_ms = step * unit
    if not (STEP_RANGE_MS[0] <= step_ms <= STEP_RANGE_MS[1] and count > 1):
        return None
    if not CYCLE_RANGE_MS[0] <= step_ms * count <= 2 * CYCLE_RANGE_MS[1]:
        return None
    return tuple(step_ms * frame for frame in range(count))
