"""The inside of the rib cage, slice by slice: rays from before the spine to the first bone, gaps between ribs bridged.

Ribs run obliquely, so each slice sees the bone of its neighbors too; where no bone is met (cartilage in front) the
reach of the rays beside it counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.opacity.coarse_chest import CoarseChest

BEFORE_SPINE_MM = 45.0
FIRST_MM, LAST_MM, STEP_MM = 30.0, 260.0, 2.0
STEP_DEG = 3
NEIGHBORS_MM = 9.0
WALL_MM = (4.0, 24.0)  # between bone and lung: at least, and at most
LUNG_HU = -500.0
SEEN_RAYS = 50  # that end in lung near bone, for the wall to be measured, and
AROUND = 3  # ... on how many rays to each side of one
RADII_MM = np.arange(FIRST_MM, LAST_MM, STEP_MM)
SEEN_SHARE = 0.4  # of the rays that must meet bone for a slice to count


def inside_ribs(chest: CoarseChest) -> np.ndarray | None:
    """Return the inside of the rib cage (bool, k, j, i); None where spine and ribs are not known."""
    middle_j = _before_spine_j(chest)
    if middle_j is None:
        return None
    reach = _reach_mm(chest, middle_j)
    return None if reach is None else _within(chest, middle_j, reach - _wall_mm(chest, middle_j, reach))


def _before_spine_j(chest: CoarseChest) -> np.ndarray | None:
    """Index along j of a point well inside the chest in every slice."""
    count = chest.spine.sum(axis=(1, 2))
    seen = np.flatnonzero(count > 10)
    if len(seen) < 3:
        return None
    centers = (chest.spine[seen].sum(axis=2) @ np.arange(chest.spine.shape[1])) / count[seen]
    spine_j = np.interp(np.arange(len(count)), seen, centers)
    smooth = ndi.gaussian_filter1d(spine_j, 10.0 / chest.spacing_mm[0], mode="nearest")
    return smooth - BEFORE_SPINE_MM / chest.spacing_mm[1]


def _reach_mm(chest: CoarseChest, middle_j: np.ndarray) -> np.ndarray | None:
    """Distance in mm to the first bone, (slices, angles); None where too little bone is seen."""
    near = max(1, round(NEIGHBORS_MM / chest.spacing_mm[0]))
    bone = ndi.maximum_filter1d((chest.bone | chest.spine).view(np.uint8), 2 * near + 1, axis=0) > 0
    rays = 360 // STEP_DEG
    met = np.full((len(middle_j), rays), np.nan)
    for k, hit in enumerate(_along_rays(chest, middle_j, bone)):
        any_hit = hit.any(axis=1)
        if any_hit.mean() > SEEN_SHARE:
            at = np.flatnonzero(any_hit)
            around = np.concatenate([at - rays, at, at + rays])
            met[k] = np.interp(np.arange(rays), around, np.tile(RADII_MM[hit[at].argmax(axis=1)], 3))
    rows = np.flatnonzero(~np.isnan(met[:, 0]))
    if len(rows) < 3:
        return None
    nearest = rows[np.abs(rows[None] - np.arange(len(met))[:, None]).argmin(axis=1)]
    padded = np.pad(met[nearest], ((near, near), (0, 0)), "edge")
    return ndi.median_filter(padded, (2 * near + 1, 7), mode="wrap")[near:-near]


def _along_rays(chest: CoarseChest, middle_j: np.ndarray, mask: np.ndarray) -> Iterator[np.ndarray]:
    """Yield for every slice what of a mask lies on the rays, bool (angles, RADII_MM)."""
    angle = np.radians(np.arange(0, 360, STEP_DEG))
    for k, plane in enumerate(mask):
        j = np.rint(middle_j[k] + np.outer(np.cos(angle), RADII_MM) / chest.spacing_mm[1]).astype(int)
        i = np.rint(chest.middle_i[k] + np.outer(np.sin(angle), RADII_MM) / chest.spacing_mm[2]).astype(int)
        valid = (j >= 0) & (j < plane.shape[0]) & (i >= 0) & (i < plane.shape[1])
        hit = np.zeros(valid.shape, bool)
        hit[valid] = plane[j[valid], i[valid]]
        yield hit


def _wall_mm(chest: CoarseChest, middle_j: np.ndarray, reach_mm: np.ndarray) -> np.ndarray:
    """Return how far from bone lung ends where it reaches the wall, for every angle: fat and muscle inside the ribs.

    Both sides are taken together, so that the healthy one tells where the other's lung ended.
    """
    aerated = chest.lungs & (chest.hu < LUNG_HU)
    gaps = np.full(reach_mm.shape, np.nan)
    for k, (hit, limit) in enumerate(zip(_along_rays(chest, middle_j, aerated), reach_mm, strict=True)):
        last = np.where(hit.any(axis=1), RADII_MM[hit.shape[1] - 1 - hit[:, ::-1].argmax(axis=1)], -np.inf)
        gap = limit - last
        gaps[k] = np.where((gap > 0) & (gap < 1.5 * WALL_MM[1]), gap, np.nan)
    seen = gaps[np.isfinite(gaps)]
    if len(seen) < SEEN_RAYS:
        return np.full(reach_mm.shape[1], WALL_MM[0])
    around = np.arange(-AROUND, AROUND + 1)
    wall = np.full(reach_mm.shape[1], float(np.median(seen)))
    for ray in range(len(wall)):
        near = gaps[:, np.concatenate([around + ray, around - ray]) % len(wall)]
        near = near[np.isfinite(near)]
        if len(near) > SEEN_RAYS:
            wall[ray] = np.median(near)
    return np.clip(wall, *WALL_MM)


def _within(chest: CoarseChest, middle_j: np.ndarray, reach_mm: np.ndarray) -> np.ndarray:
    j, i = np.ogrid[: chest.hu.shape[1], : chest.hu.shape[2]]
    inside = np.zeros(chest.hu.shape, bool)
    rays = reach_mm.shape[1]
    for k, reach in enumerate(reach_mm):
        behind, left = (j - middle_j[k]) * chest.spacing_mm[1], (i - chest.middle_i[k]) * chest.spacing_mm[2]
        turn = (np.degrees(np.arctan2(left, behind)) / STEP_DEG) % rays
        low = np.floor(turn).astype(int) % rays
        share = turn - np.floor(turn)
        limit = reach[low] * (1 - share) + reach[(low + 1) % rays] * share
        inside[k] = np.hypot(behind, left) < limit
    return inside
