"""Signs that lung is missing from where it belongs, each a mask on the coarse chest.

Four signs, because each sees what the others miss: tissue inside the filled lung, tissue inside a lung's hull, tissue
where the other lung mirrored at the midline has air, and fluid behind. All lie inside the ribs, away from heart, aorta
and spine, and are thick: vessels, pleura and partial volume are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.hull import hull_depth_mm
from LungNoduleAILib.opacity.coarse_chest import CoarseChest
from LungNoduleAILib.opacity.rib_cage import inside_ribs

TISSUE_HU = (-40.0, 200.0)
DENSE_LUNG_HU = -300.0
FLUID_HU = (-12.0, 25.0)  # smoothed; liver, spleen and muscle lie above
AERATED_HU = -500.0
HEART_MARGIN_MM, AORTA_MARGIN_MM, SPINE_MARGIN_MM, BONE_MARGIN_MM = 8.0, 6.0, 5.0, 2.0
THICK_MM = 6.0  # radius of the balls a sign must hold
DIAPHRAGM_MM = 25.0  # the two domes differ by as much in height
MIRROR_MARGIN_MM = 6.0
CENTRAL_MM = 30.0  # the mediastinum to each side of the midline
FLUID_BLUR_MM = 4.0
BEHIND_MM = 30.0  # of the front of the spine: where fluid gathers in a person on the back
GROWTH_MM = 12.0  # how far beyond the signs an opacity is followed where lung may be expected, and
NEAR_SHARE, NEAR_MM = 0.5, (5.0, 18.0)  # ... anywhere: a share of the radius of its largest ball
MIDLINE_MM = 18.0
BASE_MM = 6.0  # below the lowest lung
APEX_SHARE = 0.3  # of the height of the lungs


@dataclass(frozen=True, eq=False)
class Signs:
    """Masks (bool, k, j, i): ``seeds`` where a sign is, ``within`` where its opacity may reach, ``fluid`` by HU."""

    seeds: np.ndarray
    within: np.ndarray
    fluid: np.ndarray


def expected_lung(chest: CoarseChest) -> np.ndarray:
    """Return where lung is or should be (bool): the filled lungs, their hulls, and where the other lung has air."""
    heart = chest.within_mm(chest.heart, HEART_MARGIN_MM)
    return chest.lungs | _hulls(chest) | _expected(chest, chest.left_of_middle_mm(), heart)[1]


def find_signs(chest: CoarseChest) -> Signs:
    """Return where aerated lung is missing."""
    inside = inside_ribs(chest)
    certain = inside is not None
    if inside is None:
        inside = np.ones(chest.hu.shape, bool)
    tissue = inside & (chest.hu > TISSUE_HU[0]) & (chest.hu < TISSUE_HU[1]) & between_lung_ends(chest)
    tissue &= ~chest.within_mm(chest.aorta, AORTA_MARGIN_MM) & ~chest.within_mm(chest.spine, SPINE_MARGIN_MM)
    tissue &= ~chest.within_mm(chest.bone, BONE_MARGIN_MM)
    heart = chest.within_mm(chest.heart, HEART_MARGIN_MM)
    left_mm = chest.left_of_middle_mm()
    lateral = tissue & ~heart & (np.abs(left_mm) > CENTRAL_MM)
    seeds = chest.opened(chest.lungs & (chest.hu > DENSE_LUNG_HU) & ~_blood(chest), THICK_MM + 1.0)
    # without ribs and heart a hull holds both: only tissue inside the filled lungs is then certain
    hulls = _hulls(chest) if certain else np.zeros_like(tissue)
    seeds |= chest.opened(lateral & hulls, THICK_MM)
    mirror = np.zeros_like(tissue)
    if certain:
        expected, wide = _expected(chest, left_mm, heart)
        mirror |= wide
        seeds |= chest.opened(tissue & expected, THICK_MM)
    quiet = ndi.gaussian_filter(np.clip(chest.hu, -150.0, 150.0), FLUID_BLUR_MM / np.array(chest.spacing_mm))
    fluid = (quiet > FLUID_HU[0]) & (quiet < FLUID_HU[1])
    if certain:
        seeds |= chest.opened(lateral & fluid & _behind(chest) & _below_apex(chest), THICK_MM)
    seeds &= np.abs(left_mm) > MIDLINE_MM
    if not seeds.any():
        return Signs(seeds, seeds, fluid)
    loose = inside & (chest.hu > -250.0) & (chest.hu < TISSUE_HU[1])
    loose &= ~chest.spine & ~chest.bone & ~_blood(chest)
    loose &= ~chest.within_mm(chest.aorta, 3.0) & ~(chest.heart & (left_mm > 0))
    layer = loose & fluid & _behind(chest) & _below_apex(chest)
    reach = chest.lungs | hulls | mirror | layer | _near(chest, seeds)
    within = (chest.within_mm(seeds, max(GROWTH_MM, NEAR_MM[1])) & loose & reach) | seeds
    return Signs(seeds, within | _joined(chest.opened(layer, THICK_MM - 2.0), within), fluid)


def _near(chest: CoarseChest, seeds: np.ndarray) -> np.ndarray:
    """Return what lies as near to a seed as its size lets expect: a mass grows into the mediastinum as it grows."""
    import cc3d
    import edt

    labels = cc3d.connected_components(seeds, connectivity=6)
    depth = edt.edt(seeds, anisotropy=chest.spacing_mm)
    near = np.zeros_like(seeds)
    for label in range(1, int(labels.max()) + 1):
        part = labels == label
        near |= chest.within_mm(part, float(np.clip(NEAR_SHARE * depth[part].max(), *NEAR_MM)))
    return near


def _joined(layer: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Return the connected parts of a layer of fluid that meet a mask."""
    import cc3d

    labels = cc3d.connected_components(layer, connectivity=6)
    return layer & np.isin(labels, np.unique(labels[to & layer]))


def _blood(chest: CoarseChest) -> np.ndarray:
    """Voxels as bright as blood with contrast, where there is contrast: hilar vessels and no opacity."""
    if chest.blood_hu < 90.0:
        return np.zeros(chest.hu.shape, bool)
    return chest.hu > max(0.75 * chest.blood_hu, 85.0)


def between_lung_ends(chest: CoarseChest) -> np.ndarray:
    """Slices (k, 1, 1) that hold lung."""
    rows = np.asarray(chest.lungs.any(axis=(1, 2)))
    return rows[:, None, None]


def _below_apex(chest: CoarseChest) -> np.ndarray:
    """Slices (k, 1, 1) from the bases up to the shoulders: around the apex fat and muscle average to the HU of fluid.

    Below the bases lies what a stomach holds.
    """
    rows = np.flatnonzero(chest.lungs.any(axis=(1, 2)))
    if not len(rows):
        return np.zeros((len(chest.hu), 1, 1), bool)
    limit = rows[-1] - APEX_SHARE * (rows[-1] - rows[0])
    slices = np.arange(len(chest.hu))
    return ((slices < limit) & (slices >= rows[0] - BASE_MM / chest.spacing_mm[0]))[:, None, None]


def _hulls(chest: CoarseChest) -> np.ndarray:
    spacing = np.array(chest.spacing_mm)
    inside = np.zeros(chest.hu.shape, bool)
    for lung in (chest.right, chest.left):
        if lung.any():
            inside |= hull_depth_mm(lung, spacing) > 2.0
    return inside


def _expected(chest: CoarseChest, left_mm: np.ndarray, heart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where lung must be if the lungs were alike: surely, and at most; the left one makes room for the heart."""
    sure, wide = np.zeros(chest.hu.shape, bool), np.zeros(chest.hu.shape, bool)
    steps = [max(1, round(mm / chest.spacing_mm[0])) for mm in (DIAPHRAGM_MM, 0.4 * DIAPHRAGM_MM)]
    for other, side in ((chest.left, left_mm < 0), (chest.right, left_mm > 0)):
        mirror = chest.mirrored(other)
        inner = chest.deeper_mm(mirror, MIRROR_MARGIN_MM)
        own = inner & _raised(inner, steps[0]) & side
        sure |= own & ~heart if other is chest.right else own
        wide |= mirror & _raised(mirror, steps[1]) & side
    return sure, wide


def _raised(mask: np.ndarray, steps: int) -> np.ndarray:
    moved = np.zeros_like(mask)
    moved[steps:] = mask[: len(mask) - steps]
    return moved


def _behind(chest: CoarseChest) -> np.ndarray:
    """Whether voxels lie behind the front of the spine or beside it (k, j, 1)."""
    count = chest.spine.sum(axis=(1, 2))
    seen = np.flatnonzero(count > 10)
    if len(seen) < 3:
        return np.zeros((*chest.hu.shape[:2], 1), bool)
    centers = (chest.spine[seen].sum(axis=2) @ np.arange(chest.hu.shape[1])) / count[seen]
    limit = np.interp(np.arange(len(count)), seen, centers) - BEHIND_MM / chest.spacing_mm[1]
    return (np.arange(chest.hu.shape[1])[None] > limit[:, None])[..., None]
