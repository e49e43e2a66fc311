"""What the classical detector searches: the box around the lungs at about 1 mm, thick slices left as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from LungNoduleAILib.anatomy.hull import hull_depth_mm
from LungNoduleAILib.anatomy.lung_box import lung_box
from LungNoduleAILib.model.anatomy import AIRWAY, RLL, Anatomy
from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume

STEP_MM = 1.0
MARGIN_MM = 12.0
FAR_FROM_AIRWAY_MM = 80.0


@dataclass(frozen=True, eq=False)
class SearchMaps:
    """HU (float32), filled lungs and airways (bool) on the voxels (k, j, i) of ``grid``.

    ``depth_mm``: distance to the border of the lungs, positive inside; ``airway_mm``: to trachea and main bronchi;
    ``hull_mm``: like depth, of lungs closed so far that a mass on the wall lies inside and the wall outside.
    """

    hu: np.ndarray
    lung: np.ndarray
    airway: np.ndarray
    depth_mm: np.ndarray
    airway_mm: np.ndarray
    hull_mm: np.ndarray
    grid: Grid

    def coarser(self, step_mm: float) -> SearchMaps:
        """Every n-th voxel of this grid, n so that steps come close to ``step_mm``; HU are averaged over the block."""
        n = np.maximum(1, np.round(step_mm / self.grid.spacing_kji_mm)).astype(int)
        shape = np.array(self.hu.shape) // n
        middle = tuple(slice(int(s - 1) // 2, int(m * s), int(s)) for m, s in zip(shape, n, strict=True))
        whole = tuple(slice(0, size) for size in self.hu.shape)

        def picked(array: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(array[middle])

        return SearchMaps(
            block_mean(self.hu, n),
            picked(self.lung),
            picked(self.airway),
            picked(self.depth_mm),
            picked(self.airway_mm),
            picked(self.hull_mm),
            self.grid.part(whole, n),
        )


def make_search_maps(volume: Volume, anatomy: Anatomy) -> SearchMaps | None:
    """Return what is searched around the lungs of ``anatomy`` (LPS order); None when there are no lungs."""
    import edt

    spacing = volume.spacing_kji_mm
    box = lung_box(anatomy.labels, spacing, MARGIN_MM)
    if box is None:
        return None
    step = np.maximum(STEP_MM / spacing, 1.0)
    size = [max(1, int((b.stop - b.start - 1) / s) + 1) for b, s in zip(box, step, strict=True)]
    crop = np.ascontiguousarray(volume.array[box])
    labels = np.ascontiguousarray(anatomy.labels[box])
    lung = (labels > 0) & (labels < AIRWAY)
    hu = _resample(crop, step, size, sitk.sitkLinear)
    lung = _resample(lung.astype(np.uint8), step, size, sitk.sitkNearestNeighbor) > 0
    airway = _resample((labels == AIRWAY).astype(np.uint8), step, size, sitk.sitkNearestNeighbor) > 0
    fine = tuple(float(s) for s in spacing * step)
    depth = edt.edt(lung, anisotropy=fine) - edt.edt(~lung, anisotropy=fine)
    airway_mm = np.minimum(edt.edt(~airway, anisotropy=fine), FAR_FROM_AIRWAY_MM)
    right = _resample(((labels > 0) & (labels <= RLL)).astype(np.uint8), step, size, sitk.sitkNearestNeighbor) > 0
    hull = np.maximum(hull_depth_mm(right, spacing * step), hull_depth_mm(lung & ~right, spacing * step))
    grid = Grid.of(volume).stepped([b.start for b in box], step, size)
    return SearchMaps(hu.astype(np.float32), lung, airway, depth, airway_mm, hull, grid)


def _resample(array: np.ndarray, step_kji: np.ndarray, size_kji: list[int], interpolator: int) -> np.ndarray:
    if np.allclose(step_kji, 1.0):
        return array
    image = sitk.GetImageFromArray(array)
    resampled = sitk.Resample(
        image,
        size_kji[::-1],
        sitk.Transform(),
        interpolator,
        [0.0] * 3,
        [float(s) for s in step_kji[::-1]],
        [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0],
        0,
        image.GetPixelID(),
    )
    return sitk.GetArrayFromImage(resampled)
