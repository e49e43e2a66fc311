"""A cine from a 4-D image file, a Slicer volume sequence, a folder of frame images, or a folder of DICOM slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardiacBiomechLib.cine.dicom_cine import read_dicom_cine
from CardiacBiomechLib.model.cine import Cine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.dicom_headers import files_below, looks_like_dicom
from ThoraxAILib.io.image_file import image_ending, image_io
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.untrusted.detached_data import require_data_beside

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
ACCEPTED = "a 4-D NIfTI, MetaImage or NRRD file, a Slicer sequence (.seq.nrrd) or a folder of DICOM slices"


def read_cine(path: Path, progress: Progress | None = None) -> Cine:
    """Return the frames at ``path`` in order of time; raises InputError with one sentence when there is no cine."""
    path, progress = Path(path), progress or Progress()
    if not path.exists():
        raise InputError(f"'{path.name}' does not exist: check the path.")
    if path.is_file() and path.name.lower().endswith(ENDINGS):
        return Cine(tuple(read_frames(path)))
    if path.is_file() and not looks_like_dicom(path):
        raise InputError(f"'{path.name}' is no cine this program reads: give {ACCEPTED}.")
    files = files_below(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"The folder '{path.name}' is empty: give {ACCEPTED}.")
    return read_dicom_cine(files, path.name, progress)


def read_frames(path: Path) -> list[Volume]:
    """Every 3-D frame of an image file: one for a 3-D image, n for a 4-D image or a sequence of n."""
    if not image_ending(path):
        raise InputError(f"'{path.name}' is no image file this program reads: give a NIfTI, MetaImage or NRRD file.")
    require_data_beside(path)
    try:
        image = sitk.ReadImage(str(path), imageIO=image_io(path))
    except RuntimeError:
        raise InputError(
            f"'{path.name}' cannot be read (damaged, incomplete or another format): save it again."
        ) from None
    array, dimension = sitk.GetArrayFromImage(image), image.GetDimension()
    if dimension == 4 and image.GetNumberOfComponentsPerPixel() == 1:
        frames = array
    elif dimension == 3:
        frames = np.moveaxis(array, -1, 0) if image.GetNumberOfComponentsPerPixel() > 1 else array[None]
    else:
        raise InputError(
            f"'{path.name}' is a {dimension}-D image with {image.GetNumberOfComponentsPerPixel()} values "
            f"per voxel: give {ACCEPTED}."
        )
    if frames.dtype.kind not in "iuf":
        raise InputError(f"'{path.name}' holds {frames.dtype.name} values: give a scalar image.")
    matrix = ijk_to_ras_from_lps(ijk_to_lps_of(image))
    return [Volume(np.ascontiguousarray(frame), matrix, "MR") for frame in frames]


def read_frame_labels(path: Path, frame: int, count: int) -> Volume:
    """Return labels of frame ``frame`` (an index): the file, or that frame of a file with one label image per frame.

    ``count`` is the number of frames of the cine. Raises InputError when the file is missing or fits neither.
    """
    if not path.is_file():
        raise InputError(f"The label file '{path.name}' does not exist: check the path.")
    images = read_frames(path)
    if len(images) not in (1, count):
        raise InputError(
            f"'{path.name}' holds {len(images)} frames, the cine {count}: give the labels of one frame or "
            "of every frame."
        )
    return images[0] if len(images) == 1 else images[frame]
