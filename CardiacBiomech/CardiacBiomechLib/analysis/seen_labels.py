"""Carried labels brought to what a frame shows: the cavity is where blood is, inside the carried outer border.

Motion follows contraction too little where walls meet and muscles fill the cavity. The signal half-way between blood
and muscle of the labeled frame, slice by slice, tells them apart in every other frame (bright-blood cine keeps its
contrast over the cycle). Papillary muscles and trabeculae stay with the cavity: it is the convex hull of its blood.
How far outside the blood a reader drew is measured in the labeled frame and kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import (
    binary_closing,
    binary_dilation,
    binary_erosion,
    binary_fill_holes,
    distance_transform_edt,
    label,
)

from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume

MIN_PIXELS = 12  # of blood: fewer is an emptied cavity
GROWTH_MM = 2.5  # how far beyond the carried cavity blood still belongs to it
SHRINKS = (
    0.0,
    0.5,
)  # with the square root of the area: the margin of the right cavity is its trabeculae, which fold in
CLOSED_MM = 4.0  # gaps between trabeculae of the right ventricle
NEIGHBORS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class Reading:
    """How the labeled frame was drawn, slice by slice: the signal between blood and muscle (NaN where unknown), how far
    outside its blood the border of each cavity lies (mm), and how large the blood of each was (pixels).
    """

    limits: np.ndarray
    margins_mm: np.ndarray
    sizes: np.ndarray


def reading_of(image: Volume, labels: Volume, parts: HeartLabels) -> Reading:
    """Return how the labels of a frame were drawn on its image."""
    count = len(image.array)
    limits = np.full(count, np.nan)
    for k, (pixels, marked) in enumerate(zip(image.array, labels.array, strict=True)):
        blood, muscle = pixels[marked == parts.lv], pixels[marked == parts.myocardium]
        if len(blood) >= MIN_PIXELS and len(muscle) >= MIN_PIXELS:
            limits[k] = (np.median(blood) + np.median(muscle)) / 2
    if np.isfinite(limits).any():
        limits = np.where(np.isfinite(limits), limits, np.nanmedian(limits))
    margins, sizes = np.zeros((2, count)), np.zeros((2, count))
    for k in range(count):
        for row, mask in enumerate(_blood(image, labels, parts, k, limits[k])):
            if mask is None or not mask.any():
                continue
            wanted = int((labels.array[k] == (parts.lv, parts.rv)[row]).sum())
            sizes[row, k] = mask.sum()
            distance = distance_transform_edt(~mask, sampling=labels.spacing_kji_mm[1:])
            margins[row, k] = _margin(distance, wanted)
    return Reading(limits, margins, sizes)


def _margin(distance: np.ndarray, wanted: int) -> float:
    """Return the distance within which nearest to ``wanted`` pixels lie; pixels come in rings of one distance."""
    border = float(np.partition(distance.ravel(), min(wanted, distance.size) - 1)[wanted - 1])
    within, below = int((distance <= border).sum()), int((distance < border).sum())
    return border if abs(within - wanted) <= abs(below - wanted) else max(border - 1e-6, 0.0)


def as_seen(image: Volume, carried: Volume, parts: HeartLabels, reading: Reading) -> Volume:
    """Return carried labels with the cavities where the frame shows blood, drawn as in ``reading``; the outer border
    of the wall stays.
    """
    seen = carried.array.copy()
    for k in range(len(seen)):
        for row, mask in enumerate(_blood(image, carried, parts, k, reading.limits[k])):
            if mask is None:
                continue
            own = carried.array[k] == (parts.lv, parts.rv)[row]
            inside = own | (carried.array[k] == parts.myocardium) if row == 0 else own
            cavity = mask
            if mask.any() and reading.sizes[row, k] > 0:
                shrunk = min(1.0, float(np.sqrt(mask.sum() / reading.sizes[row, k])))
                distance = distance_transform_edt(~mask, sampling=carried.spacing_kji_mm[1:])
                cavity = distance <= reading.margins_mm[row, k] * shrunk ** SHRINKS[row]
            core = binary_erosion(inside, NEIGHBORS) if row == 0 else inside
            seen[k][inside] = parts.myocardium if row == 0 else 0
            seen[k][cavity & core] = (parts.lv, parts.rv)[row]
    return carried.with_array(seen)


def _blood(
    image: Volume, labels: Volume, parts: HeartLabels, k: int, limit: float
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Blood of the left and of the right cavity in a slice; None where the labels show no cavity."""
    marked, pixel_mm = labels.array[k], float(labels.spacing_kji_mm[1])
    bright = image.array[k] > limit
    left = right = None
    cavity = marked == parts.lv
    if np.isfinite(limit) and cavity.any():
        core = binary_erosion(cavity | (marked == parts.myocardium), NEIGHBORS)
        near = binary_dilation(cavity, iterations=max(1, round(GROWTH_MM / pixel_mm)))
        left = _main(bright & core & near, cavity)
        if left.sum() >= MIN_PIXELS:
            left = _hull(left) & core
    if parts.rv is not None and np.isfinite(limit):
        own = marked == parts.rv
        if own.sum() >= MIN_PIXELS:
            closed = binary_closing(_main(bright & own, own), iterations=max(1, round(CLOSED_MM / pixel_mm)))
            right = binary_fill_holes(closed) & own
    return left, right


def _main(mask: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the components of a mask that hold a tenth or more of the largest one's pixels inside ``wanted``."""
    parts, count = label(mask, NEIGHBORS)
    if count == 0:
        return mask
    sizes = np.bincount(parts[wanted & mask], minlength=count + 1)
    sizes[0] = 0
    if sizes.max() == 0:
        return np.zeros_like(mask)
    return np.isin(parts, np.nonzero(sizes >= 0.1 * sizes.max())[0]) & mask


def _hull(mask: np.ndarray) -> np.ndarray:
    from scipy.spatial import Delaunay, QhullError

    points = np.argwhere(mask)
    try:
        triangles = Delaunay(points)
    except QhullError:  # all in one line
        return mask
    low, high = points.min(0), points.max(0) + 1
    places = np.argwhere(np.ones(high - low, dtype=bool)) + low
    filled = mask.copy()
    filled[tuple(places[triangles.find_simplex(places) >= 0].T)] = True
    return filled
