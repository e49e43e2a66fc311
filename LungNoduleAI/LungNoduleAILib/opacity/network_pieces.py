"""From the chances of the opacity network to opacities: pieces large and thick enough, and what rules add to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from LungNoduleAILib.opacity.air import MIN_AIR_ML, THICK_MM
from LungNoduleAILib.opacity.classes import AIR as AIR_CLASS
from LungNoduleAILib.opacity.classes import AIRLESS, DISEASED, ELSEWHERE, MASS
from LungNoduleAILib.opacity.classes import FLUID as FLUID_CLASS
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
from LungNoduleAILib.opacity.rib_cage import inside_ribs
from LungNoduleAILib.opacity.signs import between_lung_ends, expected_lung

LEAST = {
    TISSUE: (MIN_TISSUE_ML, MIN_TISSUE_RADIUS_MM),
    FLUID: (MIN_FLUID_ML, MIN_FLUID_RADIUS_MM),
    AIR: (MIN_AIR_ML, THICK_MM),
}
KINDS = {MASS: TISSUE, AIRLESS: TISSUE, FLUID_CLASS: FLUID, AIR_CLASS: AIR}
# The limits below were set on chests of the training setting that training did not use (bodies 2900000 to 2900005).
SURE_KIND = 0.82  # mean share of mass against airless lung, or of airless lung, from which two parts are told apart
# Of a piece that lies where lung is expected: tissue of 0.6 and more was true, of 0.01, and 0.26 on a real CT, false.
EXPECTED_SHARE = {TISSUE: 0.45, FLUID: 0.15, AIR: 0.15}
BESIDE_MM = 6.0  # beyond where lung is expected
LEAST_CHANCE = 0.02  # mean chance of disease over what only the rules find


def pieces_of_network(chest: CoarseChest, chances: np.ndarray) -> tuple[Opacity, ...]:
    """Return the opacities of a chest given the chance of every class (class first, grid of the chest)."""
    expected = expected_lung(chest)
    best = np.where(between_lung_ends(chest), chances.argmax(axis=0), ELSEWHERE)
    best[np.isin(best, (MASS, AIRLESS)) & ~_reach(chest, expected)] = ELSEWHERE
    best = with_unsure_parts_joined(best, chances)
    return tuple(
        measured(chest, kind, side_of(chest, piece), piece)
        for name, kind in KINDS.items()
        for piece in _thick_enough(chest, best == name, *LEAST[kind])
        if float(expected[piece].mean()) >= EXPECTED_SHARE[kind]
    )


def _reach(chest: CoarseChest, expected: np.ndarray) -> np.ndarray:
    """Return where tissue of the lung may lie (bool): inside the ribs and by where lung should be.

    Beyond it the network, which knows no ribs by name, lets a large mass swell into what is as bright: the muscle of
    the wall, the mediastinum. Fluid is told from both by its density.
    """
    reach = chest.within_mm(expected, BESIDE_MM)
    inside = inside_ribs(chest)
    return reach if inside is None else reach & inside


def with_unsure_parts_joined(best: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return the classes with every patch of tissue that the network is unsure of given to what it touches.

    Where mass and airless lung touch, both may be there, or one of them that the network calls partly the other: then
    its chances are close to each other. The surer of the two parts decides.
    """
    import cc3d

    best, mass, airless = best.copy(), chances[MASS], chances[AIRLESS]
    share = mass / np.maximum(mass + airless, 1e-6)
    labels = cc3d.connected_components(np.isin(best, (MASS, AIRLESS)), connectivity=6)
    for label in range(1, int(labels.max()) + 1):
        region = labels == label
        sure = {MASS: share[region & (best == MASS)], AIRLESS: 1 - share[region & (best == AIRLESS)]}
        held = {name: float(values.mean()) for name, values in sure.items() if values.size}
        if len(held) == 2 and min(held.values()) < SURE_KIND:
            best[region] = max(sure, key=lambda name: float(sure[name].sum()))
    return best


def rest_of_rules(
    chest: CoarseChest, by_rules: Iterable[Opacity], pieces: Sequence[Opacity], chances: np.ndarray
) -> Iterator[Opacity]:
    """Yield what of the rules' opacities no piece of the network covers and the network does not call healthy."""
    disease = chances[list(DISEASED)].sum(axis=0)
    covered = np.zeros(chest.hu.shape, bool)
    for piece in pieces:
        covered |= piece.mask
    for opacity in by_rules:
        rests = [opacity.mask]
        if (opacity.mask & covered).any():
            rests = thick_pieces(chest, opacity.mask & ~covered, *LEAST[opacity.kind])
        for rest in rests:
            if float(disease[rest].mean()) >= LEAST_CHANCE:
                yield measured(chest, opacity.kind, opacity.side, rest)


def side_of(chest: CoarseChest, piece: np.ndarray) -> str:
    """Return the side of the midline where most of a piece lies."""
    left = np.broadcast_to(chest.left_of_middle_mm() > 0, piece.shape)
    return "left" if left[piece].mean() > 0.5 else "right"


def _thick_enough(chest: CoarseChest, part: np.ndarray, least_ml: float, radius_mm: float) -> Iterator[np.ndarray]:
    """Yield the connected pieces of a part that are large enough and hold a ball of ``radius_mm``."""
    import cc3d
    import edt

    labels = cc3d.connected_components(part, connectivity=6)
    depth = edt.edt(part, anisotropy=chest.spacing_mm)
    for label in np.flatnonzero(np.bincount(labels.ravel()) * chest.voxel_ml >= least_ml):
        piece = labels == label
        if label and depth[piece].max() >= radius_mm:
            yield piece
