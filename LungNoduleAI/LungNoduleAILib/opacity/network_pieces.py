"""From the chances of the opacity network to opacities: pieces large and thick enough, and what rules add to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from LungNoduleAILib.opacity import classes
from LungNoduleAILib.opacity.coarse_chest import CoarseChest
from LungNoduleAILib.opacity.opacity import (
    AIR,
    FLUID,
    MIN_FLUID_ML,
    MIN_FLUID_RADIUS_MM,
    MIN_TISSUE_ML,
    MIN_TISSUE_RADIUS_MM,
    TISSUE,
    Opacity,
    measured,
    thick_pieces,
)

KINDS = {
    classes.MASS: (TISSUE, MIN_TISSUE_ML, MIN_TISSUE_RADIUS_MM),
    classes.AIRLESS: (TISSUE, MIN_TISSUE_ML, MIN_TISSUE_RADIUS_MM),
    classes.FLUID: (FLUID, MIN_FLUID_ML, MIN_FLUID_RADIUS_MM),
    classes.AIR: (AIR, 60.0, 8.0),
}
SURE = 0.6  # mean chance of disease over a piece
LEAST_CHANCE = 0.02  # mean chance of disease over what only the rules find


def pieces_of_network(chest: CoarseChest, chances: np.ndarray) -> tuple[Opacity, ...]:
    """Return the opacities of a chest given the chance of every class (class first, grid of the chest)."""
    disease = chances[list(classes.DISEASED)].sum(axis=0)
    best = chances.argmax(axis=0)
    found = []
    for name, (kind, least_ml, radius_mm) in KINDS.items():
        for piece in thick_enough(chest, best == name, least_ml, radius_mm):
            if float(disease[piece].mean()) >= SURE:
                found.append(measured(chest, kind, side_of(chest, piece), piece))
    return tuple(found)


def rest_of_rules(
    chest: CoarseChest, by_rules: Iterable[Opacity], pieces: Sequence[Opacity], chances: np.ndarray
) -> Iterator[Opacity]:
    """Yield what of the rules' opacities no piece of the network covers and the network does not call healthy."""
    disease = chances[list(classes.DISEASED)].sum(axis=0)
    covered = np.zeros(chest.hu.shape, bool)
    for piece in pieces:
        covered |= piece.mask
    for opacity in by_rules:
        least_ml, radius_mm = (
            (MIN_TISSUE_ML, MIN_TISSUE_RADIUS_MM) if opacity.kind == TISSUE else (MIN_FLUID_ML, MIN_FLUID_RADIUS_MM)
        )
        untold = [opacity.mask]
        if (opacity.mask & covered).any():
            untold = thick_pieces(chest, opacity.mask & ~covered, least_ml, radius_mm)
        for rest in untold:
            if float(disease[rest].mean()) >= LEAST_CHANCE:
                yield measured(chest, opacity.kind, opacity.side, rest)


def thick_enough(chest: CoarseChest, part: np.ndarray, least_ml: float, radius_mm: float) -> Iterator[np.ndarray]:
    """Yield the connected pieces of a part that are large enough and hold a ball of ``radius_mm``."""
    import cc3d
    import edt

    labels = cc3d.connected_components(part, connectivity=6)
    depth = edt.edt(part, anisotropy=chest.spacing_mm)
    for label in np.flatnonzero(np.bincount(labels.ravel()) * chest.voxel_ml >= least_ml):
        piece = labels == label
        if label and depth[piece].max() >= radius_mm:
            yield piece


def side_of(chest: CoarseChest, piece: np.ndarray) -> str:
    """Return the side of the midline where most of a piece lies."""
    left = np.broadcast_to(chest.left_of_middle_mm() > 0, piece.shape)
    return "left" if left[piece].mean() > 0.5 else "right"
