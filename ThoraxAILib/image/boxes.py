"""Boxes of voxels: around a mask, and a margin in millimetres as voxels."""

from __future__ import annotations

import numpy as np

Box = tuple[slice, ...]


def mask_box(mask: np.ndarray, margin: np.ndarray | int = 0) -> Box | None:
    """Slices of the smallest box around a mask of any dimensions, None when the mask is empty.

    ``margin`` is in voxels, one number or one per axis; the box stays within the array.
    """
    box = []
    for axis, (size, more) in enumerate(zip(mask.shape, np.broadcast_to(margin, mask.ndim), strict=True)):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        if len(filled) == 0:
            return None
        box.append(slice(max(0, int(filled[0]) - int(more)), min(size, int(filled[-1]) + int(more) + 1)))
    return tuple(box)


def in_plane_box(mask: np.ndarray, spacing_kji_mm: np.ndarray, margin_mm: float) -> Box:
    """All slices k, in-plane the box around a mask (k, j, i) with its margin; everything when the mask is empty."""
    within = mask_box(np.any(mask, axis=0), whole_voxels(margin_mm, spacing_kji_mm[1:]))
    return (slice(0, mask.shape[0]), *(within or (slice(0, n) for n in mask.shape[1:])))


def whole_voxels(length_mm: float, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """How many voxels along each axis (int) are at least ``length_mm`` long."""
    return np.ceil(length_mm / np.asarray(spacing_kji_mm)).astype(int)
