"""What is measured of a labeled heart: volumes, wall, features, and what speaks against each number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from CardiacBiomechLib.analysis import function, verdicts
from CardiacBiomechLib.analysis.long_axis import DEFINITION as LONG_AXIS_DEFINITION
from CardiacBiomechLib.analysis.long_axis import ViewMotion
from CardiacBiomechLib.analysis.normal import normal_ranges
from CardiacBiomechLib.analysis.segment_table import segment_rows, strain_summary
from CardiacBiomechLib.analysis.stiffness_section import stiffness_section
from CardiacBiomechLib.analysis.study_motion import StudyMotion, round_trip_mm
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.diagnosis.features.from_study import features_section
from CardiacBiomechLib.diagnosis.features.measure import motion_features, thickness_features, volume_features
from CardiacBiomechLib.mechanics.aha import HeartAxes
from CardiacBiomechLib.mechanics.sector_stiffness import SectorStiffness, sector_stiffness
from CardiacBiomechLib.mechanics.thickness import thickness_mm
from CardiacBiomechLib.mechanics.wall_motion import WallFrame, WallMotion
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import HeartLabels
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.model.study import Chamber, SegmentRow, Study, Verdict
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.motion.slice_alignment import MIN_SLICES, measure_slice_shifts
from CardiacBiomechLib.segmentation.learned import LearnedSegmenter
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.quality import assess


@dataclass(frozen=True, eq=False)
class Heart:
    """The labeled cine with its axes, motion (None when strain is not wanted), views, volumes, and both frames.

    ``drawn_by``: name of the segmenter that labeled the frames, empty where none did.
    """

    cine: Cine
    labels: tuple[Volume, ...]
    parts: HeartLabels
    how: str
    axes: HeartAxes
    motion: StudyMotion | None
    views: tuple[ViewMotion, ...]
    volumes: function.SliceVolumes
    ed: int
    es: int
    drawn_by: str = ""

    @property
    def ed_es_labels(self) -> tuple[Volume, Volume]:
        """Labels of end-diastole and end-systole."""
        return self.labels[self.ed], self.labels[self.es]

    @property
    def wall_ml(self) -> tuple[float, float]:
        """Volume of the wall at end-diastole and end-systole."""
        return float(self.volumes.wall_ml[self.ed]), float(self.volumes.wall_ml[self.es])

    @property
    def mass_g(self) -> float:
        """Mass of the left wall, of its volume at end-diastole."""
        return self.wall_ml[0] * function.DENSITY_G_ML


@dataclass(frozen=True, eq=False)
class Wall:
    """Thickness of the wall (end-diastole, end-systole; mm), its frames with strain, its segments and sectors."""

    thickness_mm: tuple[np.ndarray, np.ndarray]
    frames: tuple[WallFrame, ...]
    rows: tuple[SegmentRow, ...]
    sectors: SectorStiffness | None


def chambers(heart: Heart, muscle: np.ndarray | None) -> tuple[Chamber, Chamber | None]:
    """Return both ventricles; where slices lie far apart with the range that this leaves open."""
    volumes, axes, es = heart.volumes, heart.axes, heart.es
    lv, rv = _both_chambers(volumes, heart.ed, es, axes, muscle)
    if muscle is None and axes.slice_mm > verdicts.THICK_SLICE_MM:
        lv = _with_range(lv, volumes.lv, volumes.share, es)
        rv = None if rv is None or volumes.rv is None else _with_range(rv, volumes.rv, volumes.share, es)
    return lv, rv


def _both_chambers(
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


def measured_wall(heart: Heart) -> Wall:
    """Return thickness, strain and stiffness of the wall."""
    at_ed, at_es = heart.ed_es_labels
    parts, axes, motion = heart.parts, heart.axes, heart.motion
    thickness = (thickness_mm(at_ed, parts, axes), thickness_mm(at_es, parts, axes))
    frames: tuple[WallFrame, ...] = ()
    stiffness = sectors = None
    if motion is not None:
        measure = WallMotion(at_ed, parts, axes)
        extended = motion.region.extend
        frames = tuple(measure.frame(extended(motion.fields[frame])) for frame in range(len(heart.cine.frames)))
        moved = extended(motion.fields[heart.es])
        stiffness = measure.stiffness(moved)
        sectors = sector_stiffness(at_ed, parts, axes, moved)
    rows = segment_rows(axes, thickness, frames, heart.ed, heart.es, heart.cine.times_ms, stiffness)
    return Wall(thickness, frames, rows, sectors)


def study_of(
    heart: Heart,
    lv: Chamber,
    rv: Chamber | None,
    wall: Wall,
    options: StudyOptions,
    person: Person,
    engine: MotionEngine,
) -> Study:
    """Return what the exam says, with what speaks against each number."""
    cine, axes, base = heart.cine, heart.axes, heart.volumes.base
    indices = _indices(lv, rv, heart.mass_g, person)
    return Study(
        len(cine.frames),
        heart.ed + 1,
        heart.es + 1,
        lv,
        heart.mass_g,
        rv,
        indices,
        normal_ranges(lv, rv, heart.mass_g, indices, person),
        strain_summary(wall.frames, axes, wall.rows, heart.es, cine.times_ms, cine.whole_cycle),
        wall.rows,
        _long_axis(heart.views),
        tuple(_quality(heart, engine, lv, rv)),
        cine.times_ms,
        cine.source,
        cine.notes,
        {
            "labels": heart.how,
            "base": base,
            "base_convention": function.BASES[base],
            "papillary_muscles": "counted as blood when the labels do so, as in ACDC",
            "body_surface": person.body_surface,
            "septum": _septum_words(options, axes),
        },
        _points(axes),
        features_section(_features(heart, lv, rv, person, options.regions)),
        {} if wall.sectors is None else stiffness_section(wall.sectors),
    )


def _features(heart: Heart, lv: Chamber, rv: Chamber | None, person: Person, regions: str) -> dict:
    """Return the features a diagnosis is made of."""
    volumes_ml = None if rv is None else (rv.edv_ml, rv.esv_ml)
    found = volume_features((lv.edv_ml, lv.esv_ml), volumes_ml, heart.wall_ml, person.surface_m2)
    found |= thickness_features(heart.ed_es_labels, heart.parts, heart.axes, regions)
    if heart.motion is not None:
        moved = heart.motion.region.extend(heart.motion.fields[heart.es])
        found |= motion_features(heart.labels[heart.ed], heart.parts, heart.axes, moved, regions)
    return found


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


def _quality(heart: Heart, engine: MotionEngine, lv: Chamber, rv: Chamber | None) -> list[Verdict]:
    """Return what speaks against the numbers."""
    cine, labels, parts, axes, motion = heart.cine, heart.labels, heart.parts, heart.axes, heart.motion
    ed, es = heart.ed, heart.es
    last = labels[0].array.shape[0] - 1
    found = verdicts.stroke_verdict(lv, rv)
    found += verdicts.slice_verdicts(
        len(axes.slices), axes.slice_mm, axes.slices[0] in (0, last), axes.slices[-1] in (0, last)
    )
    if len(axes.slices) >= MIN_SLICES:
        shifts = measure_slice_shifts(labels[ed], parts)
        found += verdicts.shift_verdict(shifts.shifts_mm[shifts.measured])
    if heart.how == "carried":
        found.append(verdicts.carried_verdict(rv is not None))
    if heart.drawn_by == LearnedSegmenter.name:
        found.append(verdicts.drawn_wall_verdict())
    found += verdicts.range_verdict("left", lv)
    if rv is not None:
        found += verdicts.range_verdict("right", rv)
    if motion is not None:
        wall = motion.region.cut(labels[ed]).array == parts.myocardium
        quality = assess(motion.fields[es], wall)
        miss = round_trip_mm(motion, cine.frames, labels[ed], parts, es, engine)
        change = heart.wall_ml[1] / max(heart.wall_ml[0], 1e-6) - 1.0
        found += verdicts.motion_verdicts(quality.folded_percent, quality.tissue_j_sd or 0.0, miss, change)
        if heart.how != "carried":
            carried = motion.carried(labels[ed], es)
            esv = float((carried.array == parts.lv).sum()) * carried.voxel_mm3 / 1000.0
            found += verdicts.disagreement_verdict(lv.ef_percent, 100.0 * (1.0 - esv / max(lv.edv_ml, 1e-6)))
    for view in heart.views:
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


def _septum_words(options: StudyOptions, axes: HeartAxes) -> str:
    if options.insertions_ras_mm is not None:
        return "half way between the insertion points that were given"
    return "middle of the contact of right ventricle and wall" if axes.insertions_ras_mm else "usual lie"


def _points(axes: HeartAxes) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if axes.insertions_ras_mm is None:
        return None
    anterior, inferior = (tuple(float(value) for value in point) for point in axes.insertions_ras_mm)
    return anterior, inferior
