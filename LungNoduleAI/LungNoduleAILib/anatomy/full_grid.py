"""From the work grid back to the voxels of the CT, with smooth outer borders."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.work_image import WorkImage
from LungNoduleAILib.model.anatomy import AIRWAY
from ThoraxAILib.image.boxes import Box


def labels_on_ct(work: WorkImage, box: Box, lobes: np.ndarray, airways: np.ndarray) -> np.ndarray:
    """Labels with smooth outer borders: the mask is interpolated, the lobe is that of the nearest work voxel.

    ``lobes`` (uint8) and ``airways`` (bool) lie on the box of the work grid.
    """
    whole = np.zeros(work.hu.shape, np.uint8)
    whole[box] = lobes
    labels = work.labels_to_full(_spread(whole))
    labels[~work.mask_to_full(whole > 0)] = 0
    if airways.any():
        lumen = np.zeros(work.hu.shape, bool)
        lumen[box] = airways
        labels[work.mask_to_full(lumen)] = AIRWAY
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
