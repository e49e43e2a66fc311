"""``thoraxai lung triage`` puts cases in reading order; ``triage-simulate`` tells what that does to waiting times."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from LungNoduleAILib.model.files import FINDINGS_FILE
from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.triage.priority import RULE, Priority, priority_of
from LungNoduleAILib.triage.requests import TriageRequest, TriageSimulateRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.untrusted.plain_json import read_plain_json

COLUMNS = ("case", "priority", "level", "reason", "rule_version")
SCHEMA = "thoraxai.triage-simulation/1"


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``triage`` and ``triage-simulate``."""
    listed = commands.add_parser("triage", help="put analyzed cases in reading order")
    TriageRequest.add_arguments(listed)
    listed.set_defaults(run=_triage)
    simulated = commands.add_parser(
        "triage-simulate", help="waiting times of a worklist with and without flagged cases"
    )
    TriageSimulateRequest.add_arguments(simulated)
    simulated.set_defaults(run=_simulate)


def _triage(arguments: argparse.Namespace) -> int:
    request = TriageRequest.from_arguments(arguments)
    cases = [case for folder in request.results for case in _cases(folder)]
    rows = sorted(((case.resolve().name, _priority(case)) for case in cases), key=lambda row: -row[1].value)
    if request.output.is_dir():
        raise InputError(f"'{request.output.name}' is a folder: name the table to write, e.g. worklist.csv.")
    with OutputFolder(request.output.parent, (request.output.name,)) as folder:
        with (folder / request.output.name).open("w", newline="", encoding="utf-8") as file:
            writer = SafeWriter(file)
            writer.writerow(COLUMNS)
            writer.writerows((name, f"{told.value:.3f}", told.level, told.reason, told.rule) for name, told in rows)
    for name, told in rows:
        print(f"{told.level:<6} {told.value:.2f}  {name}: {told.reason}")
    print(f"{len(rows)} cases by {RULE}, written to {request.output}. An order for reading, no diagnosis.")
    return 0


def _cases(folder: Path) -> list[Path]:
    if (folder / FINDINGS_FILE).is_file():
        return [folder]
    found = sorted(file.parent for file in folder.glob(f"*/{FINDINGS_FILE}"))
    if not found:
        raise InputError(f"'{folder.name}' holds no {FINDINGS_FILE}: give the output folder of thoraxai lung analyze.")
    return found


def _priority(case: Path) -> Priority:
    try:
        return priority_of(Findings.from_dict(read_plain_json(case / FINDINGS_FILE)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{FINDINGS_FILE} in '{case.name}' is damaged: analyze the case again.") from None


def _simulate(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.triage.queue import waits
    from LungNoduleAILib.triage.simulation import simulate

    request = TriageSimulateRequest.from_arguments(arguments)
    worklist = request.worklist
    told = {"formula": waits(worklist).to_dict()}
    if request.cases:
        told["simulation"] = {**simulate(worklist, request.cases, request.seed).to_dict(), "cases": request.cases}
    content = {
        "schema": SCHEMA,
        "options": {name: value for name, value in request.to_dict().items() if name != "output"},
        "flagged_share": round(worklist.flagged_share, 6),
        "minutes": told,
    }
    print(f"{'minutes until read':<34}" + "".join(f"{name:>12}" for name in told))
    for name, text in (
        ("without_ai", "every case, without AI"),
        ("flagged", "flagged"),
        ("not_flagged", "not flagged"),
        ("diseased", "diseased, all"),
        ("healthy", "healthy, all"),
    ):
        print(f"{text:<34}" + "".join(_minutes(numbers[name]) for numbers in told.values()))
    gained, lost = told["formula"]["flagged_change"], told["formula"]["not_flagged_change"]
    if gained is not None:
        print(f"A flagged case is read {-gained:.1f} minutes sooner.")
    if lost is not None:
        print(f"A diseased case that was not flagged waits {lost:.1f} minutes longer than without AI.")
    if request.output is not None:
        with OutputFolder(request.output.parent, (request.output.name,)) as folder:
            text = json.dumps(content, indent=2, allow_nan=False)
            (folder / request.output.name).write_text(text + "\n", encoding="utf-8")
        print(f"Written to {request.output}.")
    return 0


def _minutes(value: float | None) -> str:
    return f"{'-':>12}" if value is None else f"{value:>12.3f}"
