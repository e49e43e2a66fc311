"""The box around a mask."""

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
