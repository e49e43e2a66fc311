"""Tubes drawn into a grid: thick ones as capsules with soft edges, thin ones by depositing their volume.

Depositing keeps the mass of vessels far thinner than a voxel, which is what makes peripheral vessels look right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ThoraxAILib.image.grid import Grid

_DISC = np.array([[0.0, 0.0], *[[np.cos(a), np.sin(a)] for a in np.arange(6) * np.pi / 3]]) * 0.7


@dataclass(frozen=True, eq=False)
class Tubes:
    """Straight tubes: ends (n, 3) in RAS mm and radius (n,) in mm."""

    start_ras_mm: np.ndarray
    end_ras_mm: np.ndarray
    radius_mm: np.ndarray

    @staticmethod
    def along(path_ras_mm: np.ndarray, radius_mm: float | np.ndarray) -> Tubes:
        """Tubes along a polyline (n+1, 3), of one radius or one per piece."""
        path = np.asarray(path_ras_mm, dtype=float)
        return Tubes(path[:-1], path[1:], np.broadcast_to(np.asarray(radius_mm, dtype=float), (len(path) - 1,)))

    @staticmethod
    def joined(parts: list[Tubes]) -> Tubes:
        """All tubes of several sets."""
        names = ("start_ras_mm", "end_ras_mm", "radius_mm")
        return Tubes(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def where(self, mask: np.ndarray) -> Tubes:
        """Return the tubes a bool (n,) mask keeps."""
        return Tubes(self.start_ras_mm[mask], self.end_ras_mm[mask], self.radius_mm[mask])

    def grown(self, margin_mm: float | np.ndarray) -> Tubes:
        """Return the same axes with a larger radius."""
        return Tubes(self.start_ras_mm, self.end_ras_mm, self.radius_mm + margin_mm)

    def cut(self, length_mm: float) -> Tubes:
        """Return the same tubes in pieces no longer than ``length_mm``, so that their boxes stay small."""
        pieces = np.maximum(1, np.ceil(np.linalg.norm(self.end_ras_mm - self.start_ras_mm, axis=1) / length_mm))
        owner = np.repeat(np.arange(len(pieces)), pieces.astype(int))
        number = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces.astype(int))
        share = ((self.end_ras_mm - self.start_ras_mm) / pieces[:, None])[owner]
        start = self.start_ras_mm[owner] + share * number[:, None]
        return Tubes(start, start + share, self.radius_mm[owner])


def draw_coverage(coverage: np.ndarray, grid: Grid, tubes: Tubes, soft_mm: float | None = None) -> None:
    """Raise ``coverage`` (float32 on the grid, 0..1) to the share of each voxel that lies in a tube."""
    edge = float(np.cbrt(np.prod(grid.spacing_kji_mm))) if soft_mm is None else soft_mm
    thick = tubes.radius_mm > 1.2 * edge
    _deposit(coverage, grid, tubes.where(~thick))
    for box, distance in _distances(grid, tubes.where(thick).cut(12.0), edge):
        np.clip(0.5 - distance / edge, 0, 1, out=distance)
        np.maximum(coverage[box], distance, out=coverage[box])


def draw_distance(distance: np.ndarray, grid: Grid, tubes: Tubes, reach_mm: float) -> None:
    """Lower ``distance`` (float32 on the grid) to the signed distance in mm from the nearest tube's surface."""
    for box, near in _distances(grid, tubes.cut(12.0), reach_mm):
        np.minimum(distance[box], near, out=distance[box])


def paint(image: np.ndarray, grid: Grid, tubes: Tubes, value: float, only: np.ndarray | None = None) -> None:
    """Blend ``value`` into a float image where tubes lie, with soft edges; ``only`` (bool) limits it to some voxels."""
    edge = float(np.cbrt(np.prod(grid.spacing_kji_mm)))
    for box, distance in _distances(grid, tubes.cut(12.0), edge):
        share = np.clip(0.5 - distance / edge, 0, 1)
        if only is not None:
            share *= only[box]
        image[box] += share * (np.float32(value) - image[box])


def _distances(grid: Grid, tubes: Tubes, reach_mm: float) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
    """For each tube its box on the grid and the signed distance in mm to its surface."""
    tubes = tubes.where(_near(grid, tubes, reach_mm))
    starts, ends = grid.frame_mm(tubes.start_ras_mm), grid.frame_mm(tubes.end_ras_mm)
    for start, end, radius in zip(starts, ends, tubes.radius_mm, strict=True):
        margin = radius + reach_mm
        box = grid.box(np.minimum(start, end) - margin, np.maximum(start, end) + margin)
        if any(s.start == s.stop for s in box):
            continue
        offsets = [(axis - at).astype(np.float32) for axis, at in zip(grid.open_axes_mm(box), start, strict=True)]
        way = end - start
        along = sum(o * np.float32(w) for o, w in zip(offsets, way / max(float(way @ way), 1e-9), strict=True))
        np.clip(along, 0, 1, out=along)
        squared = sum((o - along * np.float32(w)) ** 2 for o, w in zip(offsets, way, strict=True))
        yield box, np.sqrt(squared, dtype=np.float32) - np.float32(radius)


def _near(grid: Grid, tubes: Tubes, reach_mm: float = 0.0) -> np.ndarray:
    """Which tubes may touch the grid, bool (n,)."""
    starts, ends = grid.frame_mm(tubes.start_ras_mm), grid.frame_mm(tubes.end_ras_mm)
    margin = tubes.radius_mm[:, None] + reach_mm + grid.spacing_kji_mm
    last = (np.array(grid.shape_kji) - 1) * grid.spacing_kji_mm
    return ((np.maximum(starts, ends) + margin >= 0) & (np.minimum(starts, ends) - margin <= last)).all(axis=1)


def _deposit(coverage: np.ndarray, grid: Grid, tubes: Tubes) -> None:
    """Add the volume of thin tubes, spread over the eight voxels around each of their points."""
    tubes = tubes.where(_near(grid, tubes))
    if not len(tubes.radius_mm):
        return
    spacing = grid.spacing_kji_mm
    step = 0.5 * float(spacing.min())
    pieces = tubes.cut(step)
    middle = grid.frame_mm((pieces.start_ras_mm + pieces.end_ras_mm) / 2)
    way = grid.frame_mm(pieces.end_ras_mm) - grid.frame_mm(pieces.start_ras_mm)
    length = np.linalg.norm(way, axis=1)
    volume = np.pi * pieces.radius_mm**2 * length / float(np.prod(spacing))
    wide = pieces.radius_mm > 0.5 * float(spacing.min())
    points, amounts = [middle[~wide]], [volume[~wide]]
    if wide.any():
        points.append(_spread(middle[wide], way[wide], pieces.radius_mm[wide]))
        amounts.append(np.repeat(volume[wide] / len(_DISC), len(_DISC)))
    _scatter(coverage, np.concatenate(points) / spacing, np.concatenate(amounts))
    np.minimum(coverage, 1, out=coverage)


def _spread(middle: np.ndarray, way: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Points over the cross-section of each piece (n * 7, 3)."""
    axis = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    helper = np.eye(3)[np.argmin(np.abs(axis), axis=1)]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(axis, first)
    disc = _DISC[None] * radius[:, None, None]
    around = disc[..., :1] * first[:, None] + disc[..., 1:] * second[:, None]
    return (middle[:, None] + around).reshape(-1, 3)


def _scatter(coverage: np.ndarray, places_kji: np.ndarray, amounts: np.ndarray) -> None:
    """Trilinear scatter of amounts at voxel places."""
    below = np.floor(places_kji).astype(np.int64)
    inside = ((below >= 0) & (below < np.array(coverage.shape) - 1)).all(axis=1)
    below, part, amounts = below[inside], (places_kji - np.floor(places_kji))[inside], amounts[inside]
    flat = coverage.reshape(-1)
    strides = np.array([coverage.shape[1] * coverage.shape[2], coverage.shape[2], 1])
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, part, 1 - part), axis=1)
        np.add.at(flat, (below + corner) @ strides, (amounts * weight).astype(np.float32))
