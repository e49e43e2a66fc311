"""A cine exam becomes function, strain and segments with verdicts: the method section in its order.

Label every frame (given, segmented, or carried by the motion), take end-diastole and end-systole, find the heart's
axes, follow the wall out of end-diastole, handle the base, measure volumes, mass, thickness and strain, and say what
speaks against each number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from CardiacBiomechLib.analysis import function
from CardiacBiomechLib.analysis.long_axis import ViewMotion, at_shares, measure_views
from CardiacBiomechLib.analysis.measures import Heart, chambers, measured_wall, study_of
from CardiacBiomechLib.analysis.seen_labels import as_seen, reading_of
from CardiacBiomechLib.analysis.study_motion import StudyMotion, estimate
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cine.long_axis import LongAxisView
from CardiacBiomechLib.mechanics.aha import HeartAxes, heart_axes
from CardiacBiomechLib.mechanics.wall_motion import WallFrame
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC, HeartLabels, heart_labels, keep_parts
from CardiacBiomechLib.model.label_fit import better_frame, check_labels_on_image
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.model.study import Study
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.segmentation.protocol import HeartSegmenter
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages
from ThoraxAILib.registration.inputs import check_same_grid

AT_R_WAVE = 0.92  # of the largest cavity: the first frame of a gated cine is taken, frames differ by a slice or two
NEAR_LARGEST = 0.97  # of the largest cavity: the labeled frame is taken as end-diastole


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """Labels a person made: of one frame (index), or of every frame."""

    labels: tuple[Volume, ...]
    frame: int = 0


@dataclass(frozen=True, eq=False)
class StudyResult:
    """The study with what its pictures are made of."""

    study: Study
    cine: Cine
    labels: tuple[Volume, ...]
    parts: HeartLabels
    axes: HeartAxes
    motion: StudyMotion | None
    wall: tuple[WallFrame, ...]
    views: tuple[ViewMotion, ...]
    volumes: function.SliceVolumes
    thickness: tuple[np.ndarray, np.ndarray] = field(repr=False, default=(np.zeros(0), np.zeros(0)))


def analyze_study(
    cine: Cine,
    options: StudyOptions | None = None,
    person: Person | None = None,
    engine: MotionEngine | None = None,
    segmenter: HeartSegmenter | None = None,
    given: GivenLabels | None = None,
    views: Sequence[LongAxisView] = (),
    progress: Progress | None = None,
    stages: Stages | None = None,
) -> StudyResult:
    """Analyze a cine whose frames are labeled by ``given``, else by ``segmenter``; raises InputError, Cancelled."""
    from CardiacBiomechLib.motion.engines import choose_motion_engine

    options, person = options or StudyOptions(), person or Person()
    progress, stages = progress or Progress(), stages or Stages()
    engine = engine or choose_motion_engine("instance", "study").made
    cine.check()
    with stages.stage("label the frames"):
        labels, parts, how, motion = _labeled(cine, options, given, segmenter, engine, progress.part(0.0, 0.3))
    ed, es = _ed_es(cine, labels, parts, options, given if how == "carried" else None)
    axes = _axes(labels[ed], parts, options)
    wanted = options.strain and len(cine.frames) > 1
    if wanted and (motion is None or motion.start != ed):
        with stages.stage("follow the wall"):
            share = progress.part(0.3, 0.8)
            motion = estimate(cine.frames, labels[ed], parts, ed, engine, cine.whole_cycle, share)
    with stages.stage("long-axis views"):
        shown = views if options.long_axis else ()
        found = measure_views(shown, labels[ed], parts, axes, ed / len(cine.frames), engine, progress.part(0.8, 0.88))
    with stages.stage("measure"):
        progress(0.9, "Measuring")
        volumes, muscle = _volumes(cine, labels, parts, axes, found, how)
        if options.es_frame is None:
            es = int(volumes.lv_ml.argmin()) if len(cine.frames) > 1 else ed
        drawn_by = segmenter.name if segmenter is not None and how == "segmented" else ""
        moved = motion if wanted else None
        heart = Heart(cine, labels, parts, how, axes, moved, tuple(found), volumes, ed, es, drawn_by)
        lv, rv = chambers(heart, muscle)
        wall = measured_wall(heart)
        study = study_of(heart, lv, rv, wall, options, person, engine)
    progress(1.0, "Analyzed")
    return StudyResult(
        study, cine, labels, parts, axes, heart.motion, wall.frames, heart.views, volumes, wall.thickness_mm
    )


def _axes(labels: Volume, parts: HeartLabels, options: StudyOptions) -> HeartAxes:
    """Return the heart's axes at end-diastole, with what a person said about the septum."""
    axes = heart_axes(labels, parts)
    if options.insertions_ras_mm is not None:
        axes = axes.with_insertions(*options.insertions_ras_mm)
    return axes.turned(options.septum_degrees)


def _labeled(
    cine: Cine,
    options: StudyOptions,
    given: GivenLabels | None,
    segmenter: HeartSegmenter | None,
    engine: MotionEngine,
    progress: Progress,
) -> tuple[tuple[Volume, ...], HeartLabels, str, StudyMotion | None]:
    """Labels of every frame, what they mean, how they came about, and the motion that carried them."""
    if given is None:
        if segmenter is None:
            raise InputError(
                "No heart segmenter can run here and no labels were given: give the labels of one frame with "
                "--label FILE --frame N."
            )
        found = tuple(segmenter.segment(cine.frames, progress))
        values = {int(v) for frame in found for v in np.unique(frame.array)}
        return found, ACDC if ACDC.rv in values else replace(ACDC, rv=None), "segmented", None
    for labels in given.labels:
        check_same_grid(cine.frames[0], "cine", labels, "label image")
    first = given.labels[0] if len(given.labels) == 1 else given.labels[given.frame]
    parts = heart_labels(first, options.order)
    frame = given.frame
    kept = tuple(keep_parts(labels, parts) for labels in given.labels)
    if len(kept) == len(cine.frames):
        check_labels_on_image(cine.frames[frame], kept[frame], parts)
        return kept, parts, "given", None
    other = better_frame(cine.frames, kept[0], parts, frame)
    if other is not None:
        raise InputError(
            f"The labels do not belong to frame {frame + 1}, they fit frame {other + 1} clearly better: give the "
            "number of the frame they were drawn on."
        )
    check_labels_on_image(cine.frames[frame], kept[0], parts)
    motion = estimate(cine.frames, kept[0], parts, frame, engine, cine.whole_cycle, progress)
    reading = reading_of(cine.frames[frame], kept[0], parts)
    every = tuple(
        kept[0] if number == frame else as_seen(image, motion.carried(kept[0], number), parts, reading)
        for number, image in enumerate(cine.frames)
    )
    return every, parts, "carried", motion


def _ed_es(
    cine: Cine, labels: Sequence[Volume], parts: HeartLabels, options: StudyOptions, given: GivenLabels | None
) -> tuple[int, int]:
    """Index of end-diastole and end-systole: the largest and the smallest cavity, unless they were named."""
    curve = np.array([(frame.array == parts.lv).sum() for frame in labels], dtype=float)
    ed = int(curve.argmax()) if options.ed_frame is None else cine.index(options.ed_frame)
    if options.ed_frame is None and given is not None and curve[given.frame] >= NEAR_LARGEST * curve.max():
        ed = given.frame
    elif options.ed_frame is None and curve[0] >= AT_R_WAVE * curve.max():
        ed = 0  # at the R wave, where a gated cine begins
    es = int(curve.argmin()) if options.es_frame is None else cine.index(options.es_frame)
    if ed == es and len(labels) > 1:
        raise InputError(f"Frame {ed + 1} cannot be both end-diastole and end-systole: name two frames.")
    return ed, es


def _volumes(
    cine: Cine,
    labels: Sequence[Volume],
    parts: HeartLabels,
    axes: HeartAxes,
    views: Sequence[ViewMotion],
    how: str,
) -> tuple[function.SliceVolumes, np.ndarray | None]:
    whole = np.ones((len(labels), labels[0].array.shape[0]))
    if how != "carried":
        return function.slice_volumes(labels, parts, whole, "labels"), None
    if views:
        down = np.mean([at_shares(view.mitral_mm, len(labels)) for view in views], axis=0)
        return function.slice_volumes(labels, parts, function.share_below_plane(labels, axes, down), "long-axis"), None
    counts, muscle = function.share_with_muscle(cine.frames, labels, parts, axes)
    return function.slice_volumes(labels, parts, counts, "muscle"), muscle
