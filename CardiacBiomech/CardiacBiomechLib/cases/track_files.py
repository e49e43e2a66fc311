"""The files of a tracked cine: labels, fields, volume curve, picture of contours, and track.json as the last one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CardiacBiomechLib.analysis.track import Track, TrackOptions
from CardiacBiomechLib.cine.label_sequence import write_label_sequence
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.motion.engines import EngineOptions
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.report.contour_sheet import contour_sheet
from ThoraxAILib import __version__
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.io.transform_files import write_field, write_labels
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import CONVENTION
from ThoraxAILib.report import encoded

SCHEMA = "thoraxai.cardiac-track/1"
REPORT, CURVE, SEQUENCE, PICTURE = "track.json", "volumes.csv", "labels.seq.nrrd", "contours.png"
MAX_FRAMES = 200  # of an older run in the same folder
RESEARCH_USE = "Research use only, not a medical device."


def owned_names(count: int) -> list[str]:
    """Every file a run may write, the report last."""
    frames = [
        frame_name(number, kind) for number in range(1, max(count, MAX_FRAMES) + 1) for kind in ("labels", "field")
    ]
    return [*frames, SEQUENCE, CURVE, PICTURE, REPORT]


def frame_name(number: int, kind: str) -> str:
    """File of frame ``number`` (from 1): its labels or the field to it."""
    return f"frame{number:02d}_{kind}.nii.gz"


def write_images(track: Track, cine: Cine, folder: Path, progress: Progress) -> None:
    """Labels per frame and as a sequence, fields, volume curve and picture; the report is written by the caller."""
    for number, frame in enumerate(track.frames, start=1):
        progress((number - 1) / len(track.frames), "Writing the frames")
        write_labels(frame.labels, folder / frame_name(number, "labels"))
        write_field(frame.field, folder / frame_name(number, "field"))
    write_label_sequence([frame.labels for frame in track.frames], folder / SEQUENCE)
    _write_curve(track, cine.times_ms, folder / CURVE)
    (folder / PICTURE).write_bytes(encoded(contour_sheet(track, cine)))


def track_settings(
    options: TrackOptions, choice: EngineOptions, engine: ChosenEngine[MotionEngine], seconds: float
) -> dict:
    """How a cine was tracked, as track.json tells it; ``engine`` is what ``choice`` chose and what ran."""
    return {
        **choice.reported(engine),
        "options": {**options.to_dict(), **choice.recorded()},
        "seconds": round(seconds, 1),
    }


def write_track_report(track: Track, cine: Cine, settings: dict, folder: Path) -> dict:
    """Write track.json, the last file of a run, and return its content; ``settings`` are those of track_settings."""
    report = {**as_json(track, cine), **settings}
    (folder / REPORT).write_text(json.dumps(report, indent=2, allow_nan=False), encoding="utf-8")
    return report


def as_json(track: Track, cine: Cine) -> dict:
    """Return report without the run's own settings: labels, volumes, ejection, quality of each field, scores, notes."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "research_use": RESEARCH_USE,
        "frames": len(track.frames),
        "labeled_frame": track.labeled_frame + 1,
        "frames_counted_from": 1,
        "labels": track.parts.parts(),
        "fusion": track.options.fusion,
        "paths": list(track.options.paths),
        "field_path": track.options.field_path,
        "field_convention": f"{CONVENTION}; the labeled frame is the fixed one",
        "fields_relate_to": "the cine's own slices" if track.shifts is None else "slices moved by slice_shifts_mm",
        "slice_shifts_mm": None if track.shifts is None else np.round(track.shifts.shifts_mm, 3).tolist(),
        "times_ms": None if cine.times_ms is None else [round(time, 1) for time in cine.times_ms],
        "ejection": {
            part: {name: round(value, 2) for name, value in track.ejection(part).items()}
            for part in track.parts.parts()
            if part != "MYO"
        },
        "cycle_drift_mm": _rounded(track.drift_mean_mm),
        "per_frame": [_frame_json(track, index) for index in range(len(track.frames))],
        "scores_against_second_labels": _rounded_scores(track),
        "notes": list(cine.notes),
    }


def _frame_json(track: Track, index: int) -> dict:
    frame = track.frames[index]
    return {
        "frame": index + 1,
        "volumes_ml": {part: round(value, 2) for part, value in frame.volumes_ml.items()},
        "volumes_from_motion_ml": {part: round(value, 2) for part, value in frame.motion_volumes_ml.items()},
        "path_spread_mm": _rounded(frame.path_spread_mm),
        "quality": {name: round(value, 4) for name, value in frame.quality.as_json().items()},
    }


def _rounded_scores(track: Track) -> dict | None:
    if track.scores is None:
        return None
    return {name: {part: round(value, 4) for part, value in row.items()} for name, row in track.scores.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _write_curve(track: Track, times_ms: Sequence[float] | None, path: Path) -> None:
    """One row per frame: volumes of the labels, and of the cavities by motion."""
    parts = list(track.parts.parts())
    cavities = [part for part in parts if part != "MYO"]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = SafeWriter(file)
        rows.writerow(
            ["frame", "time_ms", *(f"{part}_ml" for part in parts), *(f"{part}_from_motion_ml" for part in cavities)]
        )
        for index, frame in enumerate(track.frames):
            time = "" if times_ms is None else f"{times_ms[index]:.1f}"
            rows.writerow(
                [
                    index + 1,
                    time,
                    *(f"{frame.volumes_ml[part]:.2f}" for part in parts),
                    *(f"{frame.motion_volumes_ml[part]:.2f}" for part in cavities),
                ]
            )
