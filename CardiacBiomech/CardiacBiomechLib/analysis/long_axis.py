"""What long-axis views say: longitudinal strain of the left ventricle and how far the valve planes come down.

The short-axis labels of end-diastole are cut by the plane of the view; the inner border of the wall, from one side of
the base over the apex to the other, is followed through the view. Global longitudinal strain is the change of its
length (engineering strain of the endocardium); the excursion of a valve plane is the way of the borders of the topmost
short-axis slice along the long axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.cine.long_axis import LongAxisView
from CardiacBiomechLib.mechanics.aha import HeartAxes
from CardiacBiomechLib.model.heart_labels import HeartLabels
from CardiacBiomechLib.motion.plane_tracking import follow
from CardiacBiomechLib.motion.protocol import MotionEngine
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

REACH_MM, STEP_MM = 70.0, 0.5
MIN_SLICES = 3
DEFINITION = "engineering strain of the endocardial border in a long-axis view, (length - length at ED) / length at ED"


@dataclass(frozen=True, eq=False)
class ViewMotion:
    """One view: strain by frame, way of the base along the long axis in mm (towards the apex) for each ventricle."""

    series_number: int
    strain: np.ndarray
    mitral_mm: np.ndarray
    tricuspid_mm: np.ndarray | None
    points_ras_mm: np.ndarray
    slices: int
    beside_apex_mm: float = 0.0
    apical_slices_missed: int = 0


def measure_views(
    views: Sequence[LongAxisView],
    labels: Volume,
    parts: HeartLabels,
    axes: HeartAxes,
    ed_share: float,
    engine: MotionEngine,
    progress: Progress,
) -> list[ViewMotion]:
    """Return the motion in each view that cuts the ventricle; ``ed_share`` is where in the cycle end-diastole lies."""
    found = []
    for number, view in enumerate(views):
        border, free_wall = border_in_view(view, labels, parts, axes)
        if len(border) < 2 * MIN_SLICES:
            continue
        start = round(ed_share * len(view.frames)) % len(view.frames)
        points = border if free_wall is None else np.vstack([border, free_wall])
        share = progress.part(number / len(views), (number + 1) / len(views))
        moved = follow(view.frames, points, start, engine, share)
        wall = moved[:, : len(border)]
        length = np.linalg.norm(np.diff(wall, axis=1), axis=-1).sum(1)
        down = -(moved - moved[start]) @ axes.up
        mitral = (down[:, 0] + down[:, len(border) - 1]) / 2
        found.append(
            ViewMotion(
                view.series_number,
                length / length[start] - 1.0,
                mitral,
                None if free_wall is None else down[:, -1],
                wall,
                len(border) // 2,
                _beside_mm(view, axes.middles_ras_mm[-1]),
                _missed_at_apex(border, axes),
            )
        )
    return found


def _beside_mm(view: LongAxisView, point_ras_mm: np.ndarray) -> float:
    """Return how far the plane of a view lies from a point."""
    return float(abs((view.frames[0].ijk_to_ras[:3, 3] - point_ras_mm) @ view.normal_ras))


def _missed_at_apex(border: np.ndarray, axes: HeartAxes) -> int:
    """Return how many slices at the apex show a cavity that the view does not cut: it looks too short there."""
    lowest = float(axes.height_mm(border).min())
    return int((axes.height_mm(axes.middles_ras_mm) < lowest - axes.slice_mm / 2).sum())


def border_in_view(
    view: LongAxisView, labels: Volume, parts: HeartLabels, axes: HeartAxes
) -> tuple[np.ndarray, np.ndarray | None]:
    """Inner border (n, 3) from base over apex to base where a view cuts the labels, and the right free wall (1, 3)."""
    normal, origin = view.normal_ras, view.frames[0].ijk_to_ras[:3, 3]
    along = np.cross(axes.up, normal)
    along = along / np.linalg.norm(along)
    into = normal - (normal @ axes.up) * axes.up
    one_side, other_side = [], []
    free_wall = None
    offsets = np.arange(-REACH_MM, REACH_MM + STEP_MM, STEP_MM)
    for number, k in enumerate(axes.slices):
        middle = axes.middles_ras_mm[number]
        at = middle + into * ((origin - middle) @ normal) / (into @ normal)
        line = at + offsets[:, None] * along
        index = np.rint(labels.kji_from_ras(line)).astype(int)
        index[:, 0] = k
        inside = ((index >= 0) & (index < labels.array.shape)).all(1)
        seen = np.zeros(len(line), dtype=int)
        seen[inside] = labels.array[tuple(index[inside].T)]
        center = len(line) // 2
        if seen[center] != parts.lv:
            continue
        low, high = _run(seen == parts.lv, center)
        one_side.append((line[low] + line[low - 1]) / 2)
        other_side.append((line[high] + line[high + 1]) / 2)
        if free_wall is None and parts.rv is not None and number == 0:
            right = np.nonzero(seen == parts.rv)[0]
            if len(right) * STEP_MM > 8.0:
                far = right[np.abs(right - center).argmax()]
                free_wall = line[far][None]
    return np.array([*one_side, *other_side[::-1]]).reshape(-1, 3), free_wall


def _run(inside: np.ndarray, at: int) -> tuple[int, int]:
    low = high = at
    while low > 1 and inside[low - 1]:
        low -= 1
    while high < len(inside) - 2 and inside[high + 1]:
        high += 1
    return low, high


def at_shares(curve: np.ndarray, count: int) -> np.ndarray:
    """Return a curve over one cycle at ``count`` equal shares of it."""
    own = np.arange(len(curve) + 1) / len(curve)
    return np.interp(np.arange(count) / count, own, np.append(curve, curve[0]))
