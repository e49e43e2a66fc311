"""What a blob looks like from close: shape of its region, what touches it, how it stands out of the lung."""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.delineation.region import Region, grow_region
from LungNoduleAILib.detection.search_maps import SearchMaps
from ThoraxAILib.image.spheres import ellipsoid_volume_mm3, sphere_diameter_mm
from ThoraxAILib.image.tuples import three

FEATURES = (
    "diameter_mm",
    "contrast_hu",
    "core_hu",
    "roundness",
    "fill",
    "elongation",
    "flatness",
    "vessel_share",
    "vessel_count",
    "wall_share",
    "lung_share",
    "inscribed_ratio",
    "depth_mm",
    "edge_hu_per_mm",
    "texture_hu",
    "faint_share",
    "through",
    "opposite",
    "inside_share",
    "airway_mm",
)
DIRECTIONS = 200


def _fibonacci_sphere(count: int) -> np.ndarray:
    """Return unit vectors spread evenly over the sphere (golden-angle spiral)."""
    n = np.arange(count) + 0.5
    z = 1 - 2 * n / count
    angle = np.pi * (1 + 5**0.5) * n
    ring = np.sqrt(1 - z**2)
    return np.stack([z, ring * np.cos(angle), ring * np.sin(angle)], axis=1)


SPHERE = _fibonacci_sphere(DIRECTIONS)
OPPOSITE_DIRECTION = np.argmin(SPHERE @ SPHERE.T, axis=1)
NEAR_DIRECTIONS = SPHERE @ SPHERE.T > np.cos(np.radians(14.0))


def patch_slices(
    center_kji: np.ndarray, half_mm: float, spacing_kji_mm: np.ndarray, shape: tuple[int, ...]
) -> tuple[slice, slice, slice]:
    """Return the box of a patch of ``half_mm`` around a voxel position, inside ``shape``."""
    half = np.ceil(half_mm / spacing_kji_mm).astype(int)
    center = np.round(center_kji).astype(int)
    return three(
        slice(max(0, int(c) - int(h)), min(n, int(c) + int(h) + 1)) for c, h, n in zip(center, half, shape, strict=True)
    )


def examine(
    maps: SearchMaps, center_kji: np.ndarray, diameter_mm: float, roundness: float
) -> tuple[Region, dict[str, float], np.ndarray] | None:
    """Region (in its patch), features and centre (voxels of ``maps``) of one blob; None when there is no region."""
    box = patch_slices(center_kji, 1.3 * diameter_mm + 9.0, maps.grid.spacing_kji_mm, maps.hu.shape)
    offset = np.array([b.start for b in box])
    hu, depth = maps.hu[box], maps.depth_mm[box]
    allowed = (maps.hull_mm[box] > -2.0) if diameter_mm > 17.0 else (depth > -2.0)
    allowed &= ~maps.airway[box]
    region = grow_region(hu, maps.grid.spacing_kji_mm, center_kji - offset, diameter_mm, allowed)
    if region is None:
        return None
    features = {
        "roundness": roundness,
        **_shape(region, maps.grid.spacing_kji_mm),
        **_surroundings(region, hu, depth, maps.grid.spacing_kji_mm),
    }
    center = np.array(ndi.center_of_mass(region.mask)) + offset
    place = tuple(np.round(center).astype(int))
    features["depth_mm"] = float(maps.depth_mm[place])
    features["airway_mm"] = float(maps.airway_mm[place])
    features["inside_share"] = float((depth[region.mask] > 0).mean())
    return region, features, center


def _shape(region: Region, spacing_kji_mm: np.ndarray) -> dict[str, float]:
    points = np.argwhere(region.mask) * spacing_kji_mm
    volume = len(points) * float(np.prod(spacing_kji_mm))
    diameter = sphere_diameter_mm(volume)
    # Second moments of a voxel itself keep one-slice regions from looking flat.
    moments = np.linalg.eigvalsh(np.cov(points.T) + np.diag(spacing_kji_mm**2 / 12)) if len(points) > 3 else np.ones(3)
    axes = np.sqrt(np.maximum(moments[::-1], 1e-6) * 5)  # semi-axes of the ellipsoid with these moments
    ellipsoid = ellipsoid_volume_mm3(axes)
    return {
        "diameter_mm": diameter,
        "elongation": float(axes[1] / axes[0]),
        "flatness": float(axes[2] / axes[1]),
        "fill": min(volume / max(ellipsoid, 1e-6), 1.2),
        "inscribed_ratio": 2 * region.inscribed_mm / diameter,
    }


def _surroundings(region: Region, hu: np.ndarray, depth_mm: np.ndarray, spacing_kji_mm: np.ndarray) -> dict[str, float]:
    """Return what a sphere around the region meets: lung, vessels (in how many places), chest wall or mediastinum."""
    volume = region.mask.sum() * float(np.prod(spacing_kji_mm))
    radius = 0.5 * sphere_diameter_mm(volume)
    center = np.array(ndi.center_of_mass(region.mask))
    shell = center + (1.5 * radius + max(1.0, 0.5 * float(spacing_kji_mm.min()))) * SPHERE / spacing_kji_mm
    index = tuple(np.clip(np.round(shell).astype(int), 0, np.array(hu.shape) - 1).T)
    wall = depth_mm[index] <= 0
    dense = (hu[index] > region.threshold_hu) & ~wall
    other = hu[index][~dense & ~wall]
    rim = ndi.binary_dilation(region.mask) & ~region.mask & (depth_mm > 0) & ~region.dense
    edge = (float(hu[region.mask].mean()) - float(hu[rim].mean())) if rim.any() else 0.0
    return {
        "contrast_hu": region.core_hu - region.background_hu,
        "core_hu": region.core_hu,
        "vessel_share": float(dense.mean()),
        "vessel_count": float(_clusters(SPHERE[dense])),
        "wall_share": float(wall.mean()),
        "lung_share": float((~wall & ~dense).mean()),
        "edge_hu_per_mm": edge / float(spacing_kji_mm.min()),
        "texture_hu": float(other.std()) if other.size > 5 else 0.0,
        **_lines_through(region, hu, shell, wall, spacing_kji_mm),
    }


def _lines_through(
    region: Region, hu: np.ndarray, shell_kji: np.ndarray, wall: np.ndarray, spacing_kji_mm: np.ndarray
) -> dict[str, float]:
    """How much looks like a vessel running through: shares of the core's rise found on the shell, smoothed.

    ``through``: highest value met on both of two opposite ends; ``opposite``: the second highest such line away from
    the first; ``faint_share``: how much of the shell exceeds a quarter of the rise (thin vessels fade on thick slices).
    """
    smooth = ndi.gaussian_filter(hu, 0.6 / spacing_kji_mm, truncate=2.5)
    value = ndi.map_coordinates(smooth, shell_kji.T, order=1, mode="nearest")
    rise = np.where(wall, 0.0, (value - region.background_hu) / max(region.core_hu - region.background_hu, 1.0))
    cone = np.where(NEAR_DIRECTIONS, rise[None], -np.inf).max(axis=1)
    line = np.minimum(cone, cone[OPPOSITE_DIRECTION])
    first = int(np.argmax(line))
    away = np.abs(SPHERE @ SPHERE[first]) < 0.7
    return {
        "faint_share": float((rise > 0.25).mean()),
        "through": float(np.clip(line[first], 0.0, 1.5)),
        "opposite": float(np.clip(line[away].max(), 0.0, 1.5)),
    }


def _clusters(vectors: np.ndarray, touch: float = 0.45) -> int:
    """In how many separate places vectors on the unit sphere lie (single linkage)."""
    import scipy.sparse.csgraph as graph

    if len(vectors) == 0:
        return 0
    near = np.linalg.norm(vectors[:, None] - vectors[None], axis=2) < touch
    return int(graph.connected_components(near, directed=False)[0])
