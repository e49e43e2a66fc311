"""``thoraxai cardiac practice``: a cine without its truth, and once the reading is locked truth, software and score."""

from __future__ import annotations

import argparse

from CardiacBiomechLib.cases.practice.requests import PracticeRequest
from ThoraxAILib.jobs.events import add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress

RESEARCH_USE = "Research use only, not a medical device."
DESCRIPTION = (
    "Without a reading: writes cine.seq.nrrd, which opens in Slicer, and nothing that gives its truth away. With "
    "--ed-frame, --es-frame, --ef-percent and --diagnosis: scores the reading and writes score.json with the truth and "
    "why; with --analyze also what the software reads and why."
)


def add_practice(commands: argparse._SubParsersAction) -> None:
    """Mount ``cardiac practice``."""
    parser = commands.add_parser(
        "practice", help="practise: a cine of a hidden heart; with your reading the truth and the score",
        description=DESCRIPTION,
    )  # fmt: skip
    PracticeRequest.add_arguments(parser)
    add_events_argument(parser)
    parser.set_defaults(run=_practice)


def _practice(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cases.practice.practice_case import score_case, write_case

    with reporting_errors(arguments.events) as events:
        request = PracticeRequest.from_arguments(arguments)
        progress = Progress(events.progress, arguments.is_cancelled)
        reading = request.reading
        if reading is None:
            name = write_case(request, progress)
            told = [f"Case {name.seed}, {name.difficulty}, lies in {request.output}: read it, then lock your reading."]
        else:
            told = [*score_case(request, reading, progress), RESEARCH_USE]
        if not events.own_stdout:
            print("\n".join(told))
        events.result(request.output)
    return 0
