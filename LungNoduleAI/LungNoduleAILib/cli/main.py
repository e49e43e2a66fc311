"""``thoraxai lung ...``: the commands of the lung module, mounted in the order of ``--help``."""

from __future__ import annotations

import argparse

from LungNoduleAILib.cli import (
    explain,
    follow_up,
    guideline,
    listing,
    patterns,
    phantom,
    practice,
    register,
    segment,
    triage,
)
from LungNoduleAILib.cli.findings import analyze, demo, read_results, review
from LungNoduleAILib.cli.learning import calibrate, dataset, evaluate, train

COMMANDS = (
    analyze,
    listing,
    phantom,
    practice,
    demo,
    evaluate,
    follow_up,
    register,
    guideline,
    patterns,
    explain,
    train,
    segment,
    review,
    read_results,
    dataset,
    calibrate,
    triage,
)


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``lung`` with all its commands."""
    lung = modules.add_parser("lung", help="lung nodules in chest CT")
    commands = lung.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_commands(commands)
