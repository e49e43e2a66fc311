"""Bright blobs of every size: extrema of the normalized Laplacian over space and scale, told from tubes and plates.

A ball of diameter d answers most at sigma = d / (2 sqrt 3) (Lindeberg, Int J Comput Vis 30:79, 1998). The Laplacian
is taken as a difference of Gaussians on a pyramid: 1 mm for small nodules, 2 mm and 4 mm for large ones and masses.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.detection.search_maps import SearchMaps
from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.jobs.progress import Progress

SCALE_RATIO = 1.25
OUTSIDE_SHARE = 0.6
SMALL_MM = (4.0, 5.0, 6.25)
MEDIUM_MM = (7.8, 9.8, 12.2, 15.3)
LARGE_MM = (19.1, 23.8, 29.8, 37.3, 46.6, 58.2, 72.8)
# A uniform ball of contrast 1 answers with this value at its own scale and the ratio above (computed numerically).
BALL_RESPONSE = 0.20


@dataclass(frozen=True, eq=False)
class Blobs:
    """Extrema of one image, n of them.

    ``center_kji`` (n, 3) in voxels of the maps; ``diameter_mm`` (n,); ``contrast`` (n,): the step that a ball of that
    size would need, in units of the image; ``roundness`` (n,): smallest / largest curvature, 0 a tube, 1 a ball.
    """

    center_kji: np.ndarray
    diameter_mm: np.ndarray
    contrast: np.ndarray
    roundness: np.ndarray

    def __len__(self) -> int:
        return len(self.diameter_mm)

    def take(self, which: np.ndarray) -> Blobs:
        """Return the blobs at these indices or where this mask is true."""
        return Blobs(self.center_kji[which], self.diameter_mm[which], self.contrast[which], self.roundness[which])


def find_blobs(
    image: np.ndarray, maps: SearchMaps, diameters_mm: tuple[float, ...], least_contrast: float, progress: Progress
) -> Blobs:
    """Blobs of ``image`` (float32, on the voxels of ``maps``) among the given diameters.

    Their centre may lie outside the filled lung by a little more than their radius: most of a large tumor that
    touches the wall lies outside the lung.
    """
    parts = []
    levels = [
        (factor, [d for d in diameters_mm if low <= d < high])
        for factor, low, high in ((1, 0.0, 7.0), (2, 7.0, 17.0), (4, 17.0, 1e9))
    ]
    levels = [(factor, sizes) for factor, sizes in levels if sizes]
    for number, (factor, sizes) in enumerate(levels):
        progress(number / len(levels), f"Looking for nodules of {sizes[0]:.0f} mm and more")
        parts.append(_blobs_of_level(image, maps, factor, sizes, least_contrast))
    fields = zip(*((b.center_kji, b.diameter_mm, b.contrast, b.roundness) for b in parts), strict=True)
    return Blobs(*(np.concatenate(field) for field in fields))


def _blobs_of_level(
    image: np.ndarray, maps: SearchMaps, factor: int, sizes: list[float], least_contrast: float
) -> Blobs:
    strides = np.array([max(1, round(factor / s)) if factor > 1 else 1 for s in maps.grid.spacing_kji_mm])
    coarse = block_mean(image, strides)
    spacing = maps.grid.spacing_kji_mm * strides
    allowed = block_mean(maps.depth_mm, strides) > -sizes[-1] * OUTSIDE_SHARE
    ladder = [sizes[0] / SCALE_RATIO, *sizes, sizes[-1] * SCALE_RATIO]
    smooth = [
        ndi.gaussian_filter(coarse, d / (2 * np.sqrt(3)) / spacing, truncate=3.0)
        for d in [*ladder, ladder[-1] * SCALE_RATIO]
    ]
    answer = np.stack([fine - rough for fine, rough in itertools.pairwise(smooth)])
    scale, k, j, i = _peaks(answer, allowed, least_contrast * BALL_RESPONSE)
    center = np.stack([k, j, i], axis=1)
    roundness = np.empty(len(scale))
    for s in np.unique(scale):
        of_scale = scale == s
        roundness[of_scale] = _roundness(smooth[s], center[of_scale], spacing)
    diameter = np.array(ladder)[scale]
    inside = maps.depth_mm[tuple((center * strides + (strides - 1) // 2).T)] > -OUTSIDE_SHARE * diameter
    blobs = Blobs(center * strides + (strides - 1) / 2, diameter, answer[scale, k, j, i] / BALL_RESPONSE, roundness)
    return blobs.take(inside)


def _peaks(answer: np.ndarray, allowed: np.ndarray, least: float) -> tuple[np.ndarray, ...]:
    """Return indices (scale, k, j, i) of maxima over space and scale; only the few voxels above ``least`` are
    compared.
    """
    inner = np.zeros(answer.shape[1:], dtype=bool)
    inner[1:-1, 1:-1, 1:-1] = allowed[1:-1, 1:-1, 1:-1]
    high = np.nonzero((answer[1:-1] > least) & inner)
    index = np.ravel_multi_index((high[0] + 1, *high[1:]), answer.shape)
    flat = answer.ravel()
    value = flat[index]
    steps = [np.array([-n, 0, n]) for n in np.cumprod([1, *answer.shape[:0:-1]])[::-1]]
    for a, b, c, d in itertools.product(*steps):
        step = a + b + c + d
        if step:
            survives = value >= flat[index + step]
            index, value = index[survives], value[survives]
    return np.unravel_index(index, answer.shape)


def _roundness(smooth: np.ndarray, center_kji: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Ratio of the smallest to the largest curvature of bright blobs from the Hessian (per mm2) at their centres."""
    limits = np.array(smooth.shape) - 2
    p = np.clip(center_kji, 1, limits)

    def value(dk: int, dj: int, di: int) -> np.ndarray:
        return smooth[p[:, 0] + dk, p[:, 1] + dj, p[:, 2] + di]

    unit = np.eye(3, dtype=int)
    hessian = np.empty((len(p), 3, 3))
    for a in range(3):
        hessian[:, a, a] = (value(*unit[a]) - 2 * value(0, 0, 0) + value(*-unit[a])) / spacing_kji_mm[a] ** 2
        for b in range(a):
            mixed = (
                value(*(unit[a] + unit[b]))
                - value(*(unit[a] - unit[b]))
                - value(*(unit[b] - unit[a]))
                + value(*(-unit[a] - unit[b]))
            )
            hessian[:, a, b] = hessian[:, b, a] = mixed / (4 * spacing_kji_mm[a] * spacing_kji_mm[b])
    curvature = -np.linalg.eigvalsh(hessian)  # bright: all positive; ascending eigenvalues turn descending
    return np.clip(curvature[:, 2] / np.maximum(curvature[:, 0], 1e-9), -1.0, 1.0)
