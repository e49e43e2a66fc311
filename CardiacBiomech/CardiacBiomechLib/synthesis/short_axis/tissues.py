"""The tissues of a short-axis image, and which of them a reader labels as cavity, wall or neighbor of the heart."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from CardiacBiomechLib.model.heart_classes import LV, MYOCARDIUM, NEIGHBOR, RV


class Tissue(IntEnum):
    """Codes of a rendered scene."""

    AIR = 0
    LUNG = 1
    LUNG_VESSEL = 2
    FAT = 3
    MUSCLE = 4
    BONE = 5
    LIVER = 6
    ORGAN = 7
    CONTENT = 8
    GAS = 9
    HEART_FAT = 10
    PERICARDIUM = 11
    RIGHT_WALL = 12
    RIGHT_BLOOD = 13
    RIGHT_TRABECULA = 14
    WALL = 15
    LEFT_BLOOD = 16
    PAPILLARY = 17
    LEFT_ATRIUM = 18
    RIGHT_ATRIUM = 19
    GREAT_VESSEL = 20
    VESSEL_WALL = 21
    AORTA = 22


LABEL_OF = np.zeros(len(Tissue), dtype=np.uint8)
for _tissue, _label in (
    (Tissue.RIGHT_BLOOD, RV),
    (Tissue.RIGHT_TRABECULA, RV),
    (Tissue.WALL, MYOCARDIUM),
    (Tissue.LEFT_BLOOD, LV),
    (Tissue.PAPILLARY, LV),
    (Tissue.LEFT_ATRIUM, NEIGHBOR),
    (Tissue.RIGHT_ATRIUM, NEIGHBOR),
    (Tissue.GREAT_VESSEL, NEIGHBOR),
):
    LABEL_OF[_tissue] = _label
