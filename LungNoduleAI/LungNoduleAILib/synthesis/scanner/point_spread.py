"""What a scanner does to the truth: blur by its point spread and slice profile, and noise with the same grain."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

FWHM_PER_SIGMA = 2.354820045


def gaussian_weights(sigma_voxels: float) -> np.ndarray:
    """Normalised sampled Gaussian, odd length; a single one when the blur is far below a voxel."""
    if sigma_voxels < 0.15:
        return np.ones(1)
    reach = max(1, int(np.ceil(3 * sigma_voxels)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_voxels) ** 2)
    return weights / weights.sum()


def scan(
    truth_hu: np.ndarray, spacing_kji_mm: np.ndarray, psf_fwhm_mm: float, noise_hu: float, rng: np.random.Generator
) -> np.ndarray:
    """int16 HU of a float32 truth (changed in place): Gaussian blur, and noise of deviation ``noise_hu``.

    White noise is added before the blur, so that noise and image share one point spread as in a reconstruction.
    """
    weights = [gaussian_weights(psf_fwhm_mm / FWHM_PER_SIGMA / step) for step in spacing_kji_mm]
    if noise_hu > 0:
        gain = noise_hu / np.prod([np.sqrt((w**2).sum()) for w in weights])
        for plane in truth_hu:
            plane += np.float32(gain) * rng.standard_normal(plane.shape, dtype=np.float32)
    for plane in truth_hu:
        for axis in (0, 1):
            ndimage.correlate1d(plane, weights[axis + 1], axis=axis, output=plane, mode="nearest")
    return _blurred_along_k(truth_hu, weights[0])


def _blurred_along_k(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Blur along the first axis, rounded and clipped to the range of CT, int16."""
    reach, last = len(weights) // 2, len(image) - 1
    result = np.empty(image.shape, dtype=np.int16)
    for k in range(len(image)):
        mixed = sum(np.float32(w) * image[min(max(k + m - reach, 0), last)] for m, w in enumerate(weights))
        result[k] = np.clip(np.rint(mixed), -1024, 3071)
    return result
