"""Two folders of results, of one person at two dates, become comparison.json, comparison.csv and a page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.analysis.compare import Comparison, compare_studies
from CardiacBiomechLib.cases.study_files import RESULT
from CardiacBiomechLib.model.study import SCHEMA
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.options import Options, option
from ThoraxAILib.untrusted.plain_json import read_plain_json

COMPARISON, TABLE, PAGE = "comparison.json", "comparison.csv", "comparison.html"


@dataclass(frozen=True)
class CompareRequest(Options):
    """The results of two dates, the earlier one first, and where the comparison goes."""

    before: Path = option(help="results of the earlier date (folder of analyze)", positional=True, metavar="BEFORE")
    after: Path = option(help="results of the later date (folder of analyze)", positional=True, metavar="AFTER")
    output: Path = option(help="folder for the comparison", metavar="DIR")


def read_study_result(folder: Path) -> dict:
    """Return the content of cardiac.json in a folder; raises InputError for a folder without one that is readable."""
    try:
        found = read_plain_json(folder / RESULT)
    except (OSError, ValueError):
        raise InputError(f"The folder '{folder.name}' holds no result of a heart: analyze an exam first.") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise InputError(f"The folder '{folder.name}' holds a result of another version: analyze the exam again.")
    return found


def compare_case(request: CompareRequest) -> Comparison:
    """Compare two dates and write the three files; raises InputError and OutputError with one sentence."""
    from CardiacBiomechLib.report.comparison_page import write_comparison_page

    if request.before.resolve() == request.after.resolve():
        raise InputError(f"'{request.before.name}' was given as both dates: give the results of two dates.")
    before, after = read_study_result(request.before), read_study_result(request.after)
    names = request.before.resolve().name, request.after.resolve().name
    found = compare_studies(before, after)
    content = found.to_dict()
    with OutputFolder(request.output, (TABLE, PAGE, COMPARISON)) as folder:
        with (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
            _write_rows(found, SafeWriter(file))
        write_comparison_page(folder / PAGE, before, after, content, names)
        text = json.dumps(content, indent=2, allow_nan=False)
        (folder / COMPARISON).write_text(text + "\n", encoding="utf-8")
    return found


def _write_rows(found: Comparison, writer: SafeWriter) -> None:
    writer.writerow(["measure", "unit", "before", "after", "difference", "readers_differ_by", "verdict"])
    for change in (*found.changes, *found.segments):
        row = change.to_dict()
        bounds = row["readers_differ_by"]
        row["readers_differ_by"] = "" if bounds is None else f"{bounds[0]} to {bounds[1]}"
        writer.writerow(list(row.values()))
