"""The coarser image in which lungs are found: block means of about 1.8 mm, aligned with the voxels of the CT.

Block means are exact (no interpolation), quiet the noise of sharp kernels, and map back by position.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.image.boxes import Box, in_plane_box
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

TARGET_MM = 1.8
MARGIN_MM = 20.0  # around what is looked at more closely


@dataclass(frozen=True, eq=False)
class WorkImage:
    """HU on the work grid, float32 (k, j, i); ``factors_kji`` CT voxels make one of its voxels along each axis.

    ``ct_shape_kji`` is the shape of the CT, which the work grid covers but for what is left over at the ends.
    """

    hu: np.ndarray
    grid: Grid
    factors_kji: tuple[int, int, int]
    ct_shape_kji: tuple[int, int, int]

    @property
    def spacing_kji_mm(self) -> np.ndarray:
        """Size of a work voxel along the array axes k, j, i in mm."""
        return self.grid.spacing_kji_mm

    @property
    def voxel_mm3(self) -> float:
        """Volume of one work voxel in mm3."""
        return float(np.prod(self.spacing_kji_mm))

    def box_around(self, mask: np.ndarray) -> Box:
        """Return the box in which anything is computed: all slices, in-plane the mask with a margin."""
        return in_plane_box(mask, self.spacing_kji_mm, MARGIN_MM)

    def part(self, box: Box) -> WorkImage:
        """HU inside a box of this image; its masks must be put back into the whole before they go to the CT."""
        return replace(self, hu=np.ascontiguousarray(self.hu[box]), grid=self.grid.part(box))

    def mask_to_full(self, mask: np.ndarray) -> np.ndarray:
        """Return a work mask on the grid of the CT (bool), its border smoothed by linear interpolation."""
        soft = _resample_to_full(self, mask.astype(np.uint8) * 200, sitk.sitkLinear)
        return soft >= 100

    def labels_to_full(self, labels: np.ndarray) -> np.ndarray:
        """Work labels (uint8) on the grid of the CT, nearest neighbor."""
        return _resample_to_full(self, labels, sitk.sitkNearestNeighbor)


def make_work_image(volume: Volume, target_mm: float = TARGET_MM) -> WorkImage:
    """Block means of a volume (HU) with voxels close to, and at least about, ``target_mm``."""
    shape = three(volume.array.shape)
    nearest = (int(max(1, round(target_mm / s))) for s in volume.spacing_kji_mm)
    factors = three(min(f, n) for f, n in zip(nearest, shape, strict=True))
    image = sitk.GetImageFromArray(volume.array)
    if max(factors) > 1:
        image = sitk.BinShrink(image, [int(f) for f in factors[::-1]])
    work = sitk.GetArrayFromImage(image).astype(np.float32)
    return WorkImage(work, Grid.of(volume).part(tuple(slice(0, n) for n in shape), factors), factors, shape)


def _resample_to_full(work: WorkImage, array: np.ndarray, interpolator: int) -> np.ndarray:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing([float(f) for f in work.factors_kji[::-1]])
    image.SetOrigin([(f - 1) / 2 for f in work.factors_kji[::-1]])
    # The border of the CT lies half a work voxel outside the outermost work centers: extend instead of cutting.
    nearest = sitk.ConstantPad(image, [1, 1, 1], [1, 1, 1]) if min(array.shape) < 2 else _edge_pad(image)
    reference_size = [int(n) for n in work.ct_shape_kji[::-1]]
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
