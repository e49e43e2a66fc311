"""Opacities of one chest: signs joined, followed to their border, parted into fluid and tissue, measured and placed."""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.opacity.air import find_pleural_air
from LungNoduleAILib.opacity.coarse_chest import CoarseChest
from LungNoduleAILib.opacity.opacity import (
    AIR,
    FLUID,
    MIN_FLUID_ML,
    MIN_FLUID_RADIUS_MM,
    MIN_TISSUE_ML,
    MIN_TISSUE_RADIUS_MM,
    PART_MM,
    TISSUE,
    Opacity,
    largest_first,
    measured,
    thick_pieces,
    with_rims,
)
from LungNoduleAILib.opacity.signs import Signs, find_signs
from ThoraxAILib.image.volume import Volume

MIN_SEED_ML = 4.0
LOOSE_HU, LOOSE_THICK_MM = -40.0, 27.0


def find_opacities(volume: Volume, anatomy: Anatomy) -> tuple[Opacity, ...]:
    """Return what takes the place of lung in a CT (HU, LPS order), the largest first; none where there are no lungs."""
    return opacities_by_rules(CoarseChest.of(volume, anatomy)) if anatomy.has_lungs() else ()


def opacities_by_rules(chest: CoarseChest) -> tuple[Opacity, ...]:
    """Return what takes the place of lung in a coarse chest, the largest first."""
    signs = find_signs(chest)
    found: list[Opacity] = []
    for side, half in (("right", chest.left_of_middle_mm() <= 0), ("left", chest.left_of_middle_mm() > 0)):
        seeds, within = signs.seeds & half, signs.within & half
        for region in _regions(chest, seeds, within):
            told = [
                measured(chest, kind, side, piece)
                for kind, piece in with_rims(chest, region, _parts(chest, region, signs))
            ]
            found += [opacity for opacity in told if not _is_loose(opacity)]
        found += [measured(chest, AIR, side, part) for part in find_pleural_air(chest) if _mostly(part, half)]
    return largest_first(found)


def _parts(chest: CoarseChest, region: np.ndarray, signs: Signs) -> list[tuple[str, np.ndarray]]:
    """Part one region into pieces of fluid and of tissue that are large enough to be told.

    What is as dark as fluid and enclosed by tissue is the middle of a mass that died: it belongs to the tissue.
    """
    fluid = chest.opened(region & signs.fluid, PART_MM)
    solid = region & ~fluid
    middle = ndi.binary_fill_holes(solid) & fluid
    parts: dict[str, tuple[np.ndarray, float, float]] = {
        FLUID: (fluid & ~middle, MIN_FLUID_ML, MIN_FLUID_RADIUS_MM),
        TISSUE: (solid | middle, MIN_TISSUE_ML, MIN_TISSUE_RADIUS_MM),
    }
    return [(kind, piece) for kind, (part, *least) in parts.items() for piece in thick_pieces(chest, part, *least)]


def _is_loose(opacity: Opacity) -> bool:
    """Whether it is small and mixed with fat or air, as vessels and fat of the hilum are."""
    return opacity.kind == TISSUE and opacity.mean_hu < LOOSE_HU and opacity.thickness_mm < LOOSE_THICK_MM


def _mostly(part: np.ndarray, half: np.ndarray) -> bool:
    return bool((part & half).sum() > 0.5 * part.sum())


def _regions(chest: CoarseChest, seeds: np.ndarray, within: np.ndarray) -> list[np.ndarray]:
    """Return the connected parts of ``within`` that hold enough seed."""
    import cc3d

    labels = cc3d.connected_components(within, connectivity=6)
    held = np.bincount(labels[seeds], minlength=int(labels.max()) + 1) * chest.voxel_ml
    held[0] = 0
    return [labels == label for label in np.flatnonzero(held >= MIN_SEED_ML)]
