"""Air in the pleural space: a thick layer as dark as free air, without vessels, along the wall of the chest."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.opacity.coarse_chest import CoarseChest

FREE_AIR_HU = -972.0
THICK_MM = 5.0
WALL_MM = 9.0
WALL_SHARE = 0.08  # of its voxels that lie along the wall
MIN_AIR_ML = 50.0
RING_MM = (3.0, 10.0)
EDGE_MM = 6.0  # of the lungs, where wall and air average
RING_SHARE = 0.1  # of what surrounds it that is lung
DARKER_HU = 50.0  # than the lung beside it: emphysema and a scanner whose air is too dark fade into it


def find_pleural_air(chest: CoarseChest) -> list[np.ndarray]:
    """Return the parts (bool, k, j, i) of both lungs that look like pleural air, the largest first."""
    import cc3d
    import edt

    lungs = chest.lungs
    dark = chest.opened(lungs & (chest.hu < FREE_AIR_HU), THICK_MM)
    if not dark.any():
        return []
    depth = edt.edt(lungs, anisotropy=chest.spacing_mm)
    found = []
    labels = cc3d.connected_components(dark, connectivity=6)
    for label in np.argsort(-np.bincount(labels.ravel())[1:]) + 1:
        part = labels == label
        if part.sum() * chest.voxel_ml < MIN_AIR_ML:
            break
        if (depth[part] < WALL_MM).mean() > WALL_SHARE and _is_darker(chest, part, dark):
            found.append(part)
    return found


def _is_darker(chest: CoarseChest, part: np.ndarray, dark: np.ndarray) -> bool:
    """Whether a part is clearly darker than the lung a few millimetres beside it."""
    shell = chest.within_mm(part, RING_MM[1]) & ~chest.within_mm(part, RING_MM[0])
    ring = shell & chest.deeper_mm(chest.lungs, EDGE_MM) & ~dark
    if ring.sum() <= RING_SHARE * shell.sum():
        return False
    return float(np.median(chest.hu[ring]) - np.median(chest.hu[part])) > DARKER_HU
