"""What is known of every heart, asked of labels a network proposes.

One left ventricle, whose cavity is enclosed by its wall in every slice; one right ventricle that lies at that wall; in
each, slices follow each other without a gap and hang together.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, binary_fill_holes, distance_transform_edt, label

from CardiacBiomechLib.model.heart_classes import BACKGROUND, LV, MYOCARDIUM, NEIGHBOR, RV

THINNEST_WALL_MM = 3.0
ENCLOSED = 0.5  # a cavity with less wall around it lies above the valve
NEAR_WALL_MM = 6.0
GAP_MM, CAVITY_GAP_MM = 6.0, 3.0
SMALLEST_MM2 = 20.0


def best_labels(chance: np.ndarray) -> np.ndarray:
    """Return the most likely ACDC label (uint8) of chances (classes, k, j, i)."""
    best = chance.argmax(axis=0).astype(np.uint8)
    best[best == NEIGHBOR] = BACKGROUND
    return best


def constrained(labels: np.ndarray, spacing_kji_mm: tuple[float, float, float]) -> np.ndarray:
    """Return labels (k, j, i) that keep the rules above, made from labels that may not."""
    pixel_mm2 = float(spacing_kji_mm[1] * spacing_kji_mm[2])
    left = _one_column(np.isin(labels, (LV, MYOCARDIUM)), SMALLEST_MM2 / pixel_mm2)
    result = np.zeros_like(labels)
    for k in range(len(labels)):
        if left[k].any():
            result[k] = _closed(np.where(left[k], labels[k], BACKGROUND), labels[k], spacing_kji_mm[1:])
    _drop_loose_ends(result)
    right = (labels == RV) & (result == BACKGROUND)
    right = _one_column(right, SMALLEST_MM2 / pixel_mm2)
    if (result > 0).any():
        for k in range(len(labels)):
            wall = result[k] > 0
            if not right[k].any():
                continue
            if wall.any():
                away = distance_transform_edt(~wall, sampling=spacing_kji_mm[1:])
                pieces, count = label(right[k])
                for piece in range(1, count + 1):
                    if away[pieces == piece].min() > NEAR_WALL_MM:
                        right[k][pieces == piece] = False
            right[k] = binary_fill_holes(right[k]) & (result[k] == BACKGROUND)
    result[right] = RV
    return result


def _one_column(mask: np.ndarray, smallest: float) -> np.ndarray:
    """Return the largest region of a mask, in every slice only what hangs together with the slice nearer its middle."""
    parts, count = label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept = parts == int(sizes.argmax())
    areas = kept.sum(axis=(1, 2))
    start = int(areas.argmax())
    kept[start] = _largest(kept[start])
    for step in (1, -1):
        k = start + step
        while 0 <= k < len(kept):
            kept[k] = _largest(kept[k], kept[k - step])
            if kept[k].sum() < smallest:
                kept[k :: step if step > 0 else -1] = False
                break
            k += step
    return kept


def _largest(mask: np.ndarray, beside: np.ndarray | None = None) -> np.ndarray:
    """Return the largest region of a slice, counting what it shares with the slice ``beside``."""
    parts, count = label(mask)
    if count == 0:
        return mask
    shared = mask if beside is None else mask & beside
    sizes = np.bincount(parts[shared], minlength=count + 1)
    sizes[0] = 0
    return parts == int(sizes.argmax()) if sizes.any() else np.zeros_like(mask)


def _closed(left: np.ndarray, proposed: np.ndarray, spacing_ji_mm: tuple[float, float]) -> np.ndarray:
    """Return one slice with the wall all around the cavity, or empty when there is no wall to speak of."""
    whole = left > 0
    cavity = _largest(binary_fill_holes(left == LV)) if (left == LV).any() else np.zeros_like(whole)
    if (cavity & _beside(proposed == BACKGROUND)).any():  # the wall has a gap
        whole = _closing(whole, GAP_MM, spacing_ji_mm)
    whole = binary_fill_holes(whole)
    if cavity.any():
        inside = _closing(cavity, CAVITY_GAP_MM, spacing_ji_mm) & whole & (proposed != MYOCARDIUM)
        cavity = _largest(
            binary_fill_holes(cavity | inside | (whole & binary_fill_holes(left > 0) & (left == BACKGROUND)))
        )
    result = np.where(whole, np.uint8(MYOCARDIUM), np.uint8(BACKGROUND))
    result[cavity] = LV
    if not cavity.any():
        return result
    away = distance_transform_edt(~cavity, sampling=spacing_ji_mm)
    ring = (away > 0) & (away <= max(spacing_ji_mm) * 1.01)
    if (result[ring] == MYOCARDIUM).mean() < ENCLOSED:
        return np.zeros_like(result)
    around = (away > 0) & (away <= THINNEST_WALL_MM) & (result == BACKGROUND)
    result[around & (proposed != RV)] = MYOCARDIUM
    result[around & (away <= max(spacing_ji_mm) * 1.01)] = MYOCARDIUM
    return result


def _beside(mask: np.ndarray) -> np.ndarray:
    return binary_dilation(mask, np.ones((3, 3), dtype=bool))


def _closing(mask: np.ndarray, radius_mm: float, spacing_ji_mm: tuple[float, float]) -> np.ndarray:
    """Return a slice with gaps up to twice ``radius_mm`` wide filled."""
    pad = int(np.ceil(radius_mm / min(spacing_ji_mm))) + 1
    wide = np.pad(mask, pad)
    grown = distance_transform_edt(~wide, sampling=spacing_ji_mm) <= radius_mm
    closed = distance_transform_edt(grown, sampling=spacing_ji_mm) > radius_mm
    return (closed[pad:-pad, pad:-pad] | mask).astype(bool)


def _drop_loose_ends(labels: np.ndarray) -> None:
    """Empty the slices beyond a gap (changed in place)."""
    filled = [bool(plane.any()) for plane in labels]
    if not any(filled):
        return
    middle = int((labels > 0).sum(axis=(1, 2)).argmax())
    for step in (1, -1):
        k, open_ = middle, True
        while 0 <= k < len(labels):
            open_ = open_ and filled[k]
            if not open_:
                labels[k] = BACKGROUND
            k += step
