"""Between Volume or Field in RAS and SimpleITK images in LPS."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of, placed_image
from ThoraxAILib.image.lps import affine_in_other_frame, flip_lps_ras, ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field


def itk_image(volume: Volume) -> sitk.Image:
    """Return a SimpleITK image of the same voxels (float32 unless uint8) and geometry."""
    array = volume.array if volume.array.dtype == np.uint8 else volume.array.astype(np.float32)
    return placed_image(sitk.GetImageFromArray(array), volume)


def label_image(volume: Volume) -> sitk.Image:
    """Return a SimpleITK image that keeps the label type where ITK has it (int64 becomes int32)."""
    array = volume.array.astype(np.int32) if volume.array.dtype.itemsize > 4 else volume.array
    return placed_image(sitk.GetImageFromArray(array), volume)


def displacement_image(field: Field) -> sitk.Image:
    """Return the displacement as a vector image in LPS mm: what ITK's displacement transform and Slicer read."""
    lps = flip_lps_ras(field.displacement_ras_mm.astype(np.float64))
    return placed_image(sitk.GetImageFromArray(lps, isVector=True), field.grid)


def affine_transform(matrix: np.ndarray) -> sitk.AffineTransform:
    """Return a 4x4 matrix in RAS mm as ITK's affine in LPS mm."""
    lps = affine_in_other_frame(matrix)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    return transform


def field_from_image(image: sitk.Image) -> Field:
    """Return the Field of a displacement image in LPS mm."""
    lps = sitk.GetArrayFromImage(image)
    grid = Grid(lps.shape[:3], ijk_to_ras_from_lps(ijk_to_lps_of(image)))
    return Field(flip_lps_ras(lps).astype(np.float32), grid)
