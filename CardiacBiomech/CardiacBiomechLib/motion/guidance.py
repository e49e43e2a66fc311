"""What a segmenter saw in two frames corrects the labels that motion carried between them.

Motion under-contracts where image likeness cannot follow: cavities that close, a thin right wall, a base that leaves
its slice. The segmenter sees the other frame itself, but has its own idea of a contour: how far its contours lie from
those given in the labeled frame is measured there and taken off, and where they overlap little it counts less. Then
both are averaged by shape, in every slice the signed distances of cavity, outer border of the wall and right cavity
(after Rohlfing and Maurer, IEEE TITB 11:426, 2007). The wall lies between averaged borders, so it cannot leave the
epicardium.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt

from CardiacBiomechLib.model.heart_labels import IN_PLANE, HeartLabels
from CardiacBiomechLib.motion.volumes import dice
from ThoraxAILib.image.volume import Volume

SEEN_WEIGHT = 0.5  # of the segmenter in the average, where it agrees with the given labels
TRUST_DICE = (0.6, 0.9)  # agreement in the labeled frame at which the segmenter counts nothing, and fully
FAR_MM = 15.0


@dataclass(frozen=True, eq=False)
class Seen:
    """What a segmenter saw in the labeled frame and in the other one (k, j, i), in the values of the given labels."""

    before: np.ndarray
    after: np.ndarray


def corrected(
    carried: Volume, given: np.ndarray, seen: Seen, parts: HeartLabels, weight: float = SEEN_WEIGHT
) -> tuple[Volume, list[int]]:
    """Return carried labels averaged with those seen, and the end slices (indices) that the left ventricle has left.

    ``given`` are the labels (k, j, i) of the labeled frame. A part that was not seen in a slice stays as carried,
    unless its ventricle was seen to leave it.
    """
    left = slices_left(seen, (parts.lv, parts.myocardium))
    spacing = carried.spacing_kji_mm[1:]
    result = np.zeros_like(carried.array)
    wall_and_cavity = (parts.lv, parts.myocardium)
    if parts.rv is not None:
        right = _average((parts.rv,), carried.array, given, seen, spacing, weight)
        right[slices_left(seen, (parts.rv,))] = False
        result[right] = parts.rv
    outer = _average(wall_and_cavity, carried.array, given, seen, spacing, weight)
    cavity = _average((parts.lv,), carried.array, given, seen, spacing, weight) & outer
    outer[left], cavity[left] = False, False
    result[outer] = parts.myocardium
    result[cavity] = parts.lv
    return carried.with_array(result), left


def slices_left(seen: Seen, values: tuple[int, ...]) -> list[int]:
    """Return end slices where a ventricle was seen in the labeled frame, and no more there or further out."""
    before, after = ([bool(np.isin(plane, values).any()) for plane in labels] for labels in (seen.before, seen.after))
    if not any(after):
        return []
    gone = [k for k, (was, still) in enumerate(zip(before, after, strict=True)) if was and not still]
    return [k for k in gone if not any(after[:k]) or not any(after[k + 1 :])]


def contour_offset_mm(given: np.ndarray, seen: np.ndarray, spacing_ji_mm: np.ndarray) -> float:
    """Return how far a seen region reaches beyond a given one; 0 where they share no slice.

    The median over the voxels just inside the given border, and that over those just outside, of their mean.
    """
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for one, other in zip(given, seen, strict=True):
        if one.any() and other.any():
            distance = _inside_mm(other, spacing_ji_mm)
            sides[0].append(distance[one & ~binary_erosion(one, IN_PLANE[0])])
            sides[1].append(distance[binary_dilation(one, IN_PLANE[0]) & ~one])
    return float(np.mean([np.median(np.concatenate(side)) for side in sides])) if sides[0] else 0.0


def trust(given: np.ndarray, seen: np.ndarray) -> float:
    """Return how far a segmenter is believed, 0 to 1, by the overlap of a region it saw with the one given."""
    low, high = TRUST_DICE
    overlap = dice(seen, given, True)
    return float(np.clip((overlap - low) / (high - low), 0.0, 1.0)) if np.isfinite(overlap) else 0.0


def _average(
    values: tuple[int, ...],
    carried: np.ndarray,
    given: np.ndarray,
    seen: Seen,
    spacing_ji_mm: np.ndarray,
    weight: float,
) -> np.ndarray:
    """Return where the average of the carried region of these values and the seen one, less its offset, lies."""
    before, own = np.isin(seen.before, values), np.isin(given, values)
    offset_mm = contour_offset_mm(own, before, spacing_ji_mm)
    weight = weight * trust(own, before)
    result = np.isin(carried, values)
    for k, other in enumerate(np.isin(seen.after, values)):
        if result[k].any() and other.any():
            mine, theirs = _inside_mm(result[k], spacing_ji_mm), _inside_mm(other, spacing_ji_mm) - offset_mm
            result[k] = weight * theirs + (1.0 - weight) * mine > 0
    return result


def _inside_mm(mask: np.ndarray, spacing_ji_mm: np.ndarray) -> np.ndarray:
    """Distance to the border, positive inside, at most ``FAR_MM``."""
    inside, outside = (distance_transform_edt(side, sampling=spacing_ji_mm) for side in (mask, ~mask))
    half = 0.5 * float(np.mean(spacing_ji_mm))  # the border lies between voxels
    return np.clip(np.where(mask, inside - half, half - outside), -FAR_MM, FAR_MM)
