"""``thoraxai lung demo``: what ``make demo`` runs."""

from __future__ import annotations

import argparse

from LungNoduleAILib.cases.requests import DemoRequest
from ThoraxAILib.jobs.progress import Progress


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``demo``."""
    demo = commands.add_parser("demo", help="analyze a CT, or a synthetic one beside its truth")
    DemoRequest.add_arguments(demo)
    demo.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.cli.findings.demo_run import run_demo

    request = DemoRequest.from_arguments(arguments)
    print("\n".join(run_demo(request.ct, request.output, Progress(is_cancelled=arguments.is_cancelled))))
    return 0
