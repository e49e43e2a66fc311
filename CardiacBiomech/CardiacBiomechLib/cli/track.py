"""``thoraxai cardiac track``: the labels of one frame carried through a whole cine; heavy imports happen inside."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from CardiacBiomechLib.cli.engine_choice import (
    add_engine_choice,
    chosen_engine,
    engine_report,
    preset_line,
    progress_on_terminal,
)
from ThoraxAILib.errors import InputError

DESCRIPTION = (
    "CINE is a 4-D NIfTI, MetaImage or NRRD file, a Slicer sequence (.seq.nrrd), or a folder of DICOM slices. It must "
    "cover one whole heart cycle, except for --fusion direct. Frames are counted from 1. DIR receives the labels of "
    "every frame (frameNN_labels.nii.gz, and all as labels.seq.nrrd for Slicer), the field from the labeled frame to "
    "every frame (frameNN_field.nii.gz, in Slicer: Add Data, description Transform), volumes.csv, contours.png and "
    "track.json with the quality of every field."
)


def add_track(commands: argparse._SubParsersAction) -> None:
    """Mount ``cardiac track``."""
    parser = commands.add_parser(
        "track", help="carry the labels of one frame through a whole cine", description=DESCRIPTION
    )
    parser.add_argument("cine", type=Path, metavar="CINE")
    parser.add_argument("label", type=Path, metavar="LABEL", help="labels of one frame; a 4-D file: its frame N")
    parser.add_argument("--frame", type=int, default=1, metavar="N", help="which frame LABEL belongs to (1)")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--fusion",
        default="local-weighted",
        metavar="NAME",
        help="vote over all paths: local-weighted, majority, staple; or one path: direct (four times "
        "faster), forward, backward, tracked (local-weighted)",
    )
    parser.add_argument(
        "--align-slices", action="store_true", help="put slices shifted between breath-holds in line before registering"
    )
    parser.add_argument("--score-label", type=Path, metavar="LABEL", help="true labels of another frame, to score with")
    parser.add_argument("--score-frame", type=int, metavar="N", help="which frame --score-label belongs to")
    parser.add_argument(
        "--labels",
        default="auto",
        metavar="auto|acdc|ukbb",
        help="which value is which part; values are kept as they are",
    )
    add_engine_choice(parser)
    parser.set_defaults(run=_track)


def _track(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.analysis.track import TrackOptions, track
    from CardiacBiomechLib.cases.track_files import REPORT, as_json, owned_names, write_images
    from CardiacBiomechLib.cine.read_cine import read_cine
    from ThoraxAILib.jobs.output_folder import OutputFolder

    options = TrackOptions(arguments.fusion, arguments.align_slices, arguments.labels)
    engine = chosen_engine(arguments)
    if (arguments.score_label is None) != (arguments.score_frame is None):
        raise InputError("--score-label and --score-frame belong together: give both or neither.")
    progress, started = progress_on_terminal(arguments), time.perf_counter()
    cine = read_cine(arguments.cine, progress.part(0.0, 0.05))
    labels = _labels(arguments.label, cine.index(arguments.frame), len(cine.frames))
    with OutputFolder(arguments.output, owned_names(len(cine.frames))) as folder:
        found = track(
            cine,
            labels,
            cine.index(arguments.frame),
            options,
            engine.made,
            _second(arguments, cine),
            progress.part(0.05, 0.95),
        )
        write_images(found, cine, folder, progress.part(0.95, 1.0))
        report = {
            **as_json(found, cine),
            **engine_report(engine, arguments),
            "seconds": round(time.perf_counter() - started, 1),
        }
        (folder / REPORT).write_text(json.dumps(report, indent=2, allow_nan=False), encoding="utf-8")
    _print(report, arguments)
    return 0


def _labels(path: Path, frame: int, count: int):
    """The labels of one frame: the file, or that frame of a file with one label image per frame of the cine."""
    from CardiacBiomechLib.cine.read_cine import read_frames

    if not path.is_file():
        raise InputError(f"The label file '{path.name}' does not exist: check the path.")
    images = read_frames(path)
    if len(images) not in (1, count):
        raise InputError(
            f"'{path.name}' holds {len(images)} frames, the cine {count}: give the labels of one frame or "
            "of every frame."
        )
    return images[0] if len(images) == 1 else images[frame]


def _second(arguments: argparse.Namespace, cine):
    from CardiacBiomechLib.analysis.track import SecondLabels

    if arguments.score_label is None:
        return None
    frame = cine.index(arguments.score_frame)
    return SecondLabels(_labels(arguments.score_label, frame, len(cine.frames)), frame)


def _print(report: dict, arguments: argparse.Namespace) -> None:
    print(preset_line(arguments))
    print(f"{report['frames']} frames tracked in {report['seconds']:.0f} s, written to {arguments.output}")
    for note in report["notes"]:
        print(note)
    for part, ejection in report["ejection"].items():
        print(
            f"{part}: {ejection['edv_ml']:.0f} mL (frame {ejection['ed_frame']}) to {ejection['esv_ml']:.0f} mL "
            f"(frame {ejection['es_frame']}), EF {ejection['ef_percent']:.1f} % from labels, "
            f"{ejection['ef_from_motion_percent']:.1f} % from motion"
        )
    folded = max(frame["quality"]["folded_percent"] for frame in report["per_frame"])
    drift = report["cycle_drift_mm"]
    closes = "" if drift is None else f"; the cycle closes within {drift:.2f} mm"
    print(f"most folded frame: {folded:.3f} % of voxels{closes}")
    for name, row in (report["scores_against_second_labels"] or {}).items():
        print(f"Dice {name:9s} " + "  ".join(f"{part} {value:.3f}" for part, value in row.items()))
