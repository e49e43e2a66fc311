"""From noise-free truth to a CT: kernel with overshoot, slice profile, slices, correlated noise; patches or volumes."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LungNoduleAILib.synthesis.scanner.point_spread import FWHM_PER_SIGMA, gaussian_weights
from LungNoduleAILib.synthesis.scanner.settings import Scanner

_RING = 2.2  # width of the negative ring of a sharp kernel, relative to its centre
LOWEST_HU, HIGHEST_HU = -1024.0, 3071.0


def acquire(clean_hu: np.ndarray, spacing_kji_mm: np.ndarray, scanner: Scanner, rng: np.random.Generator) -> np.ndarray:
    """float32 HU on the same grid: scanned in slices along k with a random phase, then interpolated back linearly."""
    step = float(spacing_kji_mm[0])
    places = slice_places(len(clean_hu), step, scanner.increment_mm, rng.random())
    slices = reconstruct(clean_hu, spacing_kji_mm, scanner, rng, places)
    if len(slices) == len(clean_hu) and np.allclose(places, np.arange(len(clean_hu))):
        return slices
    at = np.clip(
        (np.arange(len(clean_hu)) - places[0]) / max(places[1] - places[0], 1e-6)
        if len(places) > 1
        else np.zeros(len(clean_hu)),
        0,
        len(slices) - 1,
    )
    below = np.minimum(at.astype(int), max(len(slices) - 2, 0))
    above = np.minimum(below + 1, len(slices) - 1)
    weight = (at - below).astype(np.float32)[:, None, None]
    return slices[below] * (1 - weight) + slices[above] * weight


def slice_places(count: int, step_mm: float, increment_mm: float, phase: float) -> np.ndarray:
    """Where slices lie along k, in voxels; every voxel its own slice when the increment is no larger than the step."""
    pace = increment_mm / step_mm
    if pace <= 1.05:
        return np.arange(count, dtype=float)
    first = phase * min(pace, count - 1)
    return first + pace * np.arange(max(1, int((count - 1 - first) / pace + 1e-9) + 1))


def reconstruct(
    clean_hu: np.ndarray, spacing_kji_mm: np.ndarray, scanner: Scanner, rng: np.random.Generator, places: np.ndarray
) -> np.ndarray:
    """float32 slices at ``places`` (voxels along k): averaged over their thickness, filtered, noised."""
    step, *pixel = (float(x) for x in spacing_kji_mm)
    slices = _thick(clean_hu, places, scanner.slice_mm / step)
    slices = filtered(slices, pixel, scanner.psf_fwhm_mm, scanner.overshoot)
    if scanner.noise_hu > 0:
        slices += _noise(slices.shape, pixel, scanner, places, step, rng)
    return np.clip(slices, LOWEST_HU, HIGHEST_HU, out=slices)


def _thick(clean_hu: np.ndarray, places: np.ndarray, width: float) -> np.ndarray:
    """Mean over a slice of ``width`` voxels (soft-edged) at each place, float32."""
    count = len(clean_hu)
    sigma = max(0.16 * width, 0.3)
    offsets = np.arange(count)[None] - places[:, None]
    weights = _soft_step(offsets + width / 2, sigma) - _soft_step(offsets - width / 2, sigma)
    weights[weights < 1e-3] = 0
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    result = np.empty((len(places), *clean_hu.shape[1:]), dtype=np.float32)
    for row, weight in enumerate(weights.astype(np.float32)):
        used = np.flatnonzero(weight)
        plane = weight[used[0]] * clean_hu[used[0]].astype(np.float32)
        for k in used[1:]:
            plane += weight[k] * clean_hu[k]
        result[row] = plane
    return result


def _soft_step(offset: np.ndarray, sigma: float) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.851 * offset / sigma)


def filtered(slices: np.ndarray, pixel_mm: list[float], fwhm_mm: float, overshoot: float) -> np.ndarray:
    """In-plane kernel: a Gaussian, minus a wider one for the overshoot of sharp kernels; keeps the mean."""
    result = _blurred(slices, pixel_mm, fwhm_mm)
    if overshoot > 0:
        wide = _blurred(slices, pixel_mm, _RING * fwhm_mm)
        result *= np.float32(1 + overshoot)
        wide *= np.float32(overshoot)
        result -= wide
    return result


def _blurred(slices: np.ndarray, pixel_mm: list[float], fwhm_mm: float) -> np.ndarray:
    """Gaussian in the plane, float32, a new array."""
    result = slices
    for axis, step in ((1, pixel_mm[0]), (2, pixel_mm[1])):
        weights = gaussian_weights(fwhm_mm / FWHM_PER_SIGMA / step)
        if len(weights) > 1:
            result = ndimage.correlate1d(result, weights, axis=axis, mode="nearest", output=np.float32)
    return result.copy() if result is slices else result


def _noise(
    shape: tuple[int, ...],
    pixel_mm: list[float],
    scanner: Scanner,
    places: np.ndarray,
    step_mm: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Noise of the kernel's grain, correlated between slices that overlap, slowly varying over the plane."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    pace_mm = step_mm * (places[1] - places[0] if len(places) > 1 else 1.0)
    along = gaussian_weights(0.55 * scanner.slice_mm / pace_mm / FWHM_PER_SIGMA * 1.3)
    if len(along) > 1:
        noise = ndimage.correlate1d(noise, along / np.sqrt((along**2).sum()), axis=0, mode="reflect")
    noise = filtered(noise, pixel_mm, scanner.noise_grain_mm, scanner.overshoot)
    noise *= np.float32(scanner.noise_hu / max(_noise_gain(pixel_mm, scanner), 1e-6))
    tilt = rng.uniform(-0.15, 0.15, 2)
    for axis, slope in zip((1, 2), tilt, strict=True):
        ramp = 1 + slope * np.linspace(-1, 1, shape[axis], dtype=np.float32)
        noise *= ramp.reshape([-1 if a == axis else 1 for a in range(3)])
    return noise


def _noise_gain(pixel_mm: list[float], scanner: Scanner) -> float:
    """Deviation that white noise of one keeps after the in-plane kernel."""
    impulse = np.zeros((1, 61, 61), dtype=np.float32)
    impulse[0, 30, 30] = 1
    return float(np.sqrt((filtered(impulse, pixel_mm, scanner.noise_grain_mm, scanner.overshoot) ** 2).sum()))
