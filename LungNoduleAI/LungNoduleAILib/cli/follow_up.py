"""``thoraxai lung follow-up PRIOR CURRENT [MORE...] --output DIR``: the same nodules in two or more CTs."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.cli.findings.summary import RESEARCH_USE, table
from LungNoduleAILib.model.growth import percent_words
from LungNoduleAILib.model.links import read_links
from LungNoduleAILib.model.pairs import FollowUp, Pair
from ThoraxAILib.jobs.events import add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.scene import host


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``follow-up``."""
    parser = commands.add_parser(
        "follow-up", help="compare two or more CTs of one person: the same nodules, growth, what changed"
    )
    FollowUpRequest.add_arguments(parser)
    parser.add_argument(
        "--links", type=Path, metavar="CSV", help="the reader's links: prior_id, current_id, decision (link or unlink)"
    )
    add_events_argument(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with reporting_errors(arguments.events) as events:
        from LungNoduleAILib.cases.two_dates.follow_up_case import follow_up_case

        request = _request(arguments)
        found = follow_up_case(request, Progress(events.progress, arguments.is_cancelled))
        if not events.own_stdout:
            report = f"Open {request.output / 'report.html'} in a browser."
            print("\n".join([*_notes(request.output), *describe(found), report, RESEARCH_USE]))
        events.result(request.output)
    return 0


def _request(arguments: argparse.Namespace) -> FollowUpRequest:
    """Return what was asked, with the links of the file and only files that can be written here."""
    request = FollowUpRequest.from_arguments(arguments)
    if arguments.links is not None:
        decisions = (*request.options.decisions, *read_links(arguments.links))
        request = replace(request, options=replace(request.options, decisions=decisions))
    return replace(request, with_scene=request.with_scene and _can_write_scenes())


def _can_write_scenes() -> bool:
    if not host.is_available():
        print(
            "scene.mrb is not written, because Slicer's libraries are missing: install them with pip install "
            '"thoraxai[scene]".',
            file=sys.stderr,
        )
        return False
    return True


def _notes(folder: Path) -> list[str]:
    """Return what was chosen and repaired while the scans were read, as the run record has it."""
    run = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    return [f"note: {text}" for text in run["warnings"]]


def describe(found: FollowUp) -> list[str]:
    """Return what a person reads in the terminal: warnings, and one line per pair of the last two dates."""
    last = found.intervals[-1]
    days = "unknown time" if last.days is None else f"{last.days} days"
    count = len(last.pairs)
    lines = [f"{len(found.scans)} scans, {days} between the last two: {count} pair{'s' * (count != 1)}"]
    lines += [f"  warning: {text}" for text in last.warnings]
    lines += table(
        [_row(pair) for pair in last.pairs],
        ("prior", "current", "status", "probability", "volume", "doubling time", "growth"),
    )
    lines += [f"  note: {text}" for pair in last.pairs for text in pair.notes]
    gone = len(last.differences)
    if last.registration is not None:
        lines.append(f"  difference map: {gone} significant place{'s' * (gone != 1)}")
    return lines


def _row(pair: Pair) -> tuple[str, ...]:
    growth = pair.growth
    change = "-" if growth is None else percent_words(growth.volume_change_percent)
    doubling = (growth.doubling_words if growth is not None else "") or "-"
    return (
        pair.prior_id or "-",
        pair.current_id or "-",
        pair.status,
        f"{pair.match_probability:.2f}",
        change,
        doubling,
        "-" if growth is None else growth.growth,
    )
