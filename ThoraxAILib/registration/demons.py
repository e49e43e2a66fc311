"""Diffeomorphic Demons of SimpleITK, an engine that needs no PyTorch (Vercauteren et al., NeuroImage 45:S61, 2009)."""

from __future__ import annotations

import time

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.inputs import check_image, check_same_grid, normalized
from ThoraxAILib.registration.itk_images import field_from_image, itk_image
from ThoraxAILib.registration.result import Registration

LEVELS = ((4, 60), (2, 60), (1, 40))
SMOOTHING_MM = 2.5


def register_demons(fixed: Volume, moving: Volume, progress: Progress | None = None) -> Registration:
    """Return field on the fixed grid by three levels of diffeomorphic Demons; knows no tissue and no local contrast."""
    progress = progress or Progress()
    check_image(fixed, "fixed image")
    check_image(moving, "moving image")
    check_same_grid(fixed, "fixed image", moving, "moving image")
    started = time.perf_counter()
    images = [itk_image(volume.with_array(normalized(volume.array))) for volume in (fixed, moving)]
    displacement: sitk.Image | None = None
    for number, (factor, iterations) in enumerate(LEVELS):
        progress(number / len(LEVELS), "Registering")
        small_fixed, small_moving = (_shrunk(image, factor) for image in images)
        displacement = _level(small_fixed, small_moving, iterations, displacement)
    if displacement is None:
        raise ValueError("demons need at least one level")
    displacement = sitk.Resample(
        displacement, images[0], sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkVectorFloat64, True
    )
    found = field_from_image(displacement)
    field = Field(found.displacement_ras_mm, Grid.of(fixed))
    return Registration(field, (field,), float("nan"), float("nan"), time.perf_counter() - started)


def _level(fixed: sitk.Image, moving: sitk.Image, iterations: int, start: sitk.Image | None) -> sitk.Image:
    demons = sitk.DiffeomorphicDemonsRegistrationFilter()
    demons.SetNumberOfIterations(iterations)
    demons.SetSmoothDisplacementField(True)
    demons.SetStandardDeviations([max(SMOOTHING_MM / size, 0.5) for size in fixed.GetSpacing()])
    if start is None:
        return demons.Execute(fixed, moving)
    return demons.Execute(
        fixed, moving, sitk.Resample(start, fixed, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkVectorFloat64, True)
    )


def _shrunk(image: sitk.Image, factor: int) -> sitk.Image:
    """Shrink axes by up to ``factor``, but thick slices only as far as keeps voxels cubic."""
    finest = min(image.GetSpacing())
    factors = [max(1, min(factor, round(factor * finest / size))) for size in image.GetSpacing()]
    sigmas = [max(0.4 * n * size, 1e-3) if n > 1 else 1e-3 for n, size in zip(factors, image.GetSpacing(), strict=True)]
    smooth = sitk.SmoothingRecursiveGaussian(image, sigmas) if max(factors) > 1 and min(image.GetSize()) >= 4 else image
    return sitk.Shrink(smooth, np.array(factors, dtype=int).tolist())
