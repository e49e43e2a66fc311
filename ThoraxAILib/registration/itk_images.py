"""Between Volume or Field in RAS and SimpleITK images in LPS."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field

LPS_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def itk_image(volume: Volume) -> sitk.Image:
    """A SimpleITK image of the same voxels (float32 unless uint8) and geometry."""
    array = volume.array if volume.array.dtype == np.uint8 else volume.array.astype(np.float32)
    return _with_geometry(sitk.GetImageFromArray(array), Grid.of(volume))


def label_image(volume: Volume) -> sitk.Image:
    """A SimpleITK image that keeps the label type where ITK has it (int64 becomes int32)."""
    array = volume.array.astype(np.int32) if volume.array.dtype.itemsize > 4 else volume.array
    return _with_geometry(sitk.GetImageFromArray(array), Grid.of(volume))


def displacement_image(field: Field) -> sitk.Image:
    """The displacement as a vector image in LPS mm: what ITK's displacement transform and Slicer read."""
    lps = field.displacement_ras_mm.astype(np.float64) * np.array([-1.0, -1.0, 1.0])
    return _with_geometry(sitk.GetImageFromArray(lps, isVector=True), field.grid)


def affine_transform(matrix: np.ndarray) -> sitk.AffineTransform:
    """A 4x4 matrix in RAS mm as ITK's affine in LPS mm."""
    lps = LPS_FLIP @ matrix @ LPS_FLIP
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    return transform


def field_from_image(image: sitk.Image) -> Field:
    """The Field of a displacement image in LPS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    lps = sitk.GetArrayFromImage(image)
    grid = Grid(lps.shape[:3], LPS_FLIP @ matrix)
    return Field((lps * np.array([-1.0, -1.0, 1.0])).astype(np.float32), grid)


def _with_geometry(image: sitk.Image, grid: Grid) -> sitk.Image:
    lps = LPS_FLIP @ grid.ijk_to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    return image
