"""``thoraxai lung explain CT --at R,A,S --diameter MM --output DIR``: why the detector sees a nodule there."""

from __future__ import annotations

import argparse

from LungNoduleAILib.cases.requests import ExplainRequest
from ThoraxAILib.jobs.events import add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``explain``."""
    parser = commands.add_parser("explain", help="show what made the detector see a nodule (research use only)")
    ExplainRequest.add_arguments(parser)
    add_events_argument(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with reporting_errors(arguments.events) as events:
        from LungNoduleAILib.cases.explain_case import describe, explain_case

        request = ExplainRequest.from_arguments(arguments)
        notes: list[str] = []
        found = explain_case(request, Progress(events.progress, arguments.is_cancelled), notes.append)
        if not events.own_stdout:
            told = [*(f"note: {note}" for note in notes), *describe(found)]
            print("\n".join([*told, f"Map and picture lie in {request.output}."]))
        events.result(request.output)
    return 0
