"""One nodule's voxels around a seed: half-way threshold, vessels detached by opening, the chest wall cut at the lung.

Works on a patch of any voxel size; the detector uses it on its search grid, the measurement on the voxels of the CT.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

DEFAULT_LUNG_HU = -850.0
OPENING_SHARE = 0.55  # of the inscribed radius: what is thinner is a vessel or a spicule
REACH = 2.4  # inscribed radii from the centre; beyond it an elongated region is a vessel
MIN_RISE_HU = 100.0
HALO_RISE_HU = 130.0
HALO_GROWTH = 2.0  # inscribed radii; a larger halo is lung that happens to be dense
QUIETING_MM = (0.0, 0.5, 0.8, 1.2, 1.8, 2.5)


@dataclass(frozen=True, eq=False)
class Region:
    """A nodule in a patch: ``mask`` bool (k, j, i); ``center_kji`` and ``inscribed_mm`` of its largest ball;
    the HU of its core and of the lung around it, the threshold between them, and all voxels above it (``dense``)."""

    mask: np.ndarray
    dense: np.ndarray
    center_kji: np.ndarray
    inscribed_mm: float
    core_hu: float
    background_hu: float

    @property
    def threshold_hu(self) -> float:
        """Half-way between lung and core."""
        return 0.5 * (self.core_hu + self.background_hu)


def grow_region(
    hu: np.ndarray, spacing_kji_mm: np.ndarray, seed_kji: np.ndarray, diameter_mm: float, allowed: np.ndarray
) -> Region | None:
    """Return nodule at ``seed_kji`` of about ``diameter_mm``; None when nothing there rises above the lung around it.

    ``hu`` and ``allowed`` (bool, where a nodule may extend: the filled lung with its margin) are patches (k, j, i).
    """
    distance_mm = distance_from(seed_kji, hu.shape, spacing_kji_mm)
    seed = _brightest(hu, distance_mm, diameter_mm, spacing_kji_mm)
    distance_mm = distance_from(seed, hu.shape, spacing_kji_mm)
    background = background_hu(hu, distance_mm, diameter_mm)
    near = distance_mm <= max(0.20 * diameter_mm, 0.8 * float(spacing_kji_mm.min()))
    core = float(hu[near].mean())
    if core - background < MIN_RISE_HU:
        return None
    hu = quieted(hu, distance_mm, diameter_mm, core - background, spacing_kji_mm)
    return _region_above(hu, spacing_kji_mm, distance_mm <= 0.5 * diameter_mm + 1.0, allowed, core, background)


def with_halo(
    region: Region, hu: np.ndarray, spacing_kji_mm: np.ndarray, allowed: np.ndarray, blur_mm: float
) -> Region:
    """Return the region together with a ground-glass halo around it, or the region itself where there is none.

    A halo surrounds the core beyond what blur (``blur_mm``, half a slice) explains; spicules and vessels do not.
    """
    import edt

    spacing = tuple(float(s) for s in spacing_kji_mm)
    outside_mm = edt.edt(~region.mask, anisotropy=spacing)
    ring = (outside_mm > blur_mm) & (outside_mm <= blur_mm + 1.8) & allowed & ~region.dense
    if ring.sum() < 20:
        return region
    faint, halo = (float(v) for v in np.percentile(hu[ring], (30, 50)))
    if faint - region.background_hu < HALO_RISE_HU:
        return region
    wide = _region_above(hu, spacing_kji_mm, region.mask, allowed, halo, region.background_hu)
    if wide is None or wide.mask.sum() < 1.5 * region.mask.sum():
        return region
    if wide.inscribed_mm > HALO_GROWTH * region.inscribed_mm + 3.0:
        return region
    return Region(wide.mask | region.mask, wide.dense, wide.center_kji, wide.inscribed_mm, halo, wide.background_hu)


def _region_above(
    hu: np.ndarray, spacing_kji_mm: np.ndarray, near: np.ndarray, allowed: np.ndarray, core_hu: float, background: float
) -> Region | None:
    """Return the opened region half-way between core and background around the largest ball centred where ``near``
    holds.
    """
    import edt

    spacing = tuple(float(s) for s in spacing_kji_mm)
    dense = (hu > 0.5 * (core_hu + background)) & allowed
    inside_mm = edt.edt(dense, anisotropy=spacing)
    reachable = np.where(near, inside_mm, 0.0)
    center = np.array(np.unravel_index(int(np.argmax(reachable)), hu.shape))
    inscribed = float(reachable[tuple(center)])
    if inscribed <= 0.0:
        return None
    mask = _opened(dense, inside_mm, center, inscribed, spacing)
    return Region(mask, dense, center, inscribed, core_hu, background) if mask.any() else None


def quieted(
    hu: np.ndarray, distance_mm: np.ndarray, diameter_mm: float, rise_hu: float, spacing_kji_mm: np.ndarray
) -> np.ndarray:
    """Return the patch smoothed just enough that noise in the lung around a nodule no longer crosses its threshold."""
    shell = (distance_mm > 0.7 * diameter_mm) & (hu < -600.0)
    if shell.sum() < 20:
        return hu
    for sigma_mm in QUIETING_MM:
        if sigma_mm > diameter_mm / 7:
            break
        smooth = ndi.gaussian_filter(hu, sigma_mm / spacing_kji_mm, truncate=3.0) if sigma_mm else hu
        values = smooth[shell]
        noise = 1.48 * float(np.median(np.abs(values - np.median(values))))
        if noise < rise_hu / 8:
            return smooth
    return smooth


def distance_from(point_kji: np.ndarray, shape: tuple[int, ...], spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Distance in mm of every voxel of a patch from a point, float32."""
    k, j, i = (
        ((np.arange(n) - p) * s).astype(np.float32) ** 2
        for n, p, s in zip(shape, point_kji, spacing_kji_mm, strict=True)
    )
    return np.sqrt(k[:, None, None] + j[:, None] + i)


def background_hu(hu: np.ndarray, distance_mm: np.ndarray, diameter_mm: float) -> float:
    """Median HU of the aerated lung in the shell around a nodule."""
    shell = (distance_mm > 0.8 * diameter_mm) & (distance_mm < 0.8 * diameter_mm + 8.0)
    lung = hu[shell & (hu < -600.0)]
    return float(np.median(lung)) if lung.size >= 20 else DEFAULT_LUNG_HU


def _brightest(hu: np.ndarray, distance_mm: np.ndarray, diameter_mm: float, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Return the seed moved to the brightest place (smoothed) within a third of the diameter."""
    smooth = ndi.gaussian_filter(hu, 0.2 * diameter_mm / spacing_kji_mm, truncate=2.0)
    near = distance_mm <= diameter_mm / 3 + 0.5 * float(spacing_kji_mm.min())
    if not near.any():
        near = distance_mm <= distance_mm.min()
    return np.array(np.unravel_index(int(np.argmax(np.where(near, smooth, -np.inf))), hu.shape), dtype=float)


def _opened(
    dense: np.ndarray, inside_mm: np.ndarray, center: np.ndarray, inscribed_mm: float, spacing: tuple[float, ...]
) -> np.ndarray:
    """Return opening by a ball of a share of the inscribed radius, kept where it hangs together with the centre."""
    import cc3d
    import edt

    radius = OPENING_SHARE * inscribed_mm
    core = inside_mm > radius
    core &= distance_from(center, dense.shape, np.array(spacing)) <= REACH * inscribed_mm
    labels = cc3d.connected_components(core, connectivity=26)
    if labels[tuple(center)] == 0:
        return np.zeros_like(dense)
    core = labels == labels[tuple(center)]
    return ndi.binary_fill_holes(dense & (edt.edt(~core, anisotropy=spacing) <= radius + 0.5 * float(min(spacing))))
