"""``thoraxai lung analyze INPUT ... --output DIR``: one case or many; also the worker of the module's panel."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.cases.analyze_case import analyze_case
from LungNoduleAILib.cases.batch import Batch, gather_cases
from LungNoduleAILib.cases.cohort.persons import person_of, read_persons
from LungNoduleAILib.cases.cohort.tables import FAILED, LEFT_OUT, IndexRow, totals, write_tables
from LungNoduleAILib.cases.requests import AnalyzeRequest, CaseRequest
from LungNoduleAILib.cli.findings.from_store import add_store_options, study_of_store
from LungNoduleAILib.cli.findings.person import check_one_person
from LungNoduleAILib.cli.findings.summary import describe_findings, where_to_look
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.io import Case
from ThoraxAILib.jobs.events import Events, add_events_argument, reporting_errors
from ThoraxAILib.jobs.outputs.output_folder import output_error
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.serving.child_batch import BatchWatch
from ThoraxAILib.options.persons import check_known
from ThoraxAILib.options.shard import shard_suffix
from ThoraxAILib.scene import host

if TYPE_CHECKING:
    from LungNoduleAILib.analysis.engines import LungEngines

NEEDS_A_PERSON = 3  # exit status of a batch: results are there, and a verdict calls some into question


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``analyze``."""
    parser = commands.add_parser("analyze", help="find and measure nodules in CT images or folders of them")
    AnalyzeRequest.add_arguments(parser)
    add_store_options(parser)
    add_events_argument(parser)
    parser.set_defaults(run=_analyze)


def _analyze(arguments: argparse.Namespace) -> int:
    with reporting_errors(arguments.events) as events:
        from LungNoduleAILib.analysis.engines import choose_engines

        request = AnalyzeRequest.from_arguments(arguments)
        engines = choose_engines(request.options)  # what is wrong with them is said before any image is read
        with_scene = request.with_scene and _can_write_scenes()
        with study_of_store(replace(request, with_scene=with_scene), arguments, events) as here:
            return _analyze_inputs(here, engines, arguments, events)


def _analyze_inputs(
    request: AnalyzeRequest, engines: LungEngines, arguments: argparse.Namespace, events: Events
) -> int:
    if request.series is not None:
        path = request.inputs[0]
        cases = [Case(path.resolve().name, path, request.series)]
        failed: list[IndexRow] = []
    else:
        cases, failed = gather_cases(request.inputs)
    check_one_person(request.person, len(cases) + sum(row.status == FAILED for row in failed))
    requests = _requests(request, cases)
    if len(cases) == 1 and request.shard is None and all(row.status == LEFT_OUT for row in failed):
        if not events.own_stdout:
            print("".join(f"note: {row.message}\n" for row in failed), end="")
        return _analyze_one(replace(requests[0], output=request.output), engines, arguments, events)
    return _analyze_many(request, requests, failed, engines, arguments, events)


def _requests(request: AnalyzeRequest, cases: list[Case]) -> list[CaseRequest]:
    """Return what is asked of each case of the shard, with what is known about its person."""
    persons = {} if request.persons is None else read_persons(request.persons)
    if request.persons is not None:
        check_known(persons, [case.name for case in cases], request.persons.name)
    part, parts = request.shard_numbers()
    return [
        replace(
            request.for_case(case, request.output / case.name), person=person_of(case.name, persons, request.person)
        )
        for case in cases[part - 1 :: parts]
    ]


def _can_write_scenes() -> bool:
    if not host.is_available():
        print(
            "scene.mrb, segmentation.seg.nrrd and nodules.mrk.json are not written, because Slicer's libraries are "
            'missing: install them with pip install "thoraxai[scene]".',
            file=sys.stderr,
        )
        return False
    return True


def _analyze_one(request: CaseRequest, engines: LungEngines, arguments: argparse.Namespace, events: Events) -> int:
    outcome = analyze_case(request, Progress(events.progress, arguments.is_cancelled), engines)
    if not events.own_stdout:
        lines = [f"note: {note}" for note in outcome.notes]
        if outcome.resumed:
            lines.append("The same analysis was done before; its results are kept.")
        lines += describe_findings(request.case.name, outcome.findings)
        print("\n".join(lines + where_to_look(request.output, request.with_scene)))
    events.result(request.output)
    return 0


def _analyze_many(
    request: AnalyzeRequest,
    requests: list[CaseRequest],
    failed: list[IndexRow],
    engines: LungEngines,
    arguments: argparse.Namespace,
    events: Events,
) -> int:
    _make_folder(request.output)
    of_shard = shard_suffix(request.shard)
    without_case = failed if request.shard_numbers()[0] == 1 else []
    tell = _nothing if events.own_stdout else _print_row
    for row in without_case:
        tell(row)
    watch = BatchWatch(tell, events.progress, arguments.is_cancelled)
    batch = Batch(requests, request.jobs, watch, engines)
    try:
        batch.run()
    except Cancelled as error:
        raise Cancelled("Cancelled; the results of finished cases are kept and listed in index.csv.") from error
    finally:
        write_tables(request.output, [*without_case, *batch.rows], of_shard)
    return _end(request.output, [*without_case, *batch.rows], of_shard, events)


def _end(output: Path, rows: list[IndexRow], of_shard: str, events: Events) -> int:
    """Say how the cases ended; the exit status tells whether all have a result that no verdict calls into question."""
    bad = [row for row in rows if not row.is_good]
    failed = sum(row.status == FAILED for row in bad)
    if failed:
        raise InputError(f"{failed} of {len(rows)} cases failed: index{of_shard}.csv says why ({totals(rows)}).")
    if not events.own_stdout:
        print(f"{totals(rows)}." + (f" index{of_shard}.csv says why." if bad else ""))
    events.result(output)
    return NEEDS_A_PERSON if bad else 0


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error) from error


def _print_row(row: IndexRow) -> None:
    findings = f"{row.findings} finding{'s' * (row.findings != 1)}"
    print(
        f"{row.case}: {row.status}, "
        + (row.message if row.status in (FAILED, LEFT_OUT) else f"{findings}, {row.seconds} s")
        + ("" if row.is_good or row.status == FAILED else f", {row.message}"),
        flush=True,
    )


def _nothing(_row: IndexRow) -> None:
    """Say nothing: standard output belongs to the events."""
