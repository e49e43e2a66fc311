"""How much of each voxel a nodule fills, for any outline, and painting it into HU with that partial volume."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule, ellipsoid_share
from ThoraxAILib.errors import known
from ThoraxAILib.image.boxes import Box
from ThoraxAILib.image.grid import Grid

_PARTS = 3


def nodule_share(grid: Grid, nodule: PlantedNodule) -> tuple[Box, np.ndarray]:
    """Box of voxels and share (0..1, float32) of each that lies inside the nodule; empty outside the grid."""
    if nodule.shape is None:
        return ellipsoid_share(grid, nodule, nodule.semi_axes_mm)
    spacing = grid.spacing_kji_mm
    axes = np.array(nodule.axes_ras) @ grid.axes_ras
    center = grid.frame_mm(np.array(nodule.center_ras_mm))
    scale = np.array(nodule.semi_axes_mm)
    reach = np.sqrt(((axes * scale[:, None]) ** 2).sum(axis=0)) * nodule.shape.reach() + spacing
    box = grid.box(center - reach, center + reach)
    size = [span.stop - span.start for span in box]
    if 0 in size:
        return box, np.zeros(size, dtype=np.float32)
    to_unit = (axes / scale[:, None]).astype(np.float32)
    k, j, i = (axis - np.float32(at) for axis, at in zip(grid.open_axes_mm(box), center, strict=True))
    places = np.stack(np.broadcast_arrays(k, j, i), axis=-1).reshape(-1, 3).astype(np.float32)
    gap = _gap(nodule, places @ to_unit.T)
    share = (gap < 0).astype(np.float32)
    near = np.abs(gap) < 0.9 * np.linalg.norm(spacing) / scale.min()
    share[near] = _supersampled(nodule, places[near], to_unit, spacing)
    return box, share.reshape(size)


def _gap(nodule: PlantedNodule, scaled: np.ndarray) -> np.ndarray:
    """Radial distance beyond the outline, in units of the semi-axes."""
    length = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    return length - known(nodule.shape, "the outline").radius(scaled / np.maximum(length, np.float32(1e-6))[:, None])


def _supersampled(nodule: PlantedNodule, places: np.ndarray, to_unit: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Share of voxels near the outline, from points inside each of them."""
    parts = _PARTS if len(places) < 12000 else 2
    inner = (np.arange(parts) + 0.5) / parts - 0.5
    offsets = np.stack(np.meshgrid(inner, inner, inner, indexing="ij"), axis=-1).reshape(-1, 3) * spacing
    fine = (places @ to_unit.T)[:, None] + (offsets.astype(np.float32) @ to_unit.T)[None]
    inside = _gap(nodule, fine.reshape(-1, 3)) < 0
    return inside.reshape(len(places), parts**3).mean(axis=1, dtype=np.float32)


def paint_into(image: np.ndarray, grid: Grid, nodule: PlantedNodule) -> None:
    """Blend a nodule into a float32 HU patch on ``grid``; denser things (bone, vessels with contrast) stay visible."""
    box, share = nodule_share(grid, nodule)
    if share.size:
        image[box] += share * (np.maximum(image[box], np.float32(nodule.hu)) - image[box])
    if nodule.core_semi_axes_mm is not None:
        box, core = ellipsoid_share(grid, nodule, nodule.core_semi_axes_mm)
        if core.size:
            image[box] += core * (np.maximum(image[box], np.float32(nodule.core_hu)) - image[box])
