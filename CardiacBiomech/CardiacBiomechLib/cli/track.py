"""``thoraxai cardiac track``: the labels of one frame carried through a whole cine; heavy imports happen inside."""

from __future__ import annotations

import argparse
import time

from CardiacBiomechLib.cases.requests import TrackRequest
from CardiacBiomechLib.cli.engine_choice import preset_line, progress_on_terminal

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
    TrackRequest.add_arguments(parser)
    parser.set_defaults(run=_track)


def _track(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.analysis.track import track
    from CardiacBiomechLib.cases.track_files import owned_names, track_settings, write_images, write_track_report
    from CardiacBiomechLib.cine.read_cine import read_cine, read_frame_labels
    from ThoraxAILib.jobs.outputs.output_folder import OutputFolder

    request = TrackRequest.from_arguments(arguments)
    engine = request.engine.choose()
    progress, started = progress_on_terminal(arguments), time.perf_counter()
    cine = read_cine(request.cine, progress.part(0.0, 0.05))
    frame = cine.index(request.frame)
    labels = read_frame_labels(request.label, frame, len(cine.frames))
    with OutputFolder(request.output, owned_names(len(cine.frames))) as folder:
        second = _second(request, cine)
        found = track(cine, labels, frame, request.options, engine.made, second, progress.part(0.05, 0.95))
        write_images(found, cine, folder, progress.part(0.95, 1.0))
        seconds = time.perf_counter() - started
        settings = track_settings(request.options, request.engine, engine, seconds)
        report = write_track_report(found, cine, settings, folder)
    _print(report, request)
    return 0


def _second(request: TrackRequest, cine):
    from CardiacBiomechLib.analysis.track import SecondLabels
    from CardiacBiomechLib.cine.read_cine import read_frame_labels

    if request.score_label is None:
        return None
    frame = cine.index(request.score_frame)
    return SecondLabels(read_frame_labels(request.score_label, frame, len(cine.frames)), frame)


def _print(report: dict, request: TrackRequest) -> None:
    print(preset_line(request.engine, report["engine"]))
    print(f"{report['frames']} frames tracked in {report['seconds']:.0f} s, written to {request.output}")
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
