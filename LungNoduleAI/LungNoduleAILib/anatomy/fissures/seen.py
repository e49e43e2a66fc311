"""The CT as fissures are looked for in it: all slices, pixels of about a millimeter, the part around the lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi
import SimpleITK as sitk

from LungNoduleAILib.anatomy.full_grid import Box
from LungNoduleAILib.anatomy.work_image import WorkImage
from ThoraxAILib.image.volume import Volume

PIXEL_MM = 1.2


@dataclass(frozen=True, eq=False)
class Seen:
    """HU (k, j, i) of voxels of ``spacing_mm``; the first voxel's centre lies ``first_mm`` from that of the lobes."""

    hu: np.ndarray
    spacing_mm: np.ndarray
    first_mm: np.ndarray

    def at(self, places_mm: np.ndarray) -> np.ndarray:
        """HU at places (3, ...) in mm from the first voxel of the lobes."""
        axes = (slice(None),) + (None,) * (places_mm.ndim - 1)
        voxels = (places_mm - self.first_mm[axes]) / self.spacing_mm[axes]
        return ndi.map_coordinates(self.hu, voxels, order=1, mode="nearest", output=np.float32)


def seen_around(volume: Volume, work: WorkImage, box: Box) -> Seen:
    """Return what a CT shows in a box of the work grid, whose first voxel is the first of the lobes."""
    spacing, work_spacing = np.array(volume.spacing_kji_mm), np.array(work.spacing_kji_mm)
    spans = [span.indices(n) for span, n in zip(box, work.hu.shape, strict=True)]
    start, stop = (np.array([span[end] for span in spans]) * work.factors_kji for end in (0, 1))
    part = volume.array[tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))]
    blocks = np.minimum([1, *(max(1, round(PIXEL_MM / s)) for s in spacing[1:])], part.shape)
    image = sitk.Cast(sitk.GetImageFromArray(np.ascontiguousarray(part)), sitk.sitkFloat32)
    hu = sitk.GetArrayFromImage(sitk.BinShrink(image, [int(b) for b in blocks[::-1]]))
    return Seen(hu, spacing * blocks, (spacing * blocks - work_spacing) / 2)
