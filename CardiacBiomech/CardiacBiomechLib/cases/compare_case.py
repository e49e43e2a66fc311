"""Two folders of results, of one person at two dates, become comparison.json and comparison.csv."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.analysis.compare import Comparison, compare_studies
from CardiacBiomechLib.cases.study_files import RESULT
from CardiacBiomechLib.model.study import SCHEMA
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.output_folder import output_error
from ThoraxAILib.options import Options, option

COMPARISON, TABLE = "comparison.json", "comparison.csv"


@dataclass(frozen=True)
class CompareRequest(Options):
    """The results of two dates, the earlier one first, and where the comparison goes."""

    before: Path = option(help="results of the earlier date (folder of analyze)", positional=True, metavar="BEFORE")
    after: Path = option(help="results of the later date (folder of analyze)", positional=True, metavar="AFTER")
    output: Path = option(help="folder for the comparison", metavar="DIR")


def read_study_result(folder: Path) -> dict:
    """Return the content of cardiac.json in a folder; raises InputError for a folder without one that is readable."""
    try:
        found = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"The folder '{folder.name}' holds no result of a heart: analyze an exam first.") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise InputError(f"The folder '{folder.name}' holds a result of another version: analyze the exam again.")
    return found


def compare_case(request: CompareRequest) -> Comparison:
    """Compare two dates and write both files; raises InputError and OutputError with one sentence."""
    found = compare_studies(read_study_result(request.before), read_study_result(request.after))
    try:
        request.output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found.to_dict(), indent=2, allow_nan=False)
        (request.output / COMPARISON).write_text(text + "\n", encoding="utf-8")
        with (request.output / TABLE).open("w", newline="", encoding="utf-8") as file:
            _write_rows(found, SafeWriter(file))
    except OSError as error:
        raise output_error(error) from error
    return found


def _write_rows(found: Comparison, writer: SafeWriter) -> None:
    writer.writerow(["measure", "unit", "before", "after", "difference", "readers_differ_by", "verdict"])
    for change in (*found.changes, *found.segments):
        row = change.to_dict()
        bounds = row["readers_differ_by"]
        row["readers_differ_by"] = "" if bounds is None else f"{bounds[0]} to {bounds[1]}"
        writer.writerow(list(row.values()))
