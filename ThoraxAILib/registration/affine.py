"""Affine alignment of two images on any grids, mutual information inside masks, by SimpleITK; the step before a field.

Mattes et al., TMI 22:120 (2003). Brings a follow-up scan near enough for the non-rigid step.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.lps import affine_in_other_frame, flip_lps_ras
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.inputs import check_image
from ThoraxAILib.registration.itk_images import itk_image

logger = logging.getLogger(__name__)

KINDS = ("translation", "rigid", "affine")
MAX_STEP_MM, MIN_STEP_MM = 3.0, 0.01


@dataclass(frozen=True)
class AffineOptions(Options):
    """``kind`` of transform, voxel sizes worked at (mm, coarse to fine), share of voxels sampled."""

    kind: str = option("affine", label="linear transform", choices=KINDS)
    levels_mm: tuple[float, ...] = option((8.0, 4.0), unit="mm", more_than=0)
    sampled: float = option(0.25, label="share of voxels sampled", more_than=0, at_most=1)
    iterations: int = option(120, label="number of iterations", at_least=1)


def align(
    fixed: Volume,
    moving: Volume,
    options: AffineOptions | None = None,
    fixed_mask: np.ndarray | None = None,
    moving_mask: np.ndarray | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """4x4 matrix that takes RAS mm in the fixed image to RAS mm in the moving image (pull-back).

    With both masks their centroids are matched first; a mask also limits where likeness is measured.
    """
    options, progress = options or AffineOptions(), progress or Progress()
    check_image(fixed, "fixed image")
    check_image(moving, "moving image")
    for mask in (fixed_mask, moving_mask):
        if mask is not None and not mask.any():
            raise InputError("The mask is empty: give one that covers the organ, or none.")
    progress(0.0, "Aligning")
    transform = _start(fixed, moving, fixed_mask, moving_mask, options)
    method = _method(fixed, options, transform)
    if fixed_mask is not None:
        method.SetMetricFixedMask(_mask(fixed, fixed_mask))
    if moving_mask is not None:
        method.SetMetricMovingMask(_mask(moving, moving_mask))
    try:
        method.Execute(itk_image(fixed), itk_image(moving))
    except RuntimeError as error:
        logger.info("alignment failed: %s", error)
        raise InputError(
            "The two images do not overlap enough to be aligned: give masks of the organ in both, or "
            "check that they show the same body part."
        ) from None
    progress(1.0, "Aligned")
    return _matrix_ras(transform)


def resampled(moving: Volume, grid: Grid, matrix: np.ndarray, outside: float | None = None) -> Volume:
    """Return moving image on ``grid`` through a matrix (fixed RAS to moving RAS); ``outside`` fills what it lacks."""
    from scipy.ndimage import map_coordinates

    points = grid.centers_ras_mm() @ matrix[:3, :3].T + matrix[:3, 3]
    fill = float(moving.array.min()) if outside is None else outside
    values = map_coordinates(
        moving.array.astype(np.float32),
        np.moveaxis(moving.kji_from_ras(points), -1, 0),
        order=1,
        mode="constant",
        cval=fill,
    )
    return grid.volume(values, moving.modality)


def then_affine(field: Field, matrix: np.ndarray) -> Field:
    """Return the field followed by a matrix: moving position = matrix (x + u(x)), on the field's grid."""
    targets = field.targets_ras_mm() @ matrix[:3, :3].T + matrix[:3, 3]
    return Field((targets - field.grid.centers_ras_mm()).astype(np.float32), field.grid)


def _start(
    fixed: Volume, moving: Volume, fixed_mask: np.ndarray | None, moving_mask: np.ndarray | None, options: AffineOptions
) -> sitk.Transform:
    centers = [_center_lps(volume, mask) for volume, mask in ((fixed, fixed_mask), (moving, moving_mask))]
    offset = (centers[1] - centers[0]).tolist()
    if options.kind == "translation":
        return sitk.TranslationTransform(3, offset)
    transform = sitk.Euler3DTransform() if options.kind == "rigid" else sitk.AffineTransform(3)
    transform.SetCenter(centers[0].tolist())
    transform.SetTranslation(offset)
    return transform


def _center_lps(volume: Volume, mask: np.ndarray | None) -> np.ndarray:
    index = (np.array(volume.array.shape) - 1) / 2 if mask is None else np.argwhere(mask).mean(0)
    return flip_lps_ras(volume.ras_from_kji(index))


def _method(fixed: Volume, options: AffineOptions, transform: sitk.Transform) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(options.sampled, seed=1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(MAX_STEP_MM, MIN_STEP_MM, options.iterations)
    method.SetOptimizerScalesFromPhysicalShift()
    spacing = float(np.median(fixed.spacing_kji_mm))
    method.SetShrinkFactorsPerLevel([max(1, round(size / spacing)) for size in options.levels_mm])
    method.SetSmoothingSigmasPerLevel([size / 2 for size in options.levels_mm])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(transform, inPlace=True)
    return method


def _mask(volume: Volume, mask: np.ndarray) -> sitk.Image:
    return itk_image(volume.with_array(mask.astype(np.uint8)))


def _matrix_ras(transform: sitk.Transform) -> np.ndarray:
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(transform.TransformPoint(tuple(axis))) - origin for axis in np.eye(3)]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.stack(columns, 1), origin
    return affine_in_other_frame(matrix)
