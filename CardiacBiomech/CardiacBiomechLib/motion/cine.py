"""Labels of one frame carried through a whole cine: directly, step by step both ways round the cycle, and fused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.motion.engines import Engine, InstanceEngine
from CardiacBiomechLib.motion.fusion import Candidate, fuse
from CardiacBiomechLib.motion.heart_labels import HeartLabels, HeartTissue
from CardiacBiomechLib.motion.propagate import check_inputs
from CardiacBiomechLib.motion.region import Region
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field, compose, invert, warp_image, warp_labels
from ThoraxAILib.registration.inputs import check_image, check_same_grid
from ThoraxAILib.registration.quality import temporal_drift_mm
from ThoraxAILib.volume import Volume

PATHS = ("direct", "forward", "backward", "tracked")


@dataclass(frozen=True, eq=False)
class CineMotion:
    """Fields from the labeled frame (fixed) to every frame, by path, on the grid of ``region``.

    ``direct`` registers each frame with the labeled one; ``forward`` and ``backward`` chain neighboring frames in
    either direction round the cycle; ``tracked`` registers directly, starting from the better chain. The drift is how
    far the forward chain is from closing after one whole cycle.
    """

    fields: dict[str, list[Field]]
    labeled_frame: int
    region: Region
    drift_mean_mm: float


def estimate_motion(frames: list[Volume], labels: Volume, labeled_frame: int, engine: Engine | None = None,
                    order: str = "auto", progress: Progress | None = None) -> CineMotion:
    """All paths through a cine of which one frame is labeled; raises InputError, Cancelled.

    Costs three registrations per frame.
    """
    engine, progress = engine or InstanceEngine(), progress or Progress()
    parts = _check(frames, labels, labeled_frame, order)
    region = Region.around(labels)
    images = [region.cut(frame) for frame in frames]
    tissue = HeartTissue(region.cut(labels).array, parts)
    count, start = len(frames), labeled_frame
    steps = _steps(images, engine, progress.part(0.0, 0.35))
    forward, drift = _chain(steps, start, count)
    backward = _chain_backward(steps, start, count)
    fields: dict[str, list[Field]] = {"direct": [], "tracked": [], "forward": forward, "backward": backward}
    for frame in range(count):
        share = progress.part(0.35 + 0.65 * frame / count, 0.35 + 0.65 * (frame + 1) / count)
        still = Field.zero(region.grid)
        if frame == start:
            fields["direct"].append(still)
            fields["tracked"].append(still)
            continue
        nearer = forward if (frame - start) % count <= count // 2 else backward
        direct = engine.register(images[start], images[frame], tissue, share.part(0.0, 0.5))
        tracked = engine.register(images[start], images[frame], tissue, share.part(0.5, 1.0), nearer[frame])
        fields["direct"].append(direct.field)
        fields["tracked"].append(tracked.field)
    return CineMotion(fields, start, region, drift)


def carry_labels(motion: CineMotion, frames: list[Volume], labels: Volume, frame: int,
                 paths: tuple[str, ...] = PATHS) -> list[Candidate]:
    """What each path carries from the labeled frame to ``frame``, on the grid of the motion's region."""
    image, marked = motion.region.cut(frames[motion.labeled_frame]), motion.region.cut(labels)
    candidates = []
    for path in paths:
        pull = invert(motion.fields[path][frame])
        candidates.append(Candidate(path, warp_labels(marked, pull).array, warp_image(image, pull).array))
    return candidates


def propagate_through(motion: CineMotion, frames: list[Volume], labels: Volume, frame: int,
                      method: str = "local-weighted", paths: tuple[str, ...] = PATHS) -> Volume:
    """Fused labels of ``frame`` on the whole grid."""
    fused = fuse(carry_labels(motion, frames, labels, frame, paths), motion.region.cut(frames[frame]).array, method)
    return motion.region.put_back(fused, labels.with_array(np.zeros_like(labels.array)))


def _check(frames: list[Volume], labels: Volume, labeled_frame: int, order: str) -> HeartLabels:
    if len(frames) < 2:
        raise InputError(f"The cine has {len(frames)} frame: give two or more.")
    if not 0 <= labeled_frame < len(frames):
        raise InputError(f"The labeled frame is number {labeled_frame}, the cine has frames 0 to {len(frames) - 1}.")
    parts = check_inputs(frames[labeled_frame], labels, frames[labeled_frame], order)
    for number, frame in enumerate(frames):
        check_image(frame, f"frame {number}")
        check_same_grid(frame, f"frame {number}", labels, "label image")
    return parts


def _steps(images: list[Volume], engine: Engine, progress: Progress) -> list[Field]:
    """Fields from each frame (fixed) to the next one (moving) round the cycle; tissue is unknown there."""
    count = len(images)
    return [engine.register(images[n], images[(n + 1) % count], None, progress.part(n / count, (n + 1) / count)).field
            for n in range(count)]


def _chain(steps: list[Field], start: int, count: int) -> tuple[list[Field], float]:
    """Composed fields start -> frame going forward in time, and the mean drift after the whole cycle."""
    fields: list[Field] = [Field.zero(steps[0].grid)] * count
    ordered = [steps[(start + n) % count] for n in range(count)]
    total = ordered[0]
    for n in range(1, count):
        fields[(start + n) % count] = total
        total = compose(total, ordered[n])
    return fields, float(temporal_drift_mm([total]).mean())


def _chain_backward(steps: list[Field], start: int, count: int) -> list[Field]:
    """Composed fields start -> frame going back in time, through the inverted steps."""
    fields: list[Field] = [Field.zero(steps[0].grid)] * count
    total: Field | None = None
    for n in range(1, count):
        back = invert(steps[(start - n) % count])
        total = back if total is None else compose(total, back)
        fields[(start - n) % count] = total
    return fields
