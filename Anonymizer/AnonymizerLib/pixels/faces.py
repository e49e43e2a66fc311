"""Where the face is in a volume, by geometry alone: body, neck, the front of the head, a shell around its surface.

The neck is the narrowest cross-section of the body between the shoulders and the head; what lies above it is head.
Without a head in the field of view nothing is masked. In the front half of the head the outer 8-12 mm (uneven, so that
the surface cannot be shifted back) of the smoothed head become air with everything that stands out of it (nose, lips,
ears); further in to 15 mm becomes coarse, and 5 mm outside become air.
A shell alone does not stop every face matcher (a third of heads matched again after 6 mm in Ding 2025); a person has
to look at the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

KEEP, AIR, COARSE = 0, 1, 2
WORK_SPACING_MM = 2.5
AIR_HU = -500.0
SHELL_MM, OUTSIDE_MM, PROTRUSION_MM = 15.0, 5.0, 25.0
AIR_DEPTH_MM = (8.0, 12.0)
WIDEST_HEAD_MM2 = 45_000.0  # cross-sections: heads below 350 cm2, shoulders above 600 cm2
SMALLEST_BODY_MM2 = 1_500.0
LEAST_HEAD_HEIGHT_MM = 40.0
NECK_SHARE, HEAD_GROWTH = 0.5, 1.15


@dataclass(frozen=True, eq=False)
class FaceMask:
    """What to do with each voxel of a work grid (KEEP, AIR, COARSE), and where the grid lies: (k, j, i) in RAS mm."""

    action: np.ndarray
    kji_to_ras: np.ndarray

    def at(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Look up the actions at points (..., 3) in RAS mm; KEEP outside the grid."""
        inverse = np.linalg.inv(self.kji_to_ras)
        index = np.rint(points_ras_mm @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
        inside = ((index >= 0) & (index < self.action.shape)).all(axis=-1)
        clipped = np.clip(index, 0, np.array(self.action.shape) - 1)
        return np.where(inside, self.action[clipped[..., 0], clipped[..., 1], clipped[..., 2]], KEEP)


def find_face(array: np.ndarray, kji_to_ras: np.ndarray, is_ct: bool, seed: int) -> FaceMask | None:
    """Find the face in a volume (k, j, i) placed in RAS mm; None when there is no head in the field of view."""
    work, placed = upright(array, kji_to_ras)
    body = body_of(work, is_ct)
    spacing = np.linalg.norm(placed[:3, :3], axis=0)
    bottom = _bottom_of_head(body, spacing)
    if bottom is None:
        return None
    action = _shell(body, bottom, spacing, seed)
    return FaceMask(action, placed) if action.any() else None


def upright(array: np.ndarray, kji_to_ras: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thin the volume to the work spacing with axes (S, A, R), and say where it lies in RAS mm."""
    directions = kji_to_ras[:3, :3]
    order = _axis_order(directions)
    steps = np.maximum(np.floor(WORK_SPACING_MM / np.linalg.norm(directions, axis=0)), 1).astype(int)
    thin = array[tuple(slice(None, None, step) for step in steps)]
    matrix = kji_to_ras.copy()
    matrix[:3, :3] = directions * steps
    thin = thin.transpose(order)
    matrix[:3, :3] = matrix[:3, order]
    for axis, world in enumerate((2, 1, 0)):
        if matrix[world, axis] < 0:
            thin = np.flip(thin, axis)
            matrix[:3, 3] += matrix[:3, axis] * (thin.shape[axis] - 1)
            matrix[:3, axis] *= -1
    return np.ascontiguousarray(thin), matrix


def _axis_order(directions: np.ndarray) -> list[int]:
    """Which array axis runs most along S, A and R, each used once."""
    unit = np.abs(directions / np.linalg.norm(directions, axis=0))
    order: list[int] = []
    for world in (2, 1, 0):
        free = [axis for axis in range(3) if axis not in order]
        order.append(max(free, key=lambda axis: unit[world, axis]))
    return order


def body_of(work: np.ndarray, is_ct: bool) -> np.ndarray:
    """Find the largest connected thing that is not air, without holes in any axial plane."""
    threshold = AIR_HU if is_ct else _otsu(work)
    labels, count = ndimage.label(work > threshold)
    if count == 0:
        return np.zeros(work.shape, bool)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    body = labels == sizes.argmax()
    return np.stack([ndimage.binary_fill_holes(plane) for plane in body])


def _otsu(values: np.ndarray) -> float:
    """Find the threshold that parts two classes best (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    centers = (edges[1:] + edges[:-1]) / 2
    below, total = np.cumsum(counts), counts.sum()
    mass = np.cumsum(counts * centers)
    mean_below = mass / np.maximum(below, 1)
    mean_above = (mass[-1] - mass) / np.maximum(total - below, 1)
    return float(centers[np.argmax(below * (total - below) * (mean_below - mean_above) ** 2)])


def _bottom_of_head(body: np.ndarray, spacing: np.ndarray) -> int | None:
    """Find the plane where the head begins, counted from below; None when there is no head."""
    areas = ndimage.gaussian_filter1d(body.sum(axis=(1, 2)) * spacing[1] * spacing[2], 2.0)
    planes = np.flatnonzero(areas > SMALLEST_BODY_MM2)
    if not planes.size:
        return None
    first, top = int(planes[0]), int(planes[-1])
    head_planes = LEAST_HEAD_HEIGHT_MM / spacing[0]
    is_head_only = areas.max() < WIDEST_HEAD_MM2
    start = first if is_head_only else int(areas.argmax())
    highest_above = np.maximum.accumulate(areas[::-1])[::-1]
    necks = [
        plane
        for plane in range(start, top)
        if top - plane >= head_planes
        and highest_above[plane] >= HEAD_GROWTH * areas[plane]
        and (is_head_only or areas[plane] < NECK_SHARE * areas.max())
    ]
    if necks:
        return min(necks, key=lambda plane: areas[plane])
    return first if is_head_only and top - first >= head_planes else None


def _shell(body: np.ndarray, bottom: int, spacing: np.ndarray, seed: int) -> np.ndarray:
    """Set the actions in the front half of the head; nothing below the neck."""
    head = np.zeros(body.shape, bool)
    head[bottom:] = body[bottom:]
    smooth = _without_protrusions(body, spacing)
    inside = ndimage.distance_transform_edt(smooth, sampling=spacing)
    outside = ndimage.distance_transform_edt(~head, sampling=spacing)
    noise = np.random.default_rng(seed).random(body.shape)
    uneven = ndimage.gaussian_filter(noise, 10.0 / spacing)
    uneven = (uneven - uneven.min()) / max(float(np.ptp(uneven)), 1e-9)
    depth = AIR_DEPTH_MM[0] + (AIR_DEPTH_MM[1] - AIR_DEPTH_MM[0]) * uneven
    front = _front_half(head, bottom)
    action = np.zeros(body.shape, np.uint8)
    action[front & head & (inside <= SHELL_MM)] = COARSE
    action[front & head & (inside <= depth)] = AIR  # nose, lips and ears lie outside of the smooth head: all of it
    action[front & ~body & (outside <= OUTSIDE_MM)] = AIR
    action[:bottom] = KEEP
    return action


def _without_protrusions(body: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Open the body with a ball: noses and ears are narrower than it and disappear."""
    core = ndimage.distance_transform_edt(body, sampling=spacing) > PROTRUSION_MM
    return ndimage.distance_transform_edt(~core, sampling=spacing) <= PROTRUSION_MM


def _front_half(head: np.ndarray, bottom: int) -> np.ndarray:
    """Everything in front of the middle of the head, plane by plane."""
    front = np.zeros(head.shape, bool)
    for plane in range(bottom, head.shape[0]):
        rows = np.flatnonzero(head[plane].any(axis=1))
        if rows.size:
            front[plane, (rows[0] + rows[-1]) // 2 :] = True
    return front
