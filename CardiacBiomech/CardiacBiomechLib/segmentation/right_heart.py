"""What a right ventricle cannot do over a heart beat, asked of the labels of all frames of a cine.

Seen in one frame, the right atrium looks like the ventricle below it. But the tricuspid plane comes down as the
ventricle contracts: a slice that the ventricle has left belongs to the atrium. And a contracting cavity lies, when it
is full, over all that it covers later.

How far the plane comes down is taken from the lower limits of normal (Lang et al., J Am Soc Echocardiogr 28:1, 2015):
17 mm in a ventricle whose area falls by 35 %, in proportion in one that contracts less. The area is that of the slices
that the plane cannot reach; the limit of the area was published for a view along the ventricle. At the full heart the
plane lies at the upper face of the uppermost slice or above it; where slices are thinner than their distance, their
thickness says where the faces are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import median_filter

from CardiacBiomechLib.mechanics.aha import heart_axes
from CardiacBiomechLib.model.heart_classes import BACKGROUND, LV, RV
from CardiacBiomechLib.model.heart_labels import ACDC
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

PLANE_MM = 17.0
AREA_CHANGE = 0.35
HALF = 0.5
MIN_FRAMES, NEIGHBORS = 8, 5


def over_the_beat(frames: Sequence[Volume]) -> tuple[Volume, ...]:
    """Return labels (ACDC values) of the frames of one cine whose right ventricle keeps both rules above.

    A slice that lies wholly above the plane is emptied of the right ventricle. The frame of the largest left cavity
    receives what is right ventricle in half of the frames or more and background there. A single frame, and a heart
    without a long axis or without a right ventricle, come back as they are.
    """
    fullest = int(np.argmax([(frame.array == LV).sum() for frame in frames]))
    try:
        axes = heart_axes(frames[fullest], ACDC)
    except InputError:
        return tuple(frames)
    base_first = slice(None) if axes.slices[0] < axes.slices[-1] else slice(None, None, -1)
    right = np.stack([(frame.array == RV)[base_first] for frame in frames])
    if len(frames) < 2 or not right[fullest].any():
        return tuple(frames)
    _leave_the_atrium(right, fullest, axes.slice_mm, frames[fullest].identity.slice_thickness_mm or axes.slice_mm)
    covered = right.mean(axis=0) >= HALF
    right = right[:, base_first]
    kept = []
    for index, frame in enumerate(frames):
        labels = np.where((frame.array == RV) & ~right[index], np.uint8(BACKGROUND), frame.array)
        if index == fullest:
            labels[covered[base_first] & (labels == BACKGROUND)] = RV
        kept.append(frame.with_array(labels))
    return tuple(kept)


def _leave_the_atrium(right: np.ndarray, fullest: int, slice_mm: float, thickness_mm: float) -> None:
    """Empty the slices above the tricuspid plane in ``right`` (frames, slices from the base, j, i), in place."""
    areas = right.sum(axis=(2, 3))
    top = int(np.flatnonzero(areas[fullest])[0])
    below = areas[:, top + int(np.ceil(PLANE_MM / slice_mm)) :].sum(axis=1)
    full = float(below[fullest])
    if full == 0:
        return
    if len(below) >= MIN_FRAMES:  # one frame that was drawn otherwise than its neighbors moves no plane
        below = median_filter(below, NEIGHBORS, mode="nearest")
    for frame, area in enumerate(below):
        contracted = 1.0 - float(area) / full
        down_mm = PLANE_MM * float(np.clip(contracted / AREA_CHANGE, 0.0, 1.0))
        right[frame, : top + _slices_above(down_mm, slice_mm, min(thickness_mm, slice_mm))] = False


def _slices_above(down_mm: float, slice_mm: float, thickness_mm: float) -> int:
    """Return how many slices a plane leaves wholly that comes down from the upper face of the first one."""
    return 0 if down_mm < thickness_mm else 1 + int((down_mm - thickness_mm) // slice_mm)
