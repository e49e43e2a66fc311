"""The coarser grid on which lungs are found: block means of about 1.8 mm, aligned with the voxels of the CT.

Block means are exact (no interpolation), quiet the noise of sharp kernels, and map back by position.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.image.boxes import Box
from ThoraxAILib.image.tuples import three

TARGET_MM = 1.8


@dataclass(frozen=True, eq=False)
class WorkGrid:
    """HU on the work grid, float32 (k, j, i); ``factors_kji`` CT voxels make one of its voxels along each axis."""

    hu: np.ndarray
    spacing_kji_mm: np.ndarray
    factors_kji: tuple[int, int, int]
    full_shape: tuple[int, int, int]

    @property
    def voxel_mm3(self) -> float:
        """Volume of one work voxel in mm3."""
        return float(np.prod(self.spacing_kji_mm))

    def part(self, box: Box) -> WorkGrid:
        """HU inside a box of this grid; its masks must be put back into the whole grid before they go to the CT."""
        return replace(self, hu=np.ascontiguousarray(self.hu[box]))

    def mask_to_full(self, mask: np.ndarray) -> np.ndarray:
        """A work mask on the grid of the CT (bool), its border smoothed by linear interpolation."""
        soft = _resample_to_full(self, mask.astype(np.uint8) * 200, sitk.sitkLinear)
        return soft >= 100

    def labels_to_full(self, labels: np.ndarray) -> np.ndarray:
        """Work labels (uint8) on the grid of the CT, nearest neighbor."""
        return _resample_to_full(self, labels, sitk.sitkNearestNeighbor)


def make_work_grid(hu: np.ndarray, spacing_kji_mm: np.ndarray, target_mm: float = TARGET_MM) -> WorkGrid:
    """Block means of an HU array (k, j, i) with voxels close to, and at least about, ``target_mm``."""
    nearest = (int(max(1, round(target_mm / s))) for s in spacing_kji_mm)
    factors = three(min(f, n) for f, n in zip(nearest, hu.shape, strict=True))
    image = sitk.GetImageFromArray(hu)
    if max(factors) > 1:
        image = sitk.BinShrink(image, [int(f) for f in factors[::-1]])
    work = sitk.GetArrayFromImage(image).astype(np.float32)
    return WorkGrid(work, np.asarray(spacing_kji_mm) * factors, factors, three(hu.shape))


def _resample_to_full(grid: WorkGrid, array: np.ndarray, interpolator: int) -> np.ndarray:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing([float(f) for f in grid.factors_kji[::-1]])
    image.SetOrigin([(f - 1) / 2 for f in grid.factors_kji[::-1]])
    # The border of the CT lies half a work voxel outside the outermost work centers: extend instead of cutting.
    nearest = sitk.ConstantPad(image, [1, 1, 1], [1, 1, 1]) if min(array.shape) < 2 else _edge_pad(image)
    reference_size = [int(n) for n in grid.full_shape[::-1]]
    resampled = sitk.Resample(
        nearest,
        reference_size,
        sitk.Transform(),
        interpolator,
        [0.0] * 3,
        [1.0] * 3,
        [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0],
        0,
        sitk.sitkUInt8,
    )
    return sitk.GetArrayFromImage(resampled)


def _edge_pad(image: sitk.Image) -> sitk.Image:
    return sitk.ZeroFluxNeumannPad(image, [2, 2, 2], [2, 2, 2])
