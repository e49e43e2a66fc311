"""The hull of one lung: closed so far that a mass on the chest wall lies inside while the wall stays outside."""

from __future__ import annotations

import numpy as np

from ThoraxAILib.image.reach import deeper_mm, within_mm

CLOSING_MM = 45.0  # larger than the radius of the largest masses looked for
STEP_MM = 4.0
FAR_MM = 80.0


def hull_depth_mm(lung: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Distance in mm of every voxel (k, j, i) to the border of the hull of a lung, positive inside; 4 mm coarse."""
    strides = coarse_strides(spacing_kji_mm)
    return on_voxels(coarse_hull_depth_mm(lung, spacing_kji_mm), lung.shape, strides)


def coarse_strides(spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Return how many voxels along each axis make one of the coarse grid."""
    return np.maximum(1, np.round(STEP_MM / spacing_kji_mm)).astype(int)


def on_voxels(coarse: np.ndarray, shape: tuple[int, ...], strides: np.ndarray) -> np.ndarray:
    """Return values of the coarse grid at every voxel of an array of ``shape``: of the block that it lies in."""
    along = zip(shape, strides, coarse.shape, strict=True)
    return coarse[np.ix_(*(np.minimum(np.arange(size) // step, n - 1) for size, step, n in along))]


def coarse_hull_depth_mm(lung: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Return the depth on the coarse grid alone; see hull_depth_mm."""
    import edt

    strides = coarse_strides(spacing_kji_mm)
    coarse = lung[tuple(slice(None, None, int(s)) for s in strides)]
    if not coarse.any():
        return np.full(coarse.shape, -FAR_MM, np.float32)
    spacing = tuple(float(s) for s in spacing_kji_mm * strides)
    margin = [int(CLOSING_MM / s) + 2 for s in spacing]
    padded = np.pad(coarse, [(m, m) for m in margin])
    closed = deeper_mm(within_mm(padded, np.array(spacing), CLOSING_MM), np.array(spacing), CLOSING_MM) | padded
    depth = edt.edt(closed, anisotropy=spacing) - edt.edt(~closed, anisotropy=spacing)
    return depth[tuple(slice(m, m + n) for m, n in zip(margin, coarse.shape, strict=True))]
