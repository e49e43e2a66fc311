"""The borders of the five lobes, one after another: each is moved to where the CT shows it, lobes follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.fissures.border import Border, border_between
from LungNoduleAILib.anatomy.fissures.evidence import evidence_around
from LungNoduleAILib.anatomy.fissures.placement import place
from LungNoduleAILib.anatomy.fissures.seen import Seen
from LungNoduleAILib.model.anatomy import LLL, LUL, RLL, RML, RUL, LobeBorder

MAX_SLICE_MM = 5.0  # thicker slices show neither a bright line nor small vessels
LEAST_LOBE_ML = 15.0
OBLIQUE_UP, HORIZONTAL_UP = np.array([1.0, -0.8, 0.0]), np.array([1.0, 0.0, 0.0])  # along k, j, i


@dataclass(frozen=True)
class Fissure:
    """Lobes below and above one fissure, and which way up is."""

    name: str
    below: int
    above: tuple[int, ...]
    up: np.ndarray


FISSURES = (
    Fissure("right oblique", RLL, (RUL, RML), OBLIQUE_UP),
    Fissure("left oblique", LLL, (LUL,), OBLIQUE_UP),
    Fissure("horizontal", RML, (RUL,), HORIZONTAL_UP),
)


def follow_fissures(
    image: Seen, lobes: np.ndarray, spacing_kji_mm: np.ndarray
) -> tuple[np.ndarray, tuple[LobeBorder, ...]]:
    """Move the borders of lobes to the fissures.

    Args:
        image: HU (k superior, j posterior, i left), its place told in mm from the first voxel of the lobes.
        lobes: uint8 (k, j, i), values of model.anatomy.
        spacing_kji_mm: Size of a voxel of the lobes.

    Returns:
        New lobes, uint8, that fill the same voxels, and what became of each border that is there. Slices
        thicker than 5 mm leave all as it was.
    """
    spacing = np.asarray(spacing_kji_mm, dtype=float)
    if spacing[0] > MAX_SLICE_MM:
        return lobes, ()
    new, told = lobes.copy(), []
    least = LEAST_LOBE_ML * 1000.0 / float(np.prod(spacing))
    for fissure in FISSURES:
        below, above = new == fissure.below, np.isin(new, fissure.above)
        if min(np.count_nonzero(below), np.count_nonzero(above)) < least:
            continue
        border = border_between(below, above, spacing, fissure.up)
        if border is None:
            continue
        region = below | above
        placed = place(border, evidence_around(border, image, region, spacing))
        told.append(
            LobeBorder(fissure.name, placed.moved, round(placed.vessel_density, 2), round(placed.seen_share, 3))
        )
        if placed.moved:
            _divide(new, region, placed.border, fissure, spacing)
    return new, tuple(told)


def _divide(lobes: np.ndarray, region: np.ndarray, border: Border, fissure: Fissure, spacing: np.ndarray) -> None:
    """Give each voxel of a region to the lobe on its side; what rises takes the nearest of several lobes there."""
    places = np.nonzero(region)
    uvw = border.in_plane_axes(np.stack(places, axis=1) * spacing)
    is_below = uvw[:, 2] < border.height_mm[border.cells(uvw)]
    before = lobes[places]
    lobes[places] = np.where(is_below, fissure.below, np.where(before == fissure.below, 0, before))
    risen = region & (lobes == 0)
    if len(fissure.above) == 1:
        lobes[risen] = fissure.above[0]
    elif risen.any():
        other = ~np.isin(lobes, fissure.above)
        nearest = ndi.distance_transform_edt(other, sampling=spacing, return_distances=False, return_indices=True)
        lobes[risen] = lobes[tuple(axis[risen] for axis in nearest)]


def in_words(borders: tuple[LobeBorder, ...]) -> str:
    """Say what became of the borders, in a part of a sentence: which follow a fissure, and how much of it is seen."""
    if not borders:
        return "the slices are too thick or the lobes too small to look for fissures"
    parts = []
    for moved, what in ((True, "put where the CT shows"), (False, "left where the network put")):
        names = [border.fissure for border in borders if border.moved == moved]
        if names:
            listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
            if len(names) == 1:
                parts.append(f"the border at the {listed} fissure was {what} it")
            else:
                parts.append(f"the borders at the {listed} fissures were {what} them")
    seen = ", ".join(f"{border.fissure} {100 * border.seen_share:.0f} %" for border in borders)
    return f"{', '.join(parts)}; share of the border on a bright line in the CT: {seen}"
