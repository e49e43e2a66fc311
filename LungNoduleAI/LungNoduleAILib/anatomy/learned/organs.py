"""The organs around the lungs on the voxels of the CT: the network says which, density says where bone and vessel end.

Each structure comes from what draws it best: heart, aorta and spine from the network, ribs and other bone from their
density near bone of the network, lung vessels from their density inside the lungs.
"""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.work_image import WorkImage
from LungNoduleAILib.model.anatomy import AORTA, BODY, BONE, HEART, LLL, LUNG_VESSEL, RUL, SPINE
from ThoraxAILib.image.reach import deeper_mm, within_mm
from ThoraxAILib.image.volume import Volume

BONE_HU = 200
VESSEL_HU = -500
NEAR_BONE_MM = 6.0
PLEURA_MM = 4.0
NEAR_BONE_BIT, INNER_BIT = 6, 7  # beside the numbers of the structures in one byte


def organs_on_ct(volume: Volume, work: WorkImage, best: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Anatomy.structures (uint8, grid of ``volume``) from the likeliest classes on the work grid and the lungs."""
    coarse, near_bone, inner = _zones(work, best, labels)
    zones = coarse | near_bone.astype(np.uint8) << NEAR_BONE_BIT | inner.astype(np.uint8) << INNER_BIT
    index = [
        np.minimum(np.arange(n) // f, m - 1)
        for n, f, m in zip(volume.array.shape, work.factors_kji, coarse.shape, strict=True)
    ]
    structures = np.empty(volume.array.shape, np.uint8)
    for start in range(0, len(structures), work.factors_kji[0]):  # CT slices that one slice of the work grid covers
        slab = slice(start, start + work.factors_kji[0])
        hu, lungs, part = volume.array[slab], labels[slab], structures[slab]
        seen = zones[index[0][start]][np.ix_(*index[1:])]
        part[:] = seen & (1 << NEAR_BONE_BIT) - 1
        np.putmask(part, (seen >> NEAR_BONE_BIT & 1).astype(bool) & (hu > BONE_HU), BONE)
        np.copyto(part, lungs, where=lungs > 0)
        inside = (seen >> INNER_BIT).astype(bool) & (lungs <= LLL) & (lungs >= RUL)
        np.putmask(part, inside & (hu > VESSEL_HU), LUNG_VESSEL)
    return structures


def _zones(work: WorkImage, best: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """On the work grid: the organs without lungs (uint8), where dense voxels are bone, and the inside of the lungs."""
    spacing = work.spacing_kji_mm
    coarse = np.where(np.isin(best, (HEART, AORTA, SPINE)), best, np.where(best > 0, BODY, 0)).astype(np.uint8)
    for organ in (HEART, AORTA, SPINE):
        whole = _largest(coarse == organ)
        coarse[(coarse == organ) & ~whole] = BODY
    bone = best == BONE
    near_bone = within_mm(bone, spacing, NEAR_BONE_MM) & (coarse == BODY)
    middle = tuple(slice(f // 2, None, f) for f in work.factors_kji)
    sampled = labels[middle][tuple(slice(0, n) for n in best.shape)]
    lungs = np.zeros(best.shape, bool)
    lungs[tuple(slice(0, n) for n in sampled.shape)] = (sampled >= RUL) & (sampled <= LLL)
    inner = deeper_mm(lungs, spacing, PLEURA_MM)
    return coarse, near_bone, inner


def _largest(mask: np.ndarray) -> np.ndarray:
    """Return the parts of a mask that hold at least a fifth of the largest one."""
    import cc3d

    labels = cc3d.connected_components(mask, connectivity=6)
    voxels = np.bincount(labels.ravel())
    voxels[0] = 0
    return (voxels >= 0.2 * voxels.max())[labels]
