"""One border between lobes as a surface: its height above a plane, in the axes of that plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

CELL_MM = 2.0
MARGIN_CELLS = 2
BLUR_CELLS, WIDE_CELLS = 2.0, 10.0
FAR_WEIGHT = 1e-3  # of the wide blur, which fills what the border does not reach


@dataclass(frozen=True, eq=False)
class Border:
    """A surface ``height_mm`` (u, v) over a plane.

    ``origin_mm`` and the rows u, v, normal of ``axes`` are in mm along the array axes (k, j, i); ``low_mm`` is the
    corner of the first cell. ``reached`` (u, v) are the cells in which lobes meet.
    """

    origin_mm: np.ndarray
    axes: np.ndarray
    low_mm: np.ndarray
    height_mm: np.ndarray
    reached: np.ndarray

    def in_plane_axes(self, points_mm: np.ndarray) -> np.ndarray:
        """Points (n, 3) in mm along k, j, i as u, v and height, in mm."""
        return (points_mm - self.origin_mm) @ self.axes.T

    def cells(self, uvw_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest cell of each point given in the axes of the plane."""
        u, v = _cells(uvw_mm, self.low_mm, self.height_mm.shape).T
        return u, v

    def positions_mm(self, levels_mm: np.ndarray) -> np.ndarray:
        """Places (3, u, v, level) in mm along k, j, i, at these heights above the surface."""
        u, v = (low + (np.arange(n) + 0.5) * CELL_MM for low, n in zip(self.low_mm, self.height_mm.shape, strict=True))
        heights = self.height_mm[:, :, None] + levels_mm
        along_u, along_v, normal = (axis[:, None, None, None] for axis in self.axes)
        flat = self.origin_mm[:, None, None, None] + along_u * u[:, None, None] + along_v * v[None, :, None]
        return flat + normal * heights


def border_between(below: np.ndarray, above: np.ndarray, spacing_kji_mm: np.ndarray, up: np.ndarray) -> Border | None:
    """Return the surface between two masks (k, j, i) that touch, its normal towards ``up``; None where they do not."""
    faces = _faces(below, above)
    if len(faces) < 3:
        return None
    points = faces * spacing_kji_mm
    origin = points.mean(axis=0)
    _, axes = np.linalg.eigh((points - origin).T @ (points - origin))
    axes = axes.T[::-1].copy()
    axes[2] *= np.sign(axes[2] @ up) or 1.0
    uvw = (points - origin) @ axes.T
    low = uvw[:, :2].min(axis=0) - MARGIN_CELLS * CELL_MM
    shape = tuple((np.ceil((uvw[:, :2].max(axis=0) - low) / CELL_MM) + MARGIN_CELLS).astype(int))
    flat = np.ravel_multi_index(tuple(_cells(uvw, low, shape).T), shape)
    size = int(np.prod(shape))
    count = np.bincount(flat, minlength=size).reshape(shape).astype(float)
    heights = np.bincount(flat, weights=uvw[:, 2], minlength=size).reshape(shape)
    reached = ndi.binary_closing(count > 0, iterations=2)
    return Border(origin, axes, low, _filled(heights, count), reached)


def _cells(uvw_mm: np.ndarray, low_mm: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    cells = np.floor((uvw_mm[:, :2] - low_mm) / CELL_MM).astype(int)
    return np.clip(cells, 0, np.array(shape) - 1)


def _faces(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return the middles, in voxels, of the faces between a voxel of one mask and one of the other."""
    found = []
    for axis in range(3):
        first, second = (
            tuple(span if a == axis else slice(None) for a in range(3)) for span in (slice(-1), slice(1, None))
        )
        touching = np.argwhere((below[first] & above[second]) | (above[first] & below[second])).astype(float)
        touching[:, axis] += 0.5
        found.append(touching)
    return np.concatenate(found)


def _filled(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the mean height of each cell, smoothed, and continued where there is none."""
    near, near_count = (ndi.gaussian_filter(a, BLUR_CELLS) for a in (total, count))
    far, far_count = (ndi.gaussian_filter(a, WIDE_CELLS) for a in (total, count))
    return (near + FAR_WEIGHT * far / np.maximum(far_count, 1e-9)) / (near_count + FAR_WEIGHT)
