"""``thoraxai cardiac analyze`` and ``thoraxai cardiac series``; heavy imports happen inside."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CardiacBiomechLib.cases.study_requests import AnalyzeStudyRequest
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.report.study_summary import summary
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.jobs.events import Events, add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.options.persons import PersonTable, check_known
from ThoraxAILib.options.shard import shard_numbers

if TYPE_CHECKING:
    from CardiacBiomechLib.cases.study_batch import StudyCase

NEEDS_A_PERSON = 3  # exit status of a batch: results are there, and a verdict calls some into question
DESCRIPTION = (
    "STUDY is the folder or archive of a whole exam: the short-axis cine is found in it, and long-axis views beside "
    "it. DIR receives cardiac.json, segments.csv, volumes.csv, labels.seq.nrrd, the field from end-diastole to every "
    "frame, contours.png, bulls_eyes.png, report.html and scene.mrb. Several studies, or a folder of ACDC patients, "
    "get a folder each, and index.csv and segments.csv of all of them."
)


def add_analyze(commands: argparse._SubParsersAction) -> None:
    """Mount ``cardiac analyze`` and ``cardiac series``."""
    parser = commands.add_parser("analyze", help="volumes, function and strain of a cine exam", description=DESCRIPTION)
    AnalyzeStudyRequest.add_arguments(parser)
    add_events_argument(parser)
    parser.set_defaults(run=_analyze)
    series = commands.add_parser("series", help="list the MR series of an exam and say which are read as the cine")
    series.add_argument("input", type=Path, metavar="PATH")
    series.set_defaults(run=_series)


def _analyze(arguments: argparse.Namespace) -> int:
    with reporting_errors(arguments.events) as events:
        from CardiacBiomechLib.cases.study_batch import gather_studies
        from ThoraxAILib.scene import host

        request = AnalyzeStudyRequest.from_arguments(arguments)
        if request.with_scene and not host.is_available():
            print(
                "scene.mrb is not written, because Slicer's libraries are missing: install them with "
                'pip install "thoraxai[scene]".',
                file=sys.stderr,
            )
            request = replace(request, with_scene=False)
        cases = gather_studies(request.inputs)
        persons = _persons(request, [case.name for case in cases])
        if len(cases) == 1 and request.shard is None:
            person = replace(request.person, **persons.get(cases[0].name, {}))
            alone = replace(request, inputs=(cases[0].path,), person=person, persons=None)
            return _one(alone, arguments, events)
        part, parts = shard_numbers(request.shard)
        return _many(request, cases[part - 1 :: parts], persons, arguments, events)


def _persons(request: AnalyzeStudyRequest, studies: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what the table of persons states of each study; raises InputError."""
    if request.persons is None:
        return {}
    persons = PersonTable(Person, key="study").read(request.persons)
    check_known(persons, studies, request.persons.name)
    return persons


def _one(request: AnalyzeStudyRequest, arguments: argparse.Namespace, events: Events) -> int:
    from CardiacBiomechLib.cases.study_case import analyze_study_case

    progress = Progress(events.progress, arguments.is_cancelled)
    outcome = analyze_study_case(request, request.inputs[0], request.output, progress)
    if not events.own_stdout:
        print("\n".join(summary(outcome.result)))
        print(f"{'kept from an earlier run' if outcome.resumed else 'written'}: {request.output}")
    events.result(request.output)
    return 0


def _many(
    request: AnalyzeStudyRequest,
    cases: Sequence[StudyCase],
    persons: Mapping[str, Mapping[str, Any]],
    arguments: argparse.Namespace,
    events: Events,
) -> int:
    from CardiacBiomechLib.cases.study_batch import StudyBatch
    from CardiacBiomechLib.cases.study_tables import write_tables
    from ThoraxAILib.jobs.outputs.output_folder import output_error
    from ThoraxAILib.jobs.serving.child_batch import BatchWatch

    try:
        request.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error) from error

    def tell(row: dict) -> None:
        if not events.own_stdout:
            said = row.get("message") or f"LV EF {row['lv_ef_percent']:.0f} %, {row['seconds']} s"
            print(f"{row['study']}: {row['status']}, {said}", flush=True)

    watch = BatchWatch(tell, events.progress, arguments.is_cancelled)
    batch = StudyBatch(request, cases, watch, persons)
    try:
        batch.run()
    except Cancelled as error:
        raise Cancelled("Cancelled; the results of finished studies are kept and listed in index.csv.") from error
    finally:
        write_tables(request.output, batch.rows, request.shard)
    return _end(request, batch.rows, events)


def _end(request: AnalyzeStudyRequest, rows: list[dict], events: Events) -> int:
    """Say how the studies ended; the exit status tells whether all have a result that no verdict contradicts."""
    from CardiacBiomechLib.cases.study_tables import DONE, FAILED, RESUMED, index_name, totals

    bad = [row for row in rows if row["status"] not in (DONE, RESUMED)]
    failed = sum(row["status"] == FAILED for row in bad)
    index = index_name(request.shard)
    if failed:
        raise InputError(f"{failed} of {len(rows)} studies failed: {index} says why ({totals(rows)}).")
    if not events.own_stdout:
        print(f"{totals(rows)}." + (f" {index} says why." if bad else ""))
    events.result(request.output)
    return NEEDS_A_PERSON if bad else 0


def _series(arguments: argparse.Namespace) -> int:
    from CardiacBiomechLib.cine.dicom_cine import list_runs, look_through
    from CardiacBiomechLib.cine.read_cine import exam_files, require_there
    from ThoraxAILib.io.opened import opened

    path = arguments.input
    require_there(path)
    with opened(path) as inside, exam_files(inside, path.name) as files:
        rows = list_runs(look_through(files, path.name, Progress()))
    print(f"{'series':>8} {'kind':14} {'slices':>6} {'phases':>6} {'images':>6} {'times in ms':>14} {'plane':12}")
    for row in rows:
        times = "-" if row.first_ms is None else f"{row.first_ms:.0f} to {row.last_ms:.0f}"
        number = "-" if row.series_number is None else str(row.series_number)
        read = "  read as the cine" if row.read else ""
        print(
            f"{number:>8} {row.kind:14} {row.positions:>6} {row.phases:>6} {row.images:>6} {times:>14} "
            f"{row.plane:12}{read}"
        )
    return 0
