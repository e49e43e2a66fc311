"""Diameters and volume of a nodule, as a careful reader would take them.

Axes: long axis and the longest perpendicular to it, on the axial slice where the nodule is largest, each to one decimal
(Lung-RADS v2022: mean of both, to one decimal). Volume: every voxel counts by how far its HU lies between lung and
nodule, so that blurred borders and thick slices neither add nor remove volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

SKIRT_MM = 1.6  # how far blur carries a nodule's HU outwards
FINE_MM = 0.2
DIRECTIONS = 90


@dataclass(frozen=True)
class AxialSize:
    """Diameters in mm on one axial slice, and the two ends (2, 3) of each axis in voxels (k, j, i) of the patch.

    The ends lie as far apart as the diameter says.
    """

    long_axis_mm: float
    short_axis_mm: float
    mean_diameter_mm: float
    long_ends_kji: np.ndarray
    short_ends_kji: np.ndarray


def axial_size(hu: np.ndarray, mask: np.ndarray, threshold_hu: float, spacing_kji_mm: np.ndarray) -> AxialSize:
    """Long and short axis (mm) of a nodule (``mask``, patch) with sub-voxel borders at ``threshold_hu``."""
    k = int(np.argmax(mask.sum(axis=(1, 2))))
    outline, corner_ji = _fine_mask(hu[k], mask[k], threshold_hu, spacing_kji_mm[1:])
    points_mm = np.argwhere(outline) * FINE_MM
    angles = _longest_angle(points_mm) + np.array([0.0, np.pi / 2])
    sizes = [round(extent + FINE_MM, 1) for extent in feret_axes(points_mm)]
    ends = [
        np.column_stack([np.full(2, k), corner_ji + _ends_mm(points_mm, angle, size_mm) / spacing_kji_mm[1:]])
        for angle, size_mm in zip(angles, sizes, strict=True)
    ]
    long_axis, short_axis = sizes
    return AxialSize(long_axis, short_axis, mean_of_axes(long_axis, short_axis), ends[0], ends[1])


def mean_of_axes(long_axis_mm: float, short_axis_mm: float) -> float:
    """Mean of both axes to one decimal, halves up (Lung-RADS v2022)."""
    return round((long_axis_mm + short_axis_mm) / 2 + 1e-9, 1)


def feret_axes(points_mm: np.ndarray) -> tuple[float, float]:
    """Longest extent of a planar point set (n, 2) and its extent perpendicular to it, mm."""
    if len(points_mm) < 2:
        return 0.0, 0.0
    angle = _longest_angle(points_mm)
    extents = [float(np.ptp(points_mm @ _direction(a))) for a in (angle, angle + np.pi / 2)]
    return extents[0], extents[1]


def _longest_angle(points_mm: np.ndarray) -> float:
    """Direction of the longest extent of a planar point set, rad."""
    angles = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    if len(points_mm) < 2:
        return 0.0
    across = points_mm @ np.stack([np.cos(angles), np.sin(angles)])
    return float(angles[np.argmax(across.max(axis=0) - across.min(axis=0))])


def _direction(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


def _ends_mm(points_mm: np.ndarray, angle: float, size_mm: float) -> np.ndarray:
    """Return both ends (2, 2) of a line of ``size_mm`` through the middle of the points farthest along a direction."""
    if not len(points_mm):
        return np.zeros((2, 2))
    along = points_mm @ _direction(angle)
    middle = 0.5 * (points_mm[np.argmin(along)] + points_mm[np.argmax(along)])
    return middle + 0.5 * size_mm * np.outer([-1.0, 1.0], _direction(angle))


def _fine_mask(
    plane: np.ndarray, mask: np.ndarray, threshold_hu: float, spacing_ji_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mask of one slice on a 0.2 mm grid, its border where HU crosses the threshold, and the voxel (j, i)
    at which that grid begins."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (slice(max(0, rows[0] - 2), rows[-1] + 3), slice(max(0, columns[0] - 2), columns[-1] + 3))
    plane, mask = plane[box], mask[box]
    fine = [np.arange(0, n - 1 + 1e-9, FINE_MM / s) for n, s in zip(plane.shape, spacing_ji_mm, strict=True)]
    where = np.meshgrid(*fine, indexing="ij")
    bright = ndi.map_coordinates(plane.astype(np.float32), where, order=1) > threshold_hu
    near = ndi.map_coordinates(ndi.binary_dilation(mask).astype(np.float32), where, order=0) > 0.5
    other = ndi.map_coordinates((~mask & (plane > threshold_hu)).astype(np.float32), where, order=1) > 0.5
    labels, _ = ndi.label(bright & near & ~other)
    own = labels[ndi.map_coordinates(mask.astype(np.float32), where, order=0) > 0.5]
    own = own[own > 0]
    fine_mask = labels == np.bincount(own).argmax() if own.size else bright & near
    return fine_mask, np.array([span.start for span in box])


def partial_volume_mm3(
    hu: np.ndarray,
    mask: np.ndarray,
    dense: np.ndarray,
    core_hu: float,
    background_hu: float,
    spacing_kji_mm: np.ndarray,
    allowed: np.ndarray,
) -> float:
    """Volume in mm3 of a nodule: the sum of (HU - lung) / (core - lung) over the mask and its blurred skirt.

    Vessels and wall (``dense`` outside the mask, or not ``allowed``) and what lies nearer to them do not count.
    """
    import edt

    spacing = tuple(float(s) for s in spacing_kji_mm)
    reach = max(SKIRT_MM, 1.1 * max(spacing))
    to_mask = edt.edt(~mask, anisotropy=spacing)
    other = dense & ~mask | ~allowed
    nearer_other = edt.edt(~other, anisotropy=spacing) < to_mask if other.any() else np.zeros_like(mask)
    skirt = (to_mask <= reach) & ~mask & ~nearer_other & ~other
    share = (hu.astype(np.float32) - background_hu) / max(core_hu - background_hu, 1.0)
    # Inside, texture of the nodule must not remove volume; at the border noise must cancel, so nothing is clipped.
    weight = np.where(ndi.binary_erosion(mask), 1.0, share)
    return float(weight[mask | skirt].sum()) * float(np.prod(spacing_kji_mm))
