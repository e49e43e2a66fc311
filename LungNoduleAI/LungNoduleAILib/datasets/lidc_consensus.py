"""From the outlines of several readers to nodules: which readings mean the same place, and what most of them cover.

Grouping and sizes follow pylidc (Hancock and Magnan, J Med Imaging 3:044504, 2016): readings whose outlines come as
near as one pixel are one nodule, with a smaller distance where a group would hold a reader twice; the diameter is the
greatest distance within an outline, the volume counts voxels. Overlapping readings are one nodule at any distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.datasets.lidc_xml import Outline, Reading
from LungNoduleAILib.datasets.training_case import TrainingNodule
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

SHRINK, MIN_SHARE = 0.9, 0.05  # of the pixel size up to which outlines are joined
MAJORITY = 0.5
NO_CALCIFICATION = 6  # LIDC's rating "absent"
GROUND_GLASS_UP_TO, SOLID_FROM = 2, 4  # LIDC's texture: 1 ground glass, 3 part-solid, 5 solid


@dataclass(frozen=True, eq=False)
class Drawing:
    """One reading on the CT's grid: its voxels (n, 3) k, j, i, its outline in mm (n, 3), its greatest width in mm."""

    reading: Reading
    voxels_kji: np.ndarray
    rim_mm: np.ndarray
    diameter_mm: float


def draw(reading: Reading, volume: Volume) -> Drawing | None:
    """Return reading on the grid of ``volume`` (rows and columns as in the DICOM images); None when it lies outside."""
    spacing = volume.spacing_kji_mm
    filled: set[tuple[int, int, int]] = set()
    rims, widths = [], []
    for outline in sorted(reading.outlines, key=lambda one: not one.included):
        k = slice_of(volume, outline.z_mm)
        interior = {(k, j, i) for j, i in pixels_within(outline)}
        filled = filled | interior if outline.included else filled - interior
        if outline.included:
            rim = np.column_stack([np.full(len(outline.pixels_xy), k), outline.pixels_xy[:, ::-1]]) * spacing
            rims.append(rim)
            widths.append(float(np.linalg.norm(rim[:, None] - rim[None], axis=2).max()))
    if not filled:  # nothing fits between the lines of a tiny drawing: then the line itself is the nodule
        filled = {
            (slice_of(volume, one.z_mm), int(y), int(x))
            for one in reading.outlines
            if one.included
            for x, y in np.rint(one.pixels_xy)
        }
    voxels = np.array(sorted(filled))
    if (voxels < 0).any() or (voxels >= volume.array.shape).any():
        return None
    return Drawing(reading, voxels, np.concatenate(rims), max(widths))


def slice_of(volume: Volume, z_mm: float) -> int:
    """Return the slice of an axial volume at LPS (and RAS) z; may lie outside."""
    matrix = volume.ijk_to_ras
    return round(float((z_mm - matrix[2, 3]) / matrix[2, 2]))


def pixels_within(outline: Outline) -> list[tuple[int, int]]:
    """Rows and columns of the pixels strictly inside an outline (even-odd rule), the outline's own pixels left out."""
    points = outline.pixels_xy
    low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
    y, x = np.mgrid[low[1] : high[1] + 1, low[0] : high[0] + 1]
    within = np.zeros(x.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            within ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    own = np.rint(points).astype(int) - low
    within[own[:, 1], own[:, 0]] = False
    rows, columns = np.nonzero(within)
    return [(int(row) + int(low[1]), int(column) + int(low[0])) for row, column in zip(rows, columns, strict=True)]


def group(drawings: Sequence[Drawing], pixel_mm: float) -> list[list[Drawing]]:
    """Drawings of the same nodule together, in the order of their first; every one is in exactly one group."""
    count = len(drawings)
    distance = np.zeros((count, count))
    for a in range(count):
        for b in range(a + 1, count):
            distance[a, b] = distance[b, a] = _apart_mm(drawings[a], drawings[b], pixel_mm)
    groups = [list(range(count))] if count else []
    reach, done = pixel_mm, []
    while groups:
        split = [part for members in groups for part in _connected(members, distance, reach)]
        reach *= SHRINK
        last = reach < MIN_SHARE * pixel_mm
        crowded = [] if last else [part for part in split if _has_reader_twice([drawings[n] for n in part])]
        done += [part for part in split if part not in crowded]
        groups = crowded
    return [[drawings[n] for n in part] for part in sorted(done)]


def consensus(members: Sequence[Drawing], volume: Volume) -> tuple[TrainingNodule, np.ndarray]:
    """Return the nodule of a group and its voxels (n, 3): those that at least half of the readers cover."""
    by_reader: dict[int, list[Drawing]] = {}
    for drawing in members:
        by_reader.setdefault(drawing.reading.reader, []).append(drawing)
    covered = [np.unique(np.concatenate([d.voxels_kji for d in own]), axis=0) for own in by_reader.values()]
    voxels, times = np.unique(np.concatenate(covered), axis=0, return_counts=True)
    most = voxels[times >= MAJORITY * len(covered)]
    if not len(most):
        most = voxels
    center = np.mean([volume.ras_from_kji(one.mean(axis=0)) for one in covered], axis=0)
    diameter = float(np.mean([max(d.diameter_mm for d in own) for own in by_reader.values()]))
    nodule = TrainingNodule(
        three(float(x) for x in center),
        diameter,
        len(most) * volume.voxel_mm3,
        nodule_type([d.reading for d in members]),
        len(by_reader),
    )
    return nodule, most


def nodule_type(readings: Sequence[Reading]) -> str | None:
    """Type by the median rating: calcified where calcification is seen, else by texture; None without ratings."""
    calcification = [r.calcification for r in readings if r.calcification is not None]
    texture = [r.texture for r in readings if r.texture is not None]
    if calcification and np.median(calcification) < NO_CALCIFICATION:
        return "calcified"
    if not texture:
        return None
    median = float(np.median(texture))
    if median <= GROUND_GLASS_UP_TO:
        return "ground-glass"
    return "solid" if median >= SOLID_FROM else "part-solid"


def _apart_mm(first: Drawing, second: Drawing, pixel_mm: float) -> float:
    """Distance of two outlines, 0 where the drawings overlap; outlines that only touch are half a pixel apart."""
    from scipy.spatial import cKDTree

    shared = set(map(tuple, first.voxels_kji.tolist())) & set(map(tuple, second.voxels_kji.tolist()))
    if shared:
        return 0.0
    return max(float(cKDTree(first.rim_mm).query(second.rim_mm)[0].min()), pixel_mm / 2)


def _connected(members: list[int], distance: np.ndarray, reach: float) -> list[list[int]]:
    """Parts of ``members`` connected by steps of at most ``reach``."""
    left, parts = set(members), []
    while left:
        part, ahead = set(), [min(left)]
        while ahead:
            one = ahead.pop()
            if one in left:
                left.remove(one)
                part.add(one)
                ahead += [other for other in left if distance[one, other] <= reach]
        parts.append(sorted(part))
    return parts


def _has_reader_twice(members: Sequence[Drawing]) -> bool:
    readers = [drawing.reading.reader for drawing in members]
    return len(set(readers)) < len(readers)
