"""From the work grid back to the voxels of the CT: smooth outer borders, and the box in which anything is computed."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.work_grid import WorkGrid
from LungNoduleAILib.model.anatomy import AIRWAY
from ThoraxAILib.image.boxes import Box, mask_box

MARGIN_MM = 20.0


def box_around(mask: np.ndarray, spacing_kji_mm: np.ndarray) -> Box:
    """All slices, in-plane the box around a mask with its margin; everything when the mask is empty."""
    within = mask_box(np.any(mask, axis=0), np.ceil(MARGIN_MM / spacing_kji_mm[1:]).astype(int))
    return (slice(0, mask.shape[0]), *(within or (slice(0, n) for n in mask.shape[1:])))


def labels_on_ct(grid: WorkGrid, box: Box, lobes: np.ndarray, airways: np.ndarray) -> np.ndarray:
    """Labels with smooth outer borders: the mask is interpolated, the lobe is that of the nearest work voxel.

    ``lobes`` (uint8) and ``airways`` (bool) lie on the box of the work grid.
    """
    whole = np.zeros(grid.hu.shape, np.uint8)
    whole[box] = lobes
    labels = grid.labels_to_full(_spread(whole))
    labels[~grid.mask_to_full(whole > 0)] = 0
    if airways.any():
        lumen = np.zeros(grid.hu.shape, bool)
        lumen[box] = airways
        labels[grid.mask_to_full(lumen)] = AIRWAY
    return labels


def _spread(labels: np.ndarray) -> np.ndarray:
    """Labels grown by two voxels, so that interpolated borders always find one."""
    spread = labels
    for _ in range(2):
        grown = spread.copy()
        for axis in range(3):
            for step in (1, -1):
                moved = np.roll(spread, step, axis)
                grown = np.where(grown == 0, moved, grown)
        spread = grown
    return spread
