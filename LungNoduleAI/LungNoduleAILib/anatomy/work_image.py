"""The coarser image in which lungs are found: block means of about 1.8 mm, aligned with the voxels of the CT.

Block means are exact (no interpolation), quiet the noise of sharp kernels, and map back by position.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.image.boxes import Box, in_plane_box, mask_box
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

TARGET_MM = 1.8
PAD = 2  # work voxels
SLAB_SLICES = 32
IN_MASK = 200.0
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
        full = np.zeros(self.ct_shape_kji, bool)
        box = mask_box(mask)
        if box is None:
            return full
        padded = _padded(mask) * IN_MASK
        k, j, i = (
            _Steps(span, places)
            for span, places in zip(box, _places_kji(self.factors_kji, self.ct_shape_kji), strict=True)
        )
        planes = {n: j.between(i.between(padded[n], 1), 0) for n in range(k.low[0], k.low[-1] + 2)}
        for plane, low, share in zip(range(k.start, k.stop), k.low, k.share, strict=True):
            soft = planes[low] + (planes[low + 1] - planes[low]) * share
            full[plane, j.start : j.stop, i.start : i.stop] = soft >= IN_MASK / 2
        return full

    def labels_to_full(self, labels: np.ndarray) -> np.ndarray:
        """Work labels (uint8) on the grid of the CT, nearest neighbor."""
        padded = _padded(labels)
        k, j, i = (np.arange(n) // f + PAD for n, f in zip(self.ct_shape_kji, self.factors_kji, strict=True))
        full = np.empty(self.ct_shape_kji, labels.dtype)
        for first in range(0, len(k), self.factors_kji[0]):
            full[first : first + self.factors_kji[0]] = padded[k[first]][np.ix_(j, i)]
        return full


class _Steps:
    """Linear interpolation along one axis for CT voxels ``start`` to ``stop``, all those near a box of work voxels.

    A CT voxel lies ``share`` of the way from the padded work voxel ``low`` to the next one.
    """

    def __init__(self, span: slice, places: np.ndarray) -> None:
        near = np.flatnonzero((places > span.start - 1) & (places < span.stop))
        self.start, self.stop = int(near[0]), int(near[-1]) + 1
        below = np.floor(places[self.start : self.stop])
        self.low = below.astype(int) + PAD
        self.share = places[self.start : self.stop] - below

    def between(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Values (rows, columns) interpolated along ``axis``."""
        low = values.take(self.low, axis)
        return low + (values.take(self.low + 1, axis) - low) * (self.share if axis else self.share[:, None])


def _places_kji(factors_kji: tuple[int, ...], ct_shape_kji: tuple[int, ...]) -> list[np.ndarray]:
    """Where the voxels of the CT lie along each axis of the work grid, in work voxels.

    Calculated as itk::ResampleImageFilter does, along i from the two ends of a row: what lies half way between two work
    voxels falls to one of them by the rounding of this.
    """
    places = [(np.arange(n) - (f - 1) / 2) * (1 / f) for f, n in zip(factors_kji, ct_shape_kji, strict=True)]
    factor, size = factors_kji[2], ct_shape_kji[2]
    first, after = ((end - (factor - 1) / 2) * (1 / factor) for end in (0, size))
    return [*places[:2], first + np.arange(size) / size * (after - first)]


def make_work_image(volume: Volume, target_mm: float = TARGET_MM) -> WorkImage:
    """Block means of a volume (HU) with voxels close to, and at least about, ``target_mm``."""
    shape = three(volume.array.shape)
    nearest = (int(max(1, round(target_mm / s))) for s in volume.spacing_kji_mm)
    factors = three(min(f, n) for f, n in zip(nearest, shape, strict=True))
    work = np.empty([n // f for n, f in zip(shape, factors, strict=True)], np.float32)
    slab = max(1, SLAB_SLICES // factors[0])  # work slices that are made at a time: no second copy of the CT
    for start in range(0, len(work), slab):
        stop = min(start + slab, len(work))
        part = sitk.GetImageFromArray(volume.array[start * factors[0] : stop * factors[0]])
        shrunk = sitk.BinShrink(part, [int(f) for f in factors[::-1]]) if max(factors) > 1 else part
        work[start:stop] = sitk.GetArrayViewFromImage(shrunk)
    return WorkImage(work, Grid.of(volume).part(tuple(slice(0, n) for n in shape), factors), factors, shape)


def _padded(array: np.ndarray) -> np.ndarray:
    """Return the array with its border repeated (a single slice is surrounded by nothing).

    The border of the CT lies half a work voxel outside the outermost work centers: extend instead of cutting.
    """
    return np.pad(array, PAD) if min(array.shape) < 2 else np.pad(array, PAD, mode="edge")
