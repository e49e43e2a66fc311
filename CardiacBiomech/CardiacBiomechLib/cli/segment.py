"""``thoraxai cardiac segment``: cavities and wall of the frames of a cine; heavy imports happen inside."""

from __future__ import annotations

import argparse

from CardiacBiomechLib.cases.requests import SegmentRequest
from CardiacBiomechLib.cli.engine_choice import progress_on_terminal
from CardiacBiomechLib.cli.report_file import check_report, write_report

DESCRIPTION = (
    "IMAGE is a frame or a cine: a NIfTI, MetaImage or NRRD file (3-D or 4-D), a Slicer sequence (.seq.nrrd), or a "
    "folder of DICOM slices. LABELS receives 1 for the right cavity, 2 for the wall and 3 for the cavity of the left "
    "ventricle: a label image of one frame, or of a whole cine a 4-D NIfTI file or a Slicer sequence (.seq.nrrd). No "
    "person has seen the result: look at it before you use its numbers."
)


def add_segment(commands: argparse._SubParsersAction) -> None:
    """Mount ``cardiac segment``."""
    parser = commands.add_parser(
        "segment", help="find cavities and wall in frames that nobody labeled", description=DESCRIPTION
    )
    SegmentRequest.add_arguments(parser)
    parser.set_defaults(run=_segment)


def _segment(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.segment_files import (
        as_json,
        check_output,
        chosen_frames,
        volumes_of,
        write_segmentation,
    )
    from CardiacBiomechLib.cine.read_cine import read_cine

    request = SegmentRequest.from_arguments(arguments)
    check_output(request.output)
    check_report(request.report)
    progress = progress_on_terminal(arguments)
    engine = request.segmenter.choose()
    cine = read_cine(request.image, progress.part(0.0, 0.05))
    frames, numbers = chosen_frames(cine, request.frame)
    check_output(request.output, len(frames))
    labels = engine.made.segment(frames, progress.part(0.05, 0.98))
    write_segmentation(labels, request.output)
    write_report(request.report, as_json(labels, numbers, request.segmenter, engine))
    print(f"segmenter {engine.name}: {len(labels)} frame{'s' if len(labels) > 1 else ''} written to {request.output}")
    for note in filter(None, (cine.source, *cine.notes)):
        print(f"note: {note}")
    for name, row in volumes_of(labels).items():
        span = f"{row[0]:.0f} mL" if len(row) == 1 else f"{min(row):.0f} to {max(row):.0f} mL"
        print(f"{name}: {span}")
    return 0
