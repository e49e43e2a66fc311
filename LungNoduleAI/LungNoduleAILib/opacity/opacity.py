"""One opacity of a chest: what takes the place of lung, its place, size, volume and density."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.opacity.coarse_chest import CoarseChest
from ThoraxAILib.image.tuples import three

TISSUE, FLUID, AIR = "tissue", "fluid", "air"
MIN_TISSUE_ML = 12.0  # a ball of 28 mm
MIN_FLUID_ML = 60.0
MIN_TISSUE_RADIUS_MM, MIN_FLUID_RADIUS_MM = 10.5, 8.0  # of the largest ball inside; hilar vessels stay below
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


def largest_first(opacities: Iterable[Opacity]) -> tuple[Opacity, ...]:
    """Return opacities in the order in which they are told."""
    return tuple(sorted(opacities, key=lambda opacity: -opacity.volume_ml))


def thick_pieces(chest: CoarseChest, part: np.ndarray, least_ml: float, radius_mm: float) -> list[np.ndarray]:
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


def with_rims(
    chest: CoarseChest, region: np.ndarray, pieces: list[tuple[str, np.ndarray]]
) -> list[tuple[str, np.ndarray]]:
    """Return the pieces with what of the region lies around each: blur makes the rim of fluid look like tissue."""
    if not pieces:
        return []
    import edt

    gaps = np.stack([edt.edt(~piece, anisotropy=chest.spacing_mm) for _, piece in pieces])
    nearest = np.where(region & (gaps.min(axis=0) <= RIM_MM), gaps.argmin(axis=0), -1)
    return [(kind, nearest == number) for number, (kind, _) in enumerate(pieces)]


def measured(chest: CoarseChest, kind: str, side: str, mask: np.ndarray) -> Opacity:
    """Return the opacity of a mask (bool, grid of the chest, not empty) with its place, size, volume and density."""
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
