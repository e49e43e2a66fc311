"""The motion out of end-diastole to every frame: each registration starts from the field of the frame before it.

Both ways round the cycle, so that no start is farther than half of it; a field never adds up errors of a chain,
because every frame is registered with end-diastole itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardiacBiomechLib.model.heart_labels import HeartLabels, HeartTissue
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.motion.region import Region
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field, compose, invert, warp_labels


class StudyMotion:
    """Fields from one frame (fixed) to all, on the grid of ``region``."""

    def __init__(self, region: Region, start: int, fields: dict[int, Field]) -> None:
        self.region, self.start, self.fields = region, start, fields

    def carried(self, labels: Volume, frame: int) -> Volume:
        """Return labels of the start as the motion carries them to a frame."""
        inside = warp_labels(self.region.cut(labels), invert(self.fields[frame])).array
        return self.region.put_back(inside, labels.with_array(np.zeros_like(labels.array)))


def estimate(
    frames: Sequence[Volume],
    labels: Volume,
    parts: HeartLabels,
    start: int,
    engine: MotionEngine,
    whole_cycle: bool,
    progress: Progress,
) -> StudyMotion:
    """Return the motion from frame ``start``, whose labels say where the wall is, to every frame."""
    region = Region.around(labels)
    images = [region.cut(frame) for frame in frames]
    tissue = HeartTissue(region.cut(labels).array, parts)
    count, fields = len(frames), {start: Field.zero(Grid.of(images[start]))}
    done = 1
    for order in _orders(start, count, whole_cycle):
        before: Field | None = None
        for index in order:
            share = progress.part(done / count, (done + 1) / count)
            before = engine.register(images[start], images[index], tissue, share, before).field
            fields[index] = before
            done += 1
    return StudyMotion(region, start, fields)


def _orders(start: int, count: int, whole_cycle: bool) -> list[list[int]]:
    """Frames in the order of registration: forward and backward from the start."""
    if not whole_cycle:
        return [list(range(start + 1, count)), list(range(start - 1, -1, -1))]
    forward = count // 2
    return [
        [(start + step) % count for step in range(1, forward + 1)],
        [(start - step) % count for step in range(1, count - forward)],
    ]


def round_trip_mm(
    motion: StudyMotion, frames: Sequence[Volume], labels: Volume, parts: HeartLabels, es: int, engine: MotionEngine
) -> float:
    """Mean distance in mm by which the wall misses its place after the way to end-systole and, found anew, back."""
    region = motion.region
    there = motion.fields[es]
    carried = region.cut(motion.carried(labels, es)).array
    back = engine.register(
        region.cut(frames[es]), region.cut(frames[motion.start]), HeartTissue(carried, parts), Progress()
    ).field
    miss = compose(there, back).displacement_ras_mm[region.cut(labels).array == parts.myocardium]
    return float(np.linalg.norm(miss, axis=-1).mean())
