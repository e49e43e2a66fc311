"""Wall thickness by slice as in the published table: from each inner edge pixel to the nearest outer edge pixel.

Edges are those of Canny (IEEE TPAMI 8:679, 1986) on the cavity and on the filled wall, with a smoothing of one pixel
and thresholds 0.1 and 0.2, as Khened et al. (Medical Image Analysis 51:21, 2019) took them.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume

SMOOTHING_PIXELS, LOW, HIGH = 1.0, 0.1, 0.2


def published_thickness(labels: Volume, parts: HeartLabels, frame: str) -> dict[str, float]:
    """Return the four features of one frame ("ed" or "es") in mm; NaN without a slice that shows a ring of wall."""
    wall = labels.array == parts.myocardium
    found = [_slice_mean_sd(part, labels.spacing_kji_mm[1:]) for part in wall if part.any()]
    means, sds = np.array([pair for pair in found if pair is not None]).reshape(-1, 2).T
    measured = len(means) > 0
    values = (means.max(), means.std(), sds.mean(), sds.std()) if measured else (np.nan,) * 4
    names = ("max_mean", "sd_mean", "mean_sd", "sd_sd")
    return {f"thickness_{frame}_{name}_mm": float(value) for name, value in zip(names, values, strict=True)}


def _slice_mean_sd(wall: np.ndarray, spacing_mm: np.ndarray) -> tuple[float, float] | None:
    filled = ndimage.binary_fill_holes(wall)
    inner, outer = canny_edges(filled & ~wall), canny_edges(filled)
    if not inner.any() or not outer.any():
        return None
    scale = np.asarray(spacing_mm)
    distances = cKDTree(np.argwhere(outer) * scale).query(np.argwhere(inner) * scale)[0]
    return float(distances.mean()), float(distances.std())


def canny_edges(mask: np.ndarray) -> np.ndarray:
    """Return the edge pixels (rows, columns) of a mask; those at the border of the image are left out."""
    weight = ndimage.gaussian_filter(np.ones(mask.shape), SMOOTHING_PIXELS, mode="constant")
    smooth = ndimage.gaussian_filter(mask.astype(float), SMOOTHING_PIXELS, mode="constant") / (weight + 1e-16)
    down, right = ndimage.sobel(smooth, axis=0), ndimage.sobel(smooth, axis=1)
    strength = np.sqrt(down * down + right * right)
    inside = np.zeros(mask.shape, dtype=bool)
    inside[1:-1, 1:-1] = True
    ridge = inside & (strength >= LOW) & _is_ridge(strength, down, right)
    marked, count = ndimage.label(ridge, np.ones((3, 3)))
    if count == 0:
        return ridge
    strong = ndimage.maximum(strength >= HIGH, marked, np.arange(1, count + 1))
    return np.concatenate([[False], np.asarray(strong, dtype=bool)])[marked]


def _is_ridge(strength: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether strength is not smaller than at both places one pixel along the gradient, between two neighbors."""
    padded = np.pad(strength, 1)
    rows, columns = np.indices(strength.shape) + 1
    along_rows = np.abs(down) > np.abs(right)
    step_row, step_column = np.where(down >= 0, 1, -1), np.where(right >= 0, 1, -1)
    large, small = np.maximum(np.abs(down), np.abs(right)), np.minimum(np.abs(down), np.abs(right))
    share = small / np.where(large == 0, 1.0, large)

    def beside(sign: int) -> np.ndarray:
        straight = np.where(
            along_rows,
            padded[rows + sign * step_row, columns],
            padded[rows, columns + sign * step_column],
        )
        diagonal = padded[rows + sign * step_row, columns + sign * step_column]
        return diagonal * share + straight * (1.0 - share)

    return (beside(1) <= strength) & (beside(-1) <= strength)
