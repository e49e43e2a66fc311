"""``thoraxai lung practice``: a CT without its truth, and once the marks are locked the truth and the score."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from LungNoduleAILib.cases.requests import PracticeRequest
from LungNoduleAILib.cli.findings.summary import RESEARCH_USE
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.events import add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.untrusted.plain_json import read_plain_json

MARK_COLUMNS = ("r_mm", "a_mm", "s_mm", "diameter_mm")
MAX_MARKS = 200


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``practice``."""
    parser = commands.add_parser(
        "practice",
        help="practise: a CT with hidden nodules; with --marks the truth and the score",
        description="Without --marks: writes ct.nrrd, and nothing that gives the nodules away. With --marks: scores "
        "the marks (CSV with r_mm, a_mm, s_mm and, where measured, diameter_mm) and writes score.json with the truth "
        "and three look-alikes.",
    )
    PracticeRequest.add_arguments(parser)
    add_events_argument(parser)
    parser.set_defaults(run=_practice)


def _practice(arguments: argparse.Namespace) -> int:
    with reporting_errors(arguments.events) as events:
        request = PracticeRequest.from_arguments(arguments)
        told = _written_or_scored(request, Progress(events.progress, arguments.is_cancelled))
        if not events.own_stdout:
            print("\n".join(told))
        events.result(request.output)
    return 0


def _written_or_scored(request: PracticeRequest, progress: Progress) -> list[str]:
    from LungNoduleAILib.cases.practice_case import score_case, write_case

    if request.marks is None:
        write_case(request, progress)
        return [f"The CT lies in {request.output}: mark every nodule, then score with --marks CSV."]
    marks = read_marks(request.marks)
    return [*score_case(request, marks, _ai_marks(request.ai), progress), RESEARCH_USE]


def read_marks(path: Path) -> list[tuple[float, ...]]:
    """Return rows of place and diameter (NaN where it was not measured); raises InputError."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The marks cannot be read ({type(error).__name__}): give a CSV file.") from error
    if len(rows) > MAX_MARKS:
        raise InputError(f"The marks are {len(rows)}, at most {MAX_MARKS} can be scored: leave some out.")
    try:
        return [tuple(float(row.get(name) or "nan") for name in MARK_COLUMNS) for row in rows]
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The marks need numbers in the columns {', '.join(MARK_COLUMNS)}: correct the file."
        ) from error


def _ai_marks(path: Path | None) -> list[tuple[float, ...]] | None:
    if path is None:
        return None
    try:
        findings = read_plain_json(path)["findings"]
        return [(*one["center_ras_mm"], one["mean_diameter_mm"]) for one in findings if one["status"] != "rejected"]
    except (OSError, json.JSONDecodeError, ValueError, KeyError, TypeError) as error:
        raise InputError("The software's findings cannot be read: give its findings.json.") from error
