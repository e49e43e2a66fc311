"""Labels of one frame carried through a whole cine: directly, step by step both ways round the cycle, and fused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from CardiacBiomechLib.model.heart_labels import HeartLabels, HeartTissue
from CardiacBiomechLib.motion.fusion import Candidate, fuse
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.propagate import check_inputs
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.motion.region import Region
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field, compose, invert, warp_image, warp_labels
from ThoraxAILib.registration.inputs import check_image, check_same_grid
from ThoraxAILib.registration.quality import temporal_drift_mm

PATHS = ("direct", "forward", "backward", "tracked")


@dataclass(frozen=True, eq=False)
class CineMotion:
    """Fields from the labeled frame (fixed) to other frames, by path and frame, on the grid of ``region``.

    ``direct`` registers each frame with the labeled one; ``forward`` and ``backward`` chain neighboring frames in
    either direction round the cycle; ``tracked`` registers directly, starting from the better chain. The drift is how
    far labeled tissue is from where it began after one whole cycle of the forward chain (None without that chain).
    """

    fields: dict[str, dict[int, Field]]
    labeled_frame: int
    region: Region
    drift_mean_mm: float | None


def estimate_motion(
    frames: list[Volume],
    labels: Volume,
    labeled_frame: int,
    engine: MotionEngine | None = None,
    order: str = "auto",
    targets: Sequence[int] | None = None,
    paths: Sequence[str] = PATHS,
    progress: Progress | None = None,
) -> CineMotion:
    """Return ``paths`` through a cine of which one frame (index) is labeled to the ``targets`` (default: every frame).

    Each chain costs one registration per frame, ``direct`` and ``tracked`` one per target; ``tracked`` needs both
    chains. The frames must cover one whole cycle unless ``paths`` is ``direct`` alone. Raises InputError, Cancelled.
    """
    engine = InstanceEngine() if engine is None else engine
    progress = progress or Progress()
    parts = _check(frames, labels, labeled_frame, order)
    region = Region.around(labels)
    images, marked = [region.cut(frame) for frame in frames], region.cut(labels)
    targets = list(range(len(frames)) if targets is None else targets)
    chained, single = _wanted(paths)
    shares = _shares(progress, [len(frames)] * len(chained) + [len(targets)] * len(single))
    fields: dict[str, dict[int, Field]] = {}
    drift = None
    for path in chained:
        sign = 1 if path == "forward" else -1
        visited = [(labeled_frame + sign * step) % len(frames) for step in range(len(frames) + 1)]
        chain = _chain(images, marked, parts, visited, engine, next(shares))
        fields[path] = {frame: chain[sign * (frame - labeled_frame) % len(frames)] for frame in range(len(frames))}
        if path == "forward":
            drift = float(temporal_drift_mm([chain[-1]])[marked.array > 0].mean())
    for path in single:
        starts = _nearer(fields, labeled_frame, len(frames)) if path == "tracked" else {}
        fields[path] = _registered(
            images, HeartTissue(marked.array, parts), labeled_frame, targets, starts, engine, next(shares)
        )
    kept = {path: {frame: fields[path][frame] for frame in targets} for path in paths}
    return CineMotion(kept, labeled_frame, region, drift)


def _wanted(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the chains and the single registrations that ``paths`` need."""
    unknown = [path for path in paths if path not in PATHS]
    if unknown or not paths:
        raise InputError(
            f"There is no path through a cine named {', '.join(unknown) or 'nothing'}: choose from {', '.join(PATHS)}."
        )
    chained = [path for path in ("forward", "backward") if path in paths or "tracked" in paths]
    return chained, [path for path in ("direct", "tracked") if path in paths]


def _shares(progress: Progress, weights: list[int]) -> Iterator[Progress]:
    """Parts of a progress as long as their weights, one after the other."""
    total, done = sum(weights), 0
    for weight in weights:
        yield progress.part(done / total, (done + weight) / total)
        done += weight


def _nearer(fields: dict[str, dict[int, Field]], start: int, count: int) -> dict[int, Field]:
    """By frame the field of the chain that came the shorter way."""
    return {
        frame: fields["forward" if (frame - start) % count <= count // 2 else "backward"][frame]
        for frame in range(count)
    }


def _registered(
    images: list[Volume],
    tissue: HeartTissue,
    start: int,
    targets: Sequence[int],
    starts: dict[int, Field],
    engine: MotionEngine,
    progress: Progress,
) -> dict[int, Field]:
    """Return the field from the labeled frame to each target by one registration, from ``starts`` where given."""
    found = {}
    for number, frame in enumerate(targets):
        share = progress.part(number / len(targets), (number + 1) / len(targets))
        found[frame] = (
            Field.zero(Grid.of(images[start]))
            if frame == start
            else engine.register(images[start], images[frame], tissue, share, starts.get(frame)).field
        )
    return found


def carry_labels(
    motion: CineMotion, frames: list[Volume], labels: Volume, frame: int, paths: Sequence[str] | None = None
) -> list[Candidate]:
    """Return what each path (default: all estimated) carries from the labeled frame to ``frame``, on the region's
    grid.
    """
    image, marked = motion.region.cut(frames[motion.labeled_frame]), motion.region.cut(labels)
    candidates = []
    for path in paths or motion.fields:
        pull = invert(motion.fields[path][frame])
        candidates.append(Candidate(path, warp_labels(marked, pull).array, warp_image(image, pull).array))
    return candidates


def propagate_through(
    motion: CineMotion,
    frames: list[Volume],
    labels: Volume,
    frame: int,
    method: str = "local-weighted",
    paths: Sequence[str] | None = None,
) -> Volume:
    """Fused labels of ``frame`` on the whole grid."""
    fused = fuse(carry_labels(motion, frames, labels, frame, paths), motion.region.cut(frames[frame]).array, method)
    return motion.region.put_back(fused, labels.with_array(np.zeros_like(labels.array)))


def _check(frames: list[Volume], labels: Volume, labeled_frame: int, order: str) -> HeartLabels:
    if len(frames) < 2:
        raise InputError(f"The cine has {len(frames)} frame: give two or more.")
    if not 0 <= labeled_frame < len(frames):
        raise InputError(
            f"There is no frame {labeled_frame + 1} to be the labeled one: the cine has frames 1 to {len(frames)}."
        )
    parts = check_inputs(frames[labeled_frame], labels, frames[labeled_frame], order)
    for number, frame in enumerate(frames, start=1):
        check_image(frame, f"frame {number} of the cine")
        check_same_grid(frame, f"frame {number} of the cine", labels, "label image")
    return parts


def _chain(
    images: list[Volume],
    labels: Volume,
    parts: HeartLabels,
    visited: list[int],
    engine: MotionEngine,
    progress: Progress,
) -> list[Field]:
    """Composed fields from the first of the visited frames to each of them; the labels travel along as tissue."""
    total = Field.zero(Grid.of(labels))
    fields, here = [total], labels.array
    for number, (frame, following) in enumerate(pairwise(visited)):
        share = progress.part(number / (len(visited) - 1), (number + 1) / (len(visited) - 1))
        step = engine.register(images[frame], images[following], HeartTissue(here, parts), share)
        total = compose(total, step.field)
        fields.append(total)
        here = warp_labels(labels, invert(total)).array
    return fields
