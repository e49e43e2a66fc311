"""Which air in a CT is lung: not the room, not the table foam, not bowel, and not what a cropped field of view shows.

Density alone cannot tell: scatter at the edge of a narrow field of view lifts room air to -880 HU, emphysema lowers
lung to -950. Two other things tell: in an axial slice lung air is surrounded by body while room air runs along the
border, and lung is full of vessels that show as small islands in its slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.loose_air import loose_air
from LungNoduleAILib.anatomy.work_image import WorkImage

AIR_HU = -400.0
HUGS_BORDER = 1.2  # length along the slice border / sqrt(area) of a region that belongs to the room
MIN_PART_ML = 40.0
MIN_SHARE = 0.06  # of the largest part
BOWEL_MEAN_HU = -965.0  # lung keeps vessels and walls in its mean; gas in the bowel does not
ISLAND_AREA_MM2 = 120.0
# Measured on eight CTs (four chests, four crops): lung 0.003-0.034, room and table 0-0.0006.
MIN_ISLAND_SHARE = 0.0015
CROPPED_LUNG_MEAN_HU = -900.0
# Gas of the bowel away from its wall lies below -925 HU and holds no vessels (six synthetic abdomens: share of islands
# mostly 0, at most 0.005 in loops up to 160 mL); lungs that dark measured 0.003 or more and are large.
GAS_CORE_HU = -900.0
SMALL_GAS_ML = 500.0
TOUCHING_MM2 = 500.0
WIDELY_TOUCHING = 1.0  # border area / volume^(2/3); a lung cut a little stays below 0.3, rooms lie above 2


@dataclass(frozen=True, eq=False)
class LungAir:
    """Lung-like air with airways still inside, bool on the work grid, and how much of it lies on the slice border.

    ``loose`` is air outside of the body that something thin encloses (bool); None where that was not asked.
    """

    mask: np.ndarray
    border_mm2: float
    loose: np.ndarray | None = None


def find_lung_air(work: WorkImage) -> LungAir:
    """Lung air on the work grid; an empty mask when nothing lung-like is there."""
    air = work.hu < AIR_HU
    loose = loose_air(work, air)
    air &= ~loose
    room = _border_hugging(air, work.spacing_kji_mm)
    islands = _islands(air, work.spacing_kji_mm)
    mask = _lung_like_parts(air & ~room, islands, work) | _lung_like_parts(air & room, islands, work)
    mask = _without_small_parts(_whole_regions(air, mask), work)
    return LungAir(mask, float(border_area_mm2(mask.view(np.uint8), 2, work)[1]), loose)


def border_area_mm2(labels: np.ndarray, count: int, work: WorkImage) -> np.ndarray:
    """Area in mm2 of every label (0..count-1) on the in-plane border of the volume."""
    dk, dj, di = work.spacing_kji_mm
    across_i = np.bincount(labels[:, :, [0, -1]].ravel(), minlength=count) * dk * dj
    across_j = np.bincount(labels[:, [0, -1], :].ravel(), minlength=count) * dk * di
    return across_i + across_j


def _border_hugging(air: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Air whose region, slice by slice, runs along the border of the slice."""
    import cc3d

    room = np.zeros_like(air)
    pixel_mm2 = float(spacing_kji_mm[1] * spacing_kji_mm[2])
    for k, plane in enumerate(air):
        labels = cc3d.connected_components(plane, connectivity=4)
        count = int(labels.max()) + 1
        area_mm2 = np.bincount(labels.ravel(), minlength=count) * pixel_mm2
        along_j = np.bincount(np.concatenate([labels[:, 0], labels[:, -1]]), minlength=count) * spacing_kji_mm[1]
        along_i = np.bincount(np.concatenate([labels[0], labels[-1]]), minlength=count) * spacing_kji_mm[2]
        hugs = (along_j + along_i) > HUGS_BORDER * np.sqrt(np.maximum(area_mm2, 1.0))
        hugs[0] = False
        room[k] = hugs[labels]
    return room


def _islands(air: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Small regions of tissue that air surrounds within their slice: cut vessels."""
    import cc3d

    islands = np.zeros_like(air)
    pixel_mm2 = float(spacing_kji_mm[1] * spacing_kji_mm[2])
    for k, plane in enumerate(air):
        labels = cc3d.connected_components(~plane, connectivity=8)
        small = np.bincount(labels.ravel()) * pixel_mm2 < ISLAND_AREA_MM2
        for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            small[border] = False
        small[0] = False
        islands[k] = small[labels]
    return islands


def _lung_like_parts(mask: np.ndarray, islands: np.ndarray, work: WorkImage) -> np.ndarray:
    """Return connected parts that are large, denser than bowel gas and, where they touch the border, hold vessels."""
    import cc3d

    labels = cc3d.connected_components(mask, connectivity=6)
    voxels = np.bincount(labels.ravel())
    mean_hu = np.bincount(labels.ravel(), weights=work.hu.ravel()) / np.maximum(voxels, 1)
    around = ndi.grey_dilation(labels, size=(1, 3, 3))[islands]
    island_share = np.bincount(around, minlength=len(voxels)) / np.maximum(voxels, 1)
    border_mm2 = border_area_mm2(labels, len(voxels), work)
    widely = border_mm2 > WIDELY_TOUCHING * np.maximum(voxels * work.voxel_mm3, 1.0) ** (2 / 3)
    keep = voxels * work.voxel_mm3 / 1000.0 >= MIN_PART_ML
    keep &= mean_hu > np.where(widely, CROPPED_LUNG_MEAN_HU, BOWEL_MEAN_HU)
    keep &= (border_mm2 < TOUCHING_MM2) | (island_share > MIN_ISLAND_SHARE)
    small = voxels * work.voxel_mm3 / 1000.0 < SMALL_GAS_ML
    keep &= (_core_hu(labels, work.hu) > GAS_CORE_HU) | ~(small | (island_share < MIN_ISLAND_SHARE))
    keep[0] = False
    return keep[labels]


def _core_hu(labels: np.ndarray, hu: np.ndarray) -> np.ndarray:
    """Mean HU of every label away from its border; 0 for labels without such voxels."""
    core = ndi.binary_erosion(labels > 0)
    count = int(labels.max()) + 1
    inside = labels[core]
    return np.bincount(inside, hu[core], minlength=count) / np.maximum(np.bincount(inside, minlength=count), 1)


def _whole_regions(air: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Parts together with the rest of every air region that they mostly make up (slices that were told apart)."""
    import cc3d

    labels = cc3d.connected_components(air, connectivity=6)
    covered = np.bincount(labels.ravel(), weights=parts.ravel())
    mostly = covered > 0.6 * np.bincount(labels.ravel())
    mostly[0] = False
    return parts | mostly[labels]


def _without_small_parts(mask: np.ndarray, work: WorkImage) -> np.ndarray:
    import cc3d

    labels = cc3d.connected_components(mask, connectivity=6)
    voxels = np.bincount(labels.ravel())
    voxels[0] = 0
    return (voxels >= max(MIN_SHARE * voxels.max(), 1))[labels]
