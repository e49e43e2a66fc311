"""``thoraxai lung register PRIOR CURRENT --output DIR``: align two chest CTs and list what changed."""

from __future__ import annotations

import argparse

from LungNoduleAILib.cases.requests import RegisterRequest
from ThoraxAILib.jobs.events import add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``register``."""
    parser = commands.add_parser("register", help="align two CTs of one person and show what changed in the lungs")
    RegisterRequest.add_arguments(parser)
    add_events_argument(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with reporting_errors(arguments.events) as events:
        from LungNoduleAILib.cases.two_dates.register_case import register_case

        request = RegisterRequest.from_arguments(arguments)
        told = register_case(request, Progress(events.progress, arguments.is_cancelled))
        if not events.own_stdout:
            print("\n".join([*told, f"Results lie in {request.output}."]))
        events.result(request.output)
    return 0
