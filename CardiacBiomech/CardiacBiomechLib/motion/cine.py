"""Labels of one frame carried through a whole cine: directly, step by step both ways round the cycle, and fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from CardiacBiomechLib.motion.engines import Engine, InstanceEngine
from CardiacBiomechLib.motion.fusion import Candidate, fuse
from CardiacBiomechLib.motion.heart_labels import HeartLabels, HeartTissue
from CardiacBiomechLib.motion.propagate import check_inputs
from CardiacBiomechLib.motion.region import Region
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field, compose, invert, warp_image, warp_labels
from ThoraxAILib.registration.grid import Grid
from ThoraxAILib.registration.inputs import check_image, check_same_grid
from ThoraxAILib.registration.quality import temporal_drift_mm
from ThoraxAILib.volume import Volume

PATHS = ("direct", "forward", "backward", "tracked")


@dataclass(frozen=True, eq=False)
class CineMotion:
    """Fields from the labeled frame (fixed) to other frames, by path and frame, on the grid of ``region``.

    ``direct`` registers each frame with the labeled one; ``forward`` and ``backward`` chain neighboring frames in
    either direction round the cycle; ``tracked`` registers directly, starting from the better chain. The drift is how
    far labeled tissue is from where it began after one whole cycle of the forward chain.
    """

    fields: dict[str, dict[int, Field]]
    labeled_frame: int
    region: Region
    drift_mean_mm: float


def estimate_motion(frames: list[Volume], labels: Volume, labeled_frame: int, engine: Engine | None = None,
                    order: str = "auto", targets: Sequence[int] | None = None,
                    progress: Progress | None = None) -> CineMotion:
    """All paths through a cine of which one frame is labeled to the ``targets`` (default: every frame).

    Costs two registrations per frame and two per target. Raises InputError, Cancelled.
    """
    engine, progress = engine or InstanceEngine(), progress or Progress()
    parts = _check(frames, labels, labeled_frame, order)
    region = Region.around(labels)
    images = [region.cut(frame) for frame in frames]
    marked, count, start = region.cut(labels), len(frames), labeled_frame
    chains = [_chain(images, marked, parts, [(start + sign * n) % count for n in range(count + 1)], engine, share)
              for sign, share in ((1, progress.part(0.0, 0.25)), (-1, progress.part(0.25, 0.5)))]
    targets = list(range(count) if targets is None else targets)
    fields: dict[str, dict[int, Field]] = {
        "direct": {}, "tracked": {},
        "forward": {frame: chains[0][(frame - start) % count] for frame in targets},
        "backward": {frame: chains[1][(start - frame) % count] for frame in targets}}
    tissue = HeartTissue(marked.array, parts)
    for number, frame in enumerate(targets):
        share = progress.part(0.5 + 0.5 * number / len(targets), 0.5 + 0.5 * (number + 1) / len(targets))
        nearer = "forward" if (frame - start) % count <= count // 2 else "backward"
        for path, first, half in (("direct", None, share.part(0.0, 0.5)),
                                  ("tracked", fields[nearer][frame], share.part(0.5, 1.0))):
            fields[path][frame] = Field.zero(region.grid) if frame == start else \
                engine.register(images[start], images[frame], tissue, half, first).field
    drift = temporal_drift_mm([chains[0][-1]])
    return CineMotion(fields, start, region, float(drift[marked.array > 0].mean()))


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


def _chain(images: list[Volume], labels: Volume, parts: HeartLabels, visited: list[int], engine: Engine,
           progress: Progress) -> list[Field]:
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
