"""``thoraxai lung follow-up PRIOR CURRENT [MORE...] --output DIR``: the same nodules in two or more CTs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from LungNoduleAILib.cli.summary import RESEARCH_USE, table
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.pairs import FollowUp, Pair
from ThoraxAILib.jobs.events import telling_errors
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.scene import host

DEFAULTS = AnalysisOptions()


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``follow-up``."""
    parser = commands.add_parser(
        "follow-up", help="compare two or more CTs of one person: the same nodules, growth, what changed"
    )
    add = parser.add_argument
    add(
        "inputs",
        type=Path,
        nargs="+",
        metavar="SCAN",
        help="CTs of one person, the oldest first: DICOM folder, NRRD, NIfTI or MetaImage file",
    )
    add("--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--days", type=int, metavar="N", help="days between two scans whose study dates are missing")
    add("--links", type=Path, metavar="CSV", help="the reader's links: prior_id, current_id, decision (link or unlink)")
    add("--no-registration", action="store_true", help="match by the network alone; no difference map")
    add("--no-network", action="store_true", help="match by registration and position alone")
    add("--detector", default=DEFAULTS.detector, metavar="NAME", help="see thoraxai lung detectors")
    add("--anatomy", default=DEFAULTS.anatomy, metavar="NAME", help="what finds the lungs (default auto)")
    add("--threshold", type=float, metavar="X", help="least confidence of a finding (default: the detector's)")
    add("--device", default=DEFAULTS.device, metavar="|".join(DEVICES), help="where learned models run")
    add("--scene", choices=("auto", "none"), default="auto", help="none: no Slicer scene")
    add("--events", metavar="FILE|-", help="progress as JSON lines, to a file or standard output")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with telling_errors(arguments.events) as events:
        from LungNoduleAILib.cases.follow_up_case import follow_case
        from LungNoduleAILib.cases.requests import FollowUpRequest

        request = FollowUpRequest(
            tuple(arguments.inputs), arguments.output, _options(arguments), _with_scene(arguments.scene)
        )
        found = follow_case(request, Progress(events.progress, arguments.is_cancelled))
        if not events.own_stdout:
            print("\n".join([*describe(found), f"Open {arguments.output / 'report.html'} in a browser.", RESEARCH_USE]))
        events.result(arguments.output)
    return 0


def _options(arguments: argparse.Namespace) -> FollowUpOptions:
    from LungNoduleAILib.model.links import read_links

    analysis = AnalysisOptions(
        detector=arguments.detector, threshold=arguments.threshold, device=arguments.device, anatomy=arguments.anatomy
    )
    decisions = () if arguments.links is None else read_links(arguments.links)
    return FollowUpOptions(
        analysis, not arguments.no_registration, not arguments.no_network, days=arguments.days, decisions=decisions
    )


def _with_scene(choice: str) -> bool:
    if choice == "auto" and not host.isAvailable():
        print(
            "scene.mrb is not written, because Slicer's libraries are missing: install them with pip install "
            '"thoraxai[scene]".',
            file=sys.stderr,
        )
        return False
    return choice == "auto"


def describe(found: FollowUp) -> list[str]:
    """What a person reads in the terminal: warnings, and one line per pair of the last two dates."""
    last = found.intervals[-1]
    days = "unknown time" if last.days is None else f"{last.days} days"
    count = len(last.pairs)
    lines = [f"{len(found.scans)} scans, {days} between the last two: {count} pair{'s' * (count != 1)}"]
    lines += [f"  warning: {text}" for text in last.warnings]
    lines += table(
        [_row(pair) for pair in last.pairs],
        ("prior", "current", "status", "probability", "volume", "doubling time", "growth"),
    )
    gone = len(last.differences)
    if last.registration is not None:
        lines.append(f"  difference map: {gone} significant place{'s' * (gone != 1)}")
    return lines


def _row(pair: Pair) -> tuple[str, ...]:
    growth = pair.growth
    change = "-" if growth is None else f"{growth.volume_change_percent:+.0f} %"
    doubling = "-" if growth is None or growth.vdt_days is None else f"{growth.vdt_days:.0f} d"
    return (
        pair.prior_id or "-",
        pair.current_id or "-",
        pair.status,
        f"{pair.match_probability:.2f}",
        change,
        doubling,
        "-" if growth is None else growth.growth,
    )
