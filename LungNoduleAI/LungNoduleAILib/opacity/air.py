"""Air in the pleural space: a thick layer as dark as free air, without vessels, along the wall of the chest."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.opacity.coarse_chest import CoarseChest

FREE_AIR_HU = -972.0
THICK_MM = 5.0
WALL_MM = 9.0
WALL_SHARE = 0.08  # of its voxels that lie along the wall
MIN_AIR_ML = 40.0


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
        if (depth[part] < WALL_MM).mean() > WALL_SHARE:
            found.append(part)
    return found
