"""How a nodule looks, in numbers: what type and suspicion are judged by.

All are taken so that blur and thick slices matter little: a small solid nodule fills few voxels wholly, and its mean HU
is that of ground glass, while its deepest and brightest voxels are not.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from ThoraxAILib.image.spheres import sphere_diameter_mm

DEEP_SHARE = 0.25  # of the voxels: the deepest, and the brightest
RIM_MM = (0.5, 2.5)  # beyond the border: what lies around the nodule
SOLID_HU, FAINT_HU = -300.0, -500.0
FEATURES = (
    "log_size",
    "deep_hu",
    "bright_hu",
    "median_hu",
    "low_hu",
    "spread_hu",
    "solid_share",
    "deep_solid_share",
    "faint_share",
    "rim_hu",
    "edge_hu",
    "elongation",
    "flatness",
    "compactness",
    "roughness",
    "certainty",
    "slice_mm",
)


def appearance(
    hu: np.ndarray, mask: np.ndarray, share: np.ndarray | None, spacing_kji_mm: np.ndarray
) -> dict[str, float]:
    """Return FEATURES of a nodule given its HU patch, mask and the network's chance (k, j, i); None when it has none.

    HU in hundreds; sizes as logarithm of mm; shares and ratios 0 to 1. ``certainty`` is the mean chance in the mask.
    """
    import edt

    spacing = tuple(float(s) for s in spacing_kji_mm)
    box = tuple(
        slice(max(0, int(a.min()) - 6), int(a.max()) + 7) for a in np.nonzero(mask)
    )  # the rim lies within 6 voxels of any patch that is fine enough to tell it
    hu, mask = hu[box].astype(np.float32), mask[box]
    values = np.sort(hu[mask])
    # a drawn box may fill its patch: without a border every voxel would be infinitely deep
    depth = edt.edt(mask, anisotropy=spacing, black_border=bool(mask.all()))
    inside = depth[mask]
    deep = hu[mask & (depth >= np.quantile(inside, 1 - DEEP_SHARE))]
    bright = values[int((1 - DEEP_SHARE) * (len(values) - 1)) :]
    outside = edt.edt(~mask, anisotropy=spacing, black_border=False)
    rim = hu[(outside > RIM_MM[0]) & (outside <= RIM_MM[1])]
    rim_hu = float(np.quantile(rim, 0.3)) if rim.size else float(values[0])
    border = hu[mask & (depth <= max(spacing))]
    axes = _axes_mm(mask, spacing_kji_mm)
    volume = float(mask.sum() * np.prod(spacing))
    size = float(sphere_diameter_mm(volume))
    return {
        "log_size": float(np.log(size)),
        "deep_hu": float(deep.mean()) / 100,
        "bright_hu": float(bright.mean()) / 100,
        "median_hu": float(np.median(values)) / 100,
        "low_hu": float(np.quantile(values, 0.25)) / 100,
        "spread_hu": float(np.quantile(values, 0.9) - np.quantile(values, 0.1)) / 100,
        "solid_share": float((values > SOLID_HU).mean()),
        "deep_solid_share": float((deep > SOLID_HU).mean()),
        "faint_share": float((values < FAINT_HU).mean()),
        "rim_hu": rim_hu / 100,
        "edge_hu": float(border.mean() - rim_hu) / 100 if border.size else 0.0,
        "elongation": float(axes[1] / axes[0]),
        "flatness": float(axes[2] / axes[0]),
        "compactness": float(size / (2.25 * axes[0])),
        "roughness": _surface_mm2(mask, spacing) / float(np.pi * size**2),
        "certainty": 0.0 if share is None else float(share[box][mask].mean()),
        "slice_mm": float(spacing_kji_mm[0]),
    }


def _axes_mm(mask: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Return standard deviations along the three main axes of a mask, largest first, no less than a voxel's."""
    points = np.argwhere(mask) * spacing_kji_mm
    least = float(np.min(spacing_kji_mm)) / np.sqrt(12)
    if len(points) < 4:
        return np.full(3, least)
    spread = np.cov(points.T) + np.diag(np.asarray(spacing_kji_mm) ** 2 / 12)
    return np.maximum(np.sqrt(np.linalg.eigvalsh(spread))[::-1], least)


def _surface_mm2(mask: np.ndarray, spacing: tuple[float, ...]) -> float:
    """Area of the surface of a slightly smoothed mask: the integral of its gradient."""
    soft = ndi.gaussian_filter(np.pad(mask, 3).astype(np.float32), 1.0)
    gradient = np.gradient(soft, *spacing)
    return float(np.sqrt(sum(part**2 for part in gradient)).sum() * np.prod(spacing))
