"""Lungs from the network's *where* and the CT's *edge*: air near what the network calls lung, and thick airless parts.

Thresholds alone cannot tell bowel from lung nor see a consolidated lobe; a network of 3 mm voxels alone cannot draw a
pleura. Together: air is lung where the network agrees within a few millimetres, tissue is lung where the network
calls a piece of it lung that is too thick to be an inexact border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.anatomy.filling import fill_lungs
from LungNoduleAILib.anatomy.full_grid import Box
from LungNoduleAILib.anatomy.learned.prediction import Prediction
from LungNoduleAILib.anatomy.lung_air import MIN_SHARE, LungAir, border_area_mm2
from LungNoduleAILib.anatomy.sides import LEFT, RIGHT, flood_sides
from LungNoduleAILib.anatomy.work_image import WorkImage
from LungNoduleAILib.model.anatomy import AIRWAY, LLL, LUL, RLL, RML, RUL
from ThoraxAILib.image.reach import deeper_mm, within_mm

EDGE_HU = -400.0  # half way between aerated lung and soft tissue
AGREED = 0.5
AGREEMENT_MM = 6.0
ENCLOSED_SHARE = 0.9  # of the air the network calls lung, from which enclosed air alone says where lungs end
AGREED_SHARE = 0.4  # of a part of enclosed air, from which all of it is lung
THICK_MM = 5.0
MIN_PART_ML = 8.0
SEED_CHANCE, SEED_DEPTH_MM = 0.8, 4.0
LOBE_BLUR_MM = 3.0


@dataclass(frozen=True, eq=False)
class NetworkLungs:
    """Lung ``air`` on the work grid; on its box, filled ``sides`` (1 right, 2 left) and their ``lobes``."""

    air: LungAir
    sides: np.ndarray
    lobes: np.ndarray


def find_network_lungs(
    prediction: Prediction, box: Box, enclosed: np.ndarray, loose: np.ndarray, airways: np.ndarray
) -> NetworkLungs:
    """Return filled lungs with sides and lobes on a box of the work grid; all empty where the network sees no lung.

    ``enclosed`` is air that its surroundings tell to be lung, ``loose`` air outside of the body, ``airways`` the lumen
    of the large ones (bool, box).
    """
    work = prediction.work.part(box)
    chance = [prediction.on_work(prediction.chance[lobe], LOBE_BLUR_MM, box) for lobe in (RUL, RML, RLL, LUL, LLL)]
    right, left = chance[0] + chance[1] + chance[2], chance[3] + chance[4]
    where = prediction.on_work(prediction.chance[RUL : LLL + 1].sum(axis=0), 0.0, box) > AGREED
    where &= ~loose
    mask, air = _lung_mask(work, where, enclosed, airways)
    seeds = _side_seeds(where & mask, right, left, work)
    sides = flood_sides(work.hu, mask, seeds) if mask.any() else mask.view(np.uint8)
    filled = fill_lungs(work, sides, airways)
    lobes = np.zeros(filled.shape, np.uint8)
    on_right, on_left = filled == RIGHT, filled == LEFT
    lobes[on_right] = 1 + np.argmax([c[on_right] for c in chance[:3]], axis=0)
    lobes[on_left] = 4 + np.argmax([c[on_left] for c in chance[3:]], axis=0)
    whole = np.zeros(prediction.work.hu.shape, bool)
    whole[box] = air
    border = float(border_area_mm2(whole.view(np.uint8), 2, prediction.work)[1])
    return NetworkLungs(LungAir(whole, border), filled, lobes)


def airway_seeds(work: WorkImage, prediction: Prediction) -> np.ndarray:
    """Air the network is sure of being trachea or a main bronchus, bool on the work grid."""
    return (prediction.on_work(prediction.chance[AIRWAY]) > AGREED) & (work.hu < -850.0)


def _lung_mask(
    work: WorkImage, where: np.ndarray, enclosed: np.ndarray, airways: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lung before filling, and the air in it."""
    spacing = work.spacing_kji_mm
    if not where.any():
        return where, where
    wall = within_mm(airways, spacing, 2.0)
    enclosed = _agreed_parts(enclosed & ~wall, where, AGREED_SHARE, work)
    dark = work.hu < EDGE_HU
    seen = where & dark
    # gas under a thin diaphragm lies within a few millimetres of the lung: look there only where it is needed
    certain = (enclosed & seen).sum() > ENCLOSED_SHARE * seen.sum()
    reach = where if certain else within_mm(where, spacing, AGREEMENT_MM)
    near = _agreed_parts(dark & reach & ~wall, where, AGREED, work)
    air = enclosed | near
    tissue = where & ~air & ~wall
    tissue &= within_mm(deeper_mm(tissue, spacing, THICK_MM), spacing, THICK_MM)
    mask = _attached(air | tissue, air, enclosed if certain else air)
    return mask, air & mask


def _attached(mask: np.ndarray, air: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """Return parts of a mask whose air is mostly trusted and not tiny beside that of the largest: no pads, no table."""
    import cc3d

    labels = cc3d.connected_components(mask, connectivity=6)
    dark, sure = (np.bincount(labels[some], minlength=int(labels.max()) + 1) for some in (air & mask, trusted & mask))
    keep = (sure > 0.5 * dark) & (sure > MIN_SHARE * sure[1:].max(initial=1))
    keep[0] = False
    return keep[labels]


def _agreed_parts(air: np.ndarray, where: np.ndarray, share: float, work: WorkImage) -> np.ndarray:
    """Return the connected parts of air of which the network calls more than a share lung, and that are not tiny."""
    import cc3d

    labels = cc3d.connected_components(air, connectivity=6)
    voxels = np.bincount(labels.ravel())
    agreed = np.bincount(labels.ravel(), weights=where.ravel())
    keep = (voxels * work.voxel_mm3 / 1000.0 >= MIN_PART_ML) & (agreed > share * voxels)
    keep[0] = False
    return keep[labels]


def _side_seeds(sure: np.ndarray, right: np.ndarray, left: np.ndarray, work: WorkImage) -> np.ndarray:
    """Markers of the two lungs where the network is sure of the side, away from the border."""
    total = np.maximum(right + left, 1e-6)
    seeds = np.zeros(sure.shape, np.uint8)
    for side, chance in ((RIGHT, right), (LEFT, left)):
        own = sure & (chance > SEED_CHANCE * total)
        seeds[deeper_mm(own, work.spacing_kji_mm, SEED_DEPTH_MM)] = side
    return seeds
