"""One labeled frame of a cine becomes labels, fields and volumes of every frame, with a report on each field.

In the order of the method: put slices in line (if asked), estimate the motion along the paths the fusion needs,
carry and fuse the labels, measure volumes and the quality of the fields, score where a second frame is labeled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import LABEL_CHOICE, HeartLabels, heart_labels, keep_parts, label_mapping
from CardiacBiomechLib.model.label_fit import better_frame, check_labels_on_image
from CardiacBiomechLib.motion.cine_motion import PATHS, CineMotion, carry_labels, estimate_motion
from CardiacBiomechLib.motion.fusion import METHODS, Candidate, fuse
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.motion.slice_alignment import SliceShifts, measure_slice_shifts
from CardiacBiomechLib.motion.volumes import dice, volume_ml
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.field import Field, invert
from ThoraxAILib.registration.inputs import check_same_grid
from ThoraxAILib.registration.quality import FieldQuality, assess, jacobian

FUSIONS = (*METHODS, *PATHS)


@dataclass(frozen=True)
class TrackOptions(Options):
    """How to carry labels through a cine; ``fusion`` is a vote over all paths or the name of a single path."""

    fusion: str = option(
        "local-weighted",
        "vote over all paths: local-weighted, majority, staple; or one path: direct (four times faster), forward, "
        "backward, tracked",
        label="label fusion",
        choices=FUSIONS,
        metavar="NAME",
    )
    align_slices: bool = option(False, "put slices shifted between breath-holds in line before registering")
    order: str = option(
        "auto",
        "which value is which part; values are kept as they are",
        flag="--labels",
        label="label order",
        metavar=LABEL_CHOICE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        label_mapping(self.order)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths through the cine that the fusion needs."""
        return (self.fusion,) if self.fusion in PATHS else PATHS

    @property
    def field_path(self) -> str:
        """The path whose fields are reported: with a vote the one that registers directly from the better chain."""
        return self.fusion if self.fusion in PATHS else "tracked"


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """One frame: its labels on the cine's grid, the motion to it from the labeled frame (fixed), and measures.

    Volumes are mL by part, from the labels and, for cavities, by integrating J of the motion over the labeled frame.
    ``path_spread_mm`` is how far apart the paths put the wall (mean over it of their root mean square distance from
    their mean), None with a single path: a hint at the error where no truth is known.
    """

    labels: Volume
    field: Field
    quality: FieldQuality
    volumes_ml: dict[str, float]
    motion_volumes_ml: dict[str, float]
    path_spread_mm: float | None


@dataclass(frozen=True, eq=False)
class Track:
    """Every frame of a cine; ``shifts`` (if slices were aligned) say how fields relate to the cine's own slices."""

    frames: tuple[TrackedFrame, ...]
    labeled_frame: int
    parts: HeartLabels
    options: TrackOptions
    drift_mean_mm: float | None
    shifts: SliceShifts | None
    scores: dict[str, dict[str, float]] | None

    def curve(self, part: str) -> np.ndarray:
        """Volume (n,) in mL of a part from the labels of every frame."""
        return np.array([frame.volumes_ml[part] for frame in self.frames])

    def ejection(self, part: str) -> dict[str, float | int]:
        """Largest and smallest volume (mL) of a cavity, their frames (from 1) and the ejected fraction in percent."""
        curve = self.curve(part)
        high, low = int(curve.argmax()), int(curve.argmin())
        motion = [self.frames[frame].motion_volumes_ml[part] for frame in (high, low)]
        return {
            "edv_ml": float(curve[high]),
            "esv_ml": float(curve[low]),
            "ed_frame": high + 1,
            "es_frame": low + 1,
            "ef_percent": _fraction(curve[high], curve[low]),
            "ef_from_motion_percent": _fraction(*motion),
        }


@dataclass(frozen=True, eq=False)
class SecondLabels:
    """True labels of another frame (index), against which the result is scored."""

    labels: Volume
    frame: int


def track(
    cine: Cine,
    labels: Volume,
    labeled_frame: int,
    options: TrackOptions | None = None,
    engine: MotionEngine | None = None,
    second: SecondLabels | None = None,
    progress: Progress | None = None,
) -> Track:
    """Carry ``labels`` of frame ``labeled_frame`` (an index) through the whole cine. Raises InputError, Cancelled."""
    options, progress = options or TrackOptions(), progress or Progress()
    cine.check()
    check_same_grid(cine.frames[0], "cine", labels, "label image")
    parts = heart_labels(labels, options.order)
    labels = keep_parts(labels, parts)
    progress(0.0, "Checking the labels")
    _check_cycle(cine, labels, parts, labeled_frame, options)
    check_labels_on_image(cine.frames[labeled_frame], labels, parts)
    if second is not None:
        check_same_grid(cine.frames[0], "cine", second.labels, "second label image")
        cine.index(second.frame + 1)
    shifts = measure_slice_shifts(labels, parts) if options.align_slices else None
    frames, marked = _in_line(cine, labels, shifts)
    motion = estimate_motion(
        frames,
        marked,
        labeled_frame,
        engine or InstanceEngine(),
        options.order,
        paths=options.paths,
        progress=progress.part(0.0, 0.9),
    )
    tracked, scores = [], None
    for frame in range(len(frames)):
        progress(0.9 + 0.1 * frame / len(frames), "Carrying the labels")
        candidates = carry_labels(motion, frames, marked, frame)
        fused = _fused(motion, candidates, frames[frame], labels, options, shifts)
        tracked.append(_measured(motion, marked, frame, fused, parts, options))
        if second is not None and frame == second.frame:
            scores = _scores(motion, candidates, fused, second.labels, parts, shifts)
    progress(1.0, "Cine tracked")
    return Track(tuple(tracked), labeled_frame, parts, options, motion.drift_mean_mm, shifts, scores)


def _check_cycle(cine: Cine, labels: Volume, parts: HeartLabels, labeled_frame: int, options: TrackOptions) -> None:
    """Raise InputError for chains through frames that close no cycle, and for labels of another frame."""
    if not cine.whole_cycle and options.fusion != "direct":
        raise InputError(
            f"The {len(cine.frames)} frames do not cover one whole heart cycle, which {options.fusion} needs: "
            "use --fusion direct."
        )
    other = better_frame(cine.frames, labels, parts, labeled_frame)
    if other is not None:
        raise InputError(
            f"The labels do not belong to frame {labeled_frame + 1}, they fit frame {other + 1} clearly better: "
            "give the number of the frame they were drawn on."
        )


def _in_line(cine: Cine, labels: Volume, shifts: SliceShifts | None) -> tuple[list[Volume], Volume]:
    """Frames and labels with their slices in line."""
    if shifts is None:
        return list(cine.frames), labels
    return [shifts.undo(frame) for frame in cine.frames], shifts.undo(labels, 0)


def _fused(
    motion: CineMotion,
    candidates: list[Candidate],
    image: Volume,
    outside: Volume,
    options: TrackOptions,
    shifts: SliceShifts | None,
) -> Volume:
    """Return the labels of one frame on the cine's own slices."""
    if len(candidates) == 1:
        inside = candidates[0].labels
    else:
        inside = fuse(candidates, motion.region.cut(image).array, options.fusion)
    return _on_own_slices(motion.region.put_back(inside, outside.with_array(np.zeros_like(outside.array))), shifts)


def _on_own_slices(labels: Volume, shifts: SliceShifts | None) -> Volume:
    return labels if shifts is None else shifts.redo(labels, 0)


def _measured(
    motion: CineMotion, marked: Volume, frame: int, fused: Volume, parts: HeartLabels, options: TrackOptions
) -> TrackedFrame:
    field = motion.fields[options.field_path][frame]
    inside = motion.region.cut(marked)
    wall, J = inside.array == parts.myocardium, jacobian(field)
    cavities = {name: value for name, value in parts.parts().items() if name != "MYO"}
    quality = replace(assess(field, wall, backward=invert(field)), temporal_drift_mean_mm=motion.drift_mean_mm)
    by_motion = {
        name: volume_ml(inside, value) * float(J[inside.array == value].mean()) for name, value in cavities.items()
    }
    return TrackedFrame(
        fused,
        motion.region.extend(field),
        quality,
        {name: volume_ml(fused, value) for name, value in parts.parts().items()},
        by_motion,
        _path_spread_mm([fields[frame] for fields in motion.fields.values()], wall),
    )


def _path_spread_mm(fields: Sequence[Field], wall: np.ndarray) -> float | None:
    if len(fields) < 2:
        return None
    places = np.stack([field.displacement_ras_mm[wall] for field in fields])
    distance = np.linalg.norm(places - places.mean(0), axis=-1)
    return float(np.sqrt((distance**2).mean(0)).mean())


def _scores(
    motion: CineMotion,
    candidates: list[Candidate],
    fused: Volume,
    truth: Volume,
    parts: HeartLabels,
    shifts: SliceShifts | None,
) -> dict[str, dict[str, float]]:
    """Dice by part of the result and of every path against true labels of the same frame."""
    empty = truth.with_array(np.zeros_like(truth.array))
    rows = {
        candidate.name: _on_own_slices(motion.region.put_back(candidate.labels, empty), shifts)
        for candidate in candidates
    }
    return {
        name: {part: dice(labels.array, truth.array, value) for part, value in parts.parts().items()}
        for name, labels in {"result": fused, **rows}.items()
    }


def _fraction(end_diastole: float, end_systole: float) -> float:
    return 100.0 * float(end_diastole - end_systole) / float(end_diastole) if end_diastole > 0 else 0.0
