"""Air that no body encloses, though something thin does: under a blanket, in clothes, in the foam of a table or a mask.

Around lung lie walls of the body that are thick everywhere but where the field of view cuts them. Around loose air lie
sheets of cloth or plastic, and the body on one side at most.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.work_image import WorkImage

TISSUE_HU = -400.0
SHEET_MM = 7.0  # what is thinner than this is no wall: folded blankets, head rests
REACH_MM = 6.0  # from a region to its wall
MIN_AREA_MM2 = 400.0  # of a region in a slice; smaller ones are bronchi, gas and folds
WALLED_SHARE = 0.5  # of the outline of a region; lungs of the real chests at hand measure 0.9 and more


def loose_air(work: WorkImage, air: np.ndarray) -> np.ndarray:
    """Return the part of ``air`` (bool, work grid) that lies, slice by slice, in regions without a wall of tissue."""
    import cc3d

    loose = np.zeros_like(air)
    pixel_mm2 = float(work.spacing_kji_mm[1] * work.spacing_kji_mm[2])
    for k, plane in enumerate(air):
        labels = cc3d.connected_components(plane, connectivity=4)
        areas_mm2 = np.bincount(labels.ravel()) * pixel_mm2
        areas_mm2[0] = 0.0
        large = np.flatnonzero(areas_mm2 >= MIN_AREA_MM2)
        if len(large):
            near_wall = _near_wall(work.hu[k], work.spacing_kji_mm[1:])
            for label in large:
                region = labels == label
                if _walled_share(region, near_wall) < WALLED_SHARE:
                    loose[k] |= region
    return loose


def _near_wall(hu: np.ndarray, spacing_ji_mm: np.ndarray) -> np.ndarray:
    """Where a thick piece of tissue lies within REACH_MM, in one slice."""
    import edt

    spacing = tuple(float(s) for s in spacing_ji_mm)
    deep = edt.edt(np.pad(hu > TISSUE_HU, 1, mode="edge"), anisotropy=spacing)[1:-1, 1:-1] > SHEET_MM / 2
    return edt.edt(~deep, anisotropy=spacing) <= SHEET_MM / 2 + REACH_MM if deep.any() else deep


def _walled_share(region: np.ndarray, near_wall: np.ndarray) -> float:
    """Return which share of a region's outer outline lies near a wall; the border of the image does not count."""
    filled = ndi.binary_fill_holes(region)
    outline = filled & ~ndi.binary_erosion(filled, border_value=1)
    return float(near_wall[outline].mean()) if outline.any() else 1.0
