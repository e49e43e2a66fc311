"""How deep a place lies in its lung and in the lung's hull: distances on a coarse grid of the whole CT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.hull import hull_depth_mm
from LungNoduleAILib.model.anatomy import Anatomy
from ThoraxAILib.image.volume import Volume

STEP_MM = 2.0


class LungDepth:
    """Distance in mm from any voxel position of a CT to the border of the filled lungs, 0 outside them."""

    def __init__(self, volume: Volume, anatomy: Anatomy) -> None:
        import edt

        self._strides = np.maximum(1, (STEP_MM / volume.spacing_kji_mm).astype(int))
        sampled = tuple(slice(None, None, int(s)) for s in self._strides)
        coarse = replace(anatomy, labels=np.ascontiguousarray(anatomy.labels[sampled]), structures=None)
        spacing = tuple(float(s) for s in volume.spacing_kji_mm * self._strides)
        # Half a coarse voxel lies between the last lung voxel's centre and the border.
        inside_mm = edt.edt(coarse.lungs, anisotropy=spacing, black_border=True)
        self._depth_mm = np.maximum(inside_mm - 0.5 * min(spacing), 0.0)

        self._hull_mm = np.maximum(
            *(
                hull_depth_mm(side, self._strides * volume.spacing_kji_mm)
                for side in (coarse.right_lung, coarse.left_lung)
            )
        )

    def hull_at(self, points_kji: np.ndarray) -> np.ndarray:
        """Depth in mm inside the hull of the lungs at CT voxel positions (..., 3), negative outside."""
        nearest = np.round(np.asarray(points_kji) / self._strides).astype(int)
        return self._hull_mm[tuple(np.moveaxis(np.clip(nearest, 0, np.array(self._hull_mm.shape) - 1), -1, 0))]

    def at(self, points_kji: np.ndarray) -> np.ndarray:
        """Depth in mm at CT voxel positions (n, 3) in (k, j, i) order."""
        return ndi.map_coordinates(self._depth_mm, (np.asarray(points_kji) / self._strides).T, order=1, mode="nearest")
