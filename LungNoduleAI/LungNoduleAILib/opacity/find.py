"""Opacities of one chest: signs joined, followed to their border, parted into fluid and tissue, measured and placed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.opacity.air import find_pleural_air
from LungNoduleAILib.opacity.coarse_chest import CoarseChest
from LungNoduleAILib.opacity.signs import find_signs
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

TISSUE, FLUID, AIR = "tissue", "fluid", "air"
MIN_SEED_ML = 4.0
MIN_TISSUE_ML = 12.0  # a ball of 28 mm
MIN_FLUID_ML = 60.0
MIN_TISSUE_RADIUS_MM, MIN_FLUID_RADIUS_MM = 10.5, 8.0  # of the largest ball inside; hilar vessels stay below
LOOSE_HU, LOOSE_THICK_MM = -40.0, 27.0
PART_MM = 4.0
RIM_MM = 7.0
BRONCHI_HU = -300.0


@dataclass(frozen=True, eq=False)
class Opacity:
    """One part of a chest where lung should be: what it is made of, where, how large.

    ``center_ras_mm`` lies inside it; ``size_mm`` its extent along R, A, S; ``mask`` (bool) on the grid of ``chest``.
    ``bronchi_share``: how much of it, holes filled, is air: bronchi that run through consolidated lung.
    """

    kind: str
    side: str
    center_ras_mm: tuple[float, float, float]
    size_mm: tuple[float, float, float]
    volume_ml: float
    mean_hu: float
    thickness_mm: float
    bronchi_share: float
    mask: np.ndarray
    chest: CoarseChest

    def holds(self, point_ras_mm: tuple[float, float, float], reach_mm: float = 0.0) -> bool:
        """Whether a point lies inside it, or within ``reach_mm`` of it."""
        places = np.argwhere(self.mask)
        gap = (places - self.chest.work.grid.kji_from_ras(np.array(point_ras_mm))) * np.array(self.chest.spacing_mm)
        return bool(np.linalg.norm(gap, axis=1).min() <= reach_mm + 0.9 * max(self.chest.spacing_mm))


def find_opacities(volume: Volume, anatomy: Anatomy) -> tuple[Opacity, ...]:
    """Return what takes the place of lung in a CT (HU, LPS order), the largest first; none where there are no lungs."""
    if not anatomy.has_lungs():
        return ()
    chest = CoarseChest.of(volume, anatomy)
    signs = find_signs(chest)
    found: list[Opacity] = []
    for side, half in (("right", chest.left_of_middle_mm() <= 0), ("left", chest.left_of_middle_mm() > 0)):
        seeds, within = signs.seeds & half, signs.within & half
        for region in _regions(chest, seeds, within):
            fluid = chest.opened(region & signs.fluid, PART_MM)
            parts = {
                FLUID: (fluid, MIN_FLUID_ML, MIN_FLUID_RADIUS_MM),
                TISSUE: (region & ~fluid, MIN_TISSUE_ML, MIN_TISSUE_RADIUS_MM),
            }
            pieces = [(kind, piece) for kind, (part, *least) in parts.items() for piece in _pieces(chest, part, *least)]
            told = [_opacity(chest, kind, side, piece) for kind, piece in _with_rims(chest, region, pieces)]
            found += [opacity for opacity in told if not _is_loose(opacity)]
        found += [_opacity(chest, AIR, side, part) for part in find_pleural_air(chest) if _mostly(part, half)]
    return tuple(sorted(found, key=lambda opacity: -opacity.volume_ml))


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


def _pieces(chest: CoarseChest, part: np.ndarray, least_ml: float, radius_mm: float) -> list[np.ndarray]:
    """Return the connected, thick enough, large enough pieces of a part."""
    import cc3d
    import edt

    thick = chest.opened(part, PART_MM)
    labels = cc3d.connected_components(thick, connectivity=6)
    depth = edt.edt(thick, anisotropy=chest.spacing_mm)
    pieces = []
    for label in np.flatnonzero(np.bincount(labels.ravel()) * chest.voxel_ml >= least_ml):
        piece = labels == label
        if label and depth[piece].max() >= radius_mm:
            pieces.append(piece)
    return pieces


def _with_rims(
    chest: CoarseChest, region: np.ndarray, pieces: list[tuple[str, np.ndarray]]
) -> list[tuple[str, np.ndarray]]:
    """Return the pieces with what of the region lies around each: blur makes the rim of fluid look like tissue."""
    if not pieces:
        return []
    import edt

    gaps = np.stack([edt.edt(~piece, anisotropy=chest.spacing_mm) for _, piece in pieces])
    nearest = np.where(region & (gaps.min(axis=0) <= RIM_MM), gaps.argmin(axis=0), -1)
    return [(kind, nearest == number) for number, (kind, _) in enumerate(pieces)]


def _opacity(chest: CoarseChest, kind: str, side: str, mask: np.ndarray) -> Opacity:
    import edt
    import scipy.ndimage as ndi

    depth = edt.edt(mask, anisotropy=chest.spacing_mm)
    inner = np.array(np.unravel_index(int(np.argmax(depth)), mask.shape))
    places = np.argwhere(mask)
    extent = (places.max(axis=0) - places.min(axis=0) + 1) * np.array(chest.spacing_mm)
    closed = ndi.binary_fill_holes(ndi.binary_closing(mask, iterations=2)) & chest.lungs
    return Opacity(
        kind,
        side,
        three(round(float(x), 1) for x in chest.work.grid.ras_from_kji(inner.astype(float))),
        three(round(float(x), 1) for x in extent[::-1]),
        round(float(mask.sum()) * chest.voxel_ml, 1),
        round(float(chest.hu[mask].mean()), 1),
        round(2.0 * float(depth.max()), 1),
        round(float((chest.hu[closed] < BRONCHI_HU).mean()), 3) if closed.any() else 0.0,
        mask,
        chest,
    )
