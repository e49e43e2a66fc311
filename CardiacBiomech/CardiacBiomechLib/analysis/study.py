"""A cine exam becomes function, strain and segments with verdicts: the method section in its order.

Label every frame (given, segmented, or carried by the motion), take end-diastole and end-systole, find the heart's
axes, follow the wall out of end-diastole, handle the base, measure volumes, mass, thickness and strain, and say what
speaks against each number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from CardiacBiomechLib.analysis import function, verdicts
from CardiacBiomechLib.analysis.long_axis import DEFINITION as LONG_AXIS_DEFINITION
from CardiacBiomechLib.analysis.long_axis import ViewMotion, at_shares, measure_views
from CardiacBiomechLib.analysis.normal import normal_ranges
from CardiacBiomechLib.analysis.seen_labels import as_seen, reading_of
from CardiacBiomechLib.analysis.segment_table import segment_rows, strain_summary
from CardiacBiomechLib.analysis.study_motion import StudyMotion, estimate, round_trip_mm
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cine.long_axis import LongAxisView
from CardiacBiomechLib.diagnosis.features.from_study import features_section
from CardiacBiomechLib.diagnosis.features.measure import motion_features, thickness_features, volume_features
from CardiacBiomechLib.mechanics.aha import HeartAxes, heart_axes
from CardiacBiomechLib.mechanics.thickness import thickness_mm
from CardiacBiomechLib.mechanics.wall_motion import WallFrame, WallMotion
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC, HeartLabels, heart_labels, keep_parts
from CardiacBiomechLib.model.label_fit import better_frame, check_labels_on_image
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.model.study import Chamber, Study, Verdict
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.motion.slice_alignment import MIN_SLICES, measure_slice_shifts
from CardiacBiomechLib.segmentation.protocol import HeartSegmenter
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages
from ThoraxAILib.registration.inputs import check_same_grid
from ThoraxAILib.registration.quality import assess

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
    axes = heart_axes(labels[ed], parts)
    if options.insertions_ras_mm is not None:
        axes = axes.with_insertions(*options.insertions_ras_mm)
    axes = axes.turned(options.septum_degrees)
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
        lv, rv = _chambers(volumes, ed, es, axes, muscle)
        if muscle is None and axes.slice_mm > verdicts.THICK_SLICE_MM:
            lv = _with_range(lv, volumes.lv, volumes.share, es)
            rv = None if rv is None or volumes.rv is None else _with_range(rv, volumes.rv, volumes.share, es)
        thickness = (thickness_mm(labels[ed], parts, axes), thickness_mm(labels[es], parts, axes))
        wall: tuple[WallFrame, ...] = ()
        stiffness = None
        if wanted and motion is not None:
            measure = WallMotion(labels[ed], parts, axes)
            wall = tuple(measure.frame(motion.region.extend(motion.fields[f])) for f in range(len(cine.frames)))
            stiffness = measure.stiffness(motion.region.extend(motion.fields[es]))
        mass = float(volumes.wall_ml[ed]) * function.DENSITY_G_ML
        rows = segment_rows(axes, thickness, wall, ed, es, cine.times_ms, stiffness)
        quality = _quality(
            cine, labels, parts, axes, volumes, motion if wanted else None, engine, (ed, es), how, lv, rv, found
        )
        indices = _indices(lv, rv, mass, person)
        walls = float(volumes.wall_ml[ed]), float(volumes.wall_ml[es])
        features = volume_features(
            (lv.edv_ml, lv.esv_ml), None if rv is None else (rv.edv_ml, rv.esv_ml), walls, person.surface_m2
        ) | thickness_features((labels[ed], labels[es]), parts, axes)
        if wanted and motion is not None:
            features |= motion_features(labels[ed], parts, axes, motion.region.extend(motion.fields[es]))
    study = Study(
        len(cine.frames),
        ed + 1,
        es + 1,
        lv,
        mass,
        rv,
        indices,
        normal_ranges(lv, rv, mass, indices, person),
        strain_summary(wall, axes, rows, es, cine.times_ms, cine.whole_cycle),
        rows,
        _long_axis(found),
        tuple(quality),
        cine.times_ms,
        cine.source,
        cine.notes,
        {
            "labels": how,
            "base": volumes.base,
            "base_convention": function.BASES[volumes.base],
            "papillary_muscles": "counted as blood when the labels do so, as in ACDC",
            "body_surface": person.body_surface,
            "septum": _septum_words(options, axes),
        },
        _points(axes),
        features_section(features),
    )
    progress(1.0, "Analyzed")
    return StudyResult(
        study, cine, labels, parts, axes, motion if wanted else None, wall, tuple(found), volumes, thickness
    )


def _septum_words(options: StudyOptions, axes: HeartAxes) -> str:
    if options.insertions_ras_mm is not None:
        return "half way between the insertion points that were given"
    return "middle of the contact of right ventricle and wall" if axes.insertions_ras_mm else "usual lie"


def _points(axes: HeartAxes) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if axes.insertions_ras_mm is None:
        return None
    anterior, inferior = (tuple(float(value) for value in point) for point in axes.insertions_ras_mm)
    return anterior, inferior


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


def _chambers(
    volumes: function.SliceVolumes, ed: int, es: int, axes: HeartAxes, muscle: np.ndarray | None
) -> tuple[Chamber, Chamber | None]:
    """Return both ventricles; where only muscle decides about the base, with the range it leaves open."""

    def chamber(by_slice: np.ndarray) -> Chamber:
        curve = (by_slice * volumes.share).sum(1)
        low_high = None
        if muscle is not None:
            top = axes.slices[0]
            rest = curve[es] - by_slice[es, top] * volumes.share[es, top]
            ends = sorted(100.0 * (1.0 - esv / curve[ed]) for esv in (rest, rest + by_slice[es, top]))
            low_high = (float(ends[0]), float(ends[1]))
        return Chamber(float(curve[ed]), float(curve[es]), tuple(float(v) for v in curve), low_high)

    return chamber(volumes.lv), None if volumes.rv is None else chamber(volumes.rv)


def _with_range(chamber: Chamber, by_slice: np.ndarray, share: np.ndarray, es: int) -> Chamber:
    """Return a chamber with the range of its ejection fraction when half of the outermost slice at end-systole is in
    doubt, as it is when slices lie far apart.
    """
    counted = (by_slice * share)[es]
    shown = np.nonzero(counted)[0]
    if not len(shown):
        return chamber
    doubt = 0.5 * float(max(counted[shown[0]], counted[shown[-1]]))
    ends = [100.0 * (1.0 - (chamber.esv_ml + sign * doubt) / chamber.edv_ml) for sign in (1.0, -1.0)]
    return replace(chamber, ef_range_percent=(ends[0], ends[1]))


def _indices(lv: Chamber, rv: Chamber | None, mass_g: float, person: Person) -> dict[str, float]:
    surface = person.surface_m2
    if surface is None:
        return {}
    found = {
        "surface_m2": surface,
        "lv_edv_index_ml_m2": lv.edv_ml / surface,
        "lv_esv_index_ml_m2": lv.esv_ml / surface,
        "lv_mass_index_g_m2": mass_g / surface,
    }
    if rv is not None:
        found |= {"rv_edv_index_ml_m2": rv.edv_ml / surface, "rv_esv_index_ml_m2": rv.esv_ml / surface}
    return found


def _quality(
    cine: Cine,
    labels: Sequence[Volume],
    parts: HeartLabels,
    axes: HeartAxes,
    volumes: function.SliceVolumes,
    motion: StudyMotion | None,
    engine: MotionEngine,
    frames: tuple[int, int],
    how: str,
    lv: Chamber,
    rv: Chamber | None,
    views: Sequence[ViewMotion],
) -> list[Verdict]:
    ed, es = frames
    last = labels[0].array.shape[0] - 1
    found = verdicts.stroke_verdict(lv, rv)
    found += verdicts.slice_verdicts(
        len(axes.slices), axes.slice_mm, axes.slices[0] in (0, last), axes.slices[-1] in (0, last)
    )
    if len(axes.slices) >= MIN_SLICES:
        shifts = measure_slice_shifts(labels[ed], parts)
        found += verdicts.shift_verdict(shifts.shifts_mm[shifts.measured])
    if how == "carried":
        found.append(verdicts.carried_verdict(rv is not None))
    found += verdicts.range_verdict("left", lv)
    if rv is not None:
        found += verdicts.range_verdict("right", rv)
    if motion is not None:
        wall = motion.region.cut(labels[ed]).array == parts.myocardium
        quality = assess(motion.fields[es], wall)
        miss = round_trip_mm(motion, cine.frames, labels[ed], parts, es, engine)
        change = float(volumes.wall_ml[es] / max(volumes.wall_ml[ed], 1e-6)) - 1.0
        found += verdicts.motion_verdicts(quality.folded_percent, quality.tissue_j_sd or 0.0, miss, change)
        if how != "carried":
            carried = motion.carried(labels[ed], es)
            esv = float((carried.array == parts.lv).sum()) * carried.voxel_mm3 / 1000.0
            found += verdicts.disagreement_verdict(lv.ef_percent, 100.0 * (1.0 - esv / max(lv.edv_ml, 1e-6)))
    for view in views:
        found += verdicts.foreshortening_verdict(
            view.series_number, view.beside_apex_mm, view.apical_slices_missed, axes.slice_mm
        )
    if not cine.whole_cycle:
        found.append(
            Verdict("part-of-cycle", "note", "The frames do not cover one whole heart cycle: curves do not close.", ())
        )
    return found


def _long_axis(views: Sequence[ViewMotion]) -> dict | None:
    if not views:
        return None
    peaks = [float(view.strain.min()) for view in views]
    mitral = [float(view.mitral_mm[view.strain.argmin()]) for view in views]
    right = [float(view.tricuspid_mm[view.strain.argmin()]) for view in views if view.tricuspid_mm is not None]
    return {
        "definition": LONG_AXIS_DEFINITION,
        "global_longitudinal_strain": round(float(np.mean(peaks)), 3),
        "mitral_excursion_mm": round(float(np.mean(mitral)), 1),
        "tricuspid_excursion_mm": round(float(np.max(right)), 1) if right else None,
        "views": [
            {
                "series": view.series_number,
                "slices": view.slices,
                "peak_strain": round(peak, 3),
                "strain": [round(float(value), 4) for value in view.strain],
                "mitral_mm": [round(float(value), 2) for value in view.mitral_mm],
                "beside_apex_mm": round(view.beside_apex_mm, 1),
                "apical_slices_missed": view.apical_slices_missed,
            }
            for view, peak in zip(views, peaks, strict=True)
        ],
    }
