"""Points followed through a cine of one slice: each frame registered with the first, from the field before it.

The slice is doubled into a thin stack, so that the engine of the short axis does the work; no tissue is known here.
A point of the first frame at x is at x + u(x) in another one; what a field says across the plane is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardiacBiomechLib.motion.protocol import MotionEngine
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field

MARGIN_MM = 35.0
COPIES = 2


def follow(
    frames: Sequence[Volume], points_ras_mm: np.ndarray, start: int, engine: MotionEngine, progress: Progress
) -> np.ndarray:
    """Return points (frames, n, 3) in RAS mm; they are given (n, 3) in frame ``start`` and stay in the plane."""
    images = [_stack(frame, points_ras_mm, frames[start]) for frame in frames]
    normal = images[start].ijk_to_ras[:3, 2] / np.linalg.norm(images[start].ijk_to_ras[:3, 2])
    count = len(frames)
    moved = np.repeat(np.asarray(points_ras_mm, dtype=float)[None], count, 0)
    for sign, steps in ((1, count // 2), (-1, (count - 1) // 2)):  # both ways round: no chain over half a cycle
        field: Field | None = None
        for step in range(1, steps + 1):
            index = (start + sign * step) % count
            progress((step + (0 if sign == 1 else count // 2)) / count, "Following the long-axis view")
            field = engine.register(images[start], images[index], None, Progress(), field).field
            way = field.at(points_ras_mm)
            moved[index] += way - (way @ normal)[:, None] * normal
    return moved


def _stack(frame: Volume, points_ras_mm: np.ndarray, like: Volume) -> Volume:
    """Return the part of a slice around the points, several times above itself."""
    places = like.kji_from_ras(points_ras_mm)[:, 1:]
    spacing = like.spacing_kji_mm[1:]
    low = np.maximum(np.floor(places.min(0) - MARGIN_MM / spacing).astype(int), 0)
    high = np.minimum(np.ceil(places.max(0) + MARGIN_MM / spacing).astype(int) + 1, like.array.shape[1:])
    part = frame.array[0][low[0] : high[0], low[1] : high[1]]
    matrix = like.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, 0] * low[1] + matrix[:3, 1] * low[0] - matrix[:3, 2] * (COPIES - 1) / 2
    return Volume(np.repeat(np.ascontiguousarray(part)[None], COPIES, 0), matrix, "MR")
