"""``thoraxai lung ...``: the lung analysis on the command line, also the worker of the module's panel."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.cases.analyze_case import analyze_case
from LungNoduleAILib.cases.batch import FAILED, Batch, IndexRow, gather_cases, write_index
from LungNoduleAILib.cases.requests import CaseRequest
from LungNoduleAILib.cli import dataset as dataset_command
from LungNoduleAILib.cli import evaluate as evaluate_command
from LungNoduleAILib.cli import follow_up as follow_up_command
from LungNoduleAILib.cli import patterns as pattern_command
from LungNoduleAILib.cli import phantom as phantom_command
from LungNoduleAILib.cli import register as register_command
from LungNoduleAILib.cli import segment as segment_command
from LungNoduleAILib.cli import train as train_command
from LungNoduleAILib.cli.guideline import add_guideline
from LungNoduleAILib.cli.person import add_person_arguments, person_of
from LungNoduleAILib.cli.summary import describe_findings, where_to_look
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.errors import Cancelled, InputError, MissingDependencyError
from ThoraxAILib.io import Case
from ThoraxAILib.jobs.events import Events, telling_errors
from ThoraxAILib.jobs.output_folder import output_error
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import DEVICES
from ThoraxAILib.scene import host

if TYPE_CHECKING:
    from LungNoduleAILib.analysis.engines import LungEngines

DEFAULTS = AnalysisOptions()


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``lung`` with all its commands."""
    lung = modules.add_parser("lung", help="lung nodules in chest CT")
    commands = lung.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_analyze(commands.add_parser("analyze", help="find and measure nodules in CT images or folders of them"))
    detectors = commands.add_parser("detectors", help="list the nodule detectors")
    detectors.set_defaults(run=_detectors)
    series = commands.add_parser("series", help="list the image series at a path and say which one would be read")
    series.add_argument("input", type=Path, metavar="PATH")
    series.set_defaults(run=_series)
    phantom_command.add_commands(commands)
    demo = commands.add_parser("demo", help="analyze a CT, or a synthetic one beside its truth")
    _add_output(demo)
    demo.add_argument("--ct", type=Path, metavar="PATH", help="a CT of your own instead of the synthetic one")
    demo.set_defaults(run=_demo)
    evaluate_command.add_commands(commands)
    follow_up_command.add_commands(commands)
    register_command.add_commands(commands)
    add_guideline(commands)
    pattern_command.add_commands(commands)
    train_command.add_commands(commands)
    segment_command.add_commands(commands)
    dataset_command.add_commands(commands)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the results")


def _add_events(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", metavar="FILE|-", help="progress as JSON lines, to a file or standard output")


def _add_analyze(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("inputs", type=Path, nargs="+", metavar="INPUT", help="DICOM folder, NRRD, NIfTI or MetaImage file")
    _add_output(parser)
    add("--detector", default=DEFAULTS.detector, metavar="NAME", help="see thoraxai lung detectors")
    add("--anatomy", default=DEFAULTS.anatomy, metavar="auto|learned|classical", help="what finds lungs and lobes")
    add("--threshold", type=float, metavar="X", help="least confidence of a finding, 0 to 1 (default: the detector's)")
    add("--device", default=DEFAULTS.device, metavar="|".join(DEVICES), help="where learned models run")
    add("--jobs", type=int, default=1, metavar="N", help="cases worked on at the same time (default 1)")
    add("--resume", action="store_true", help="skip cases that were analyzed before in the same way")
    add("--series", metavar="UID", help="which series of the input, see thoraxai lung series")
    add("--scene", choices=("auto", "none"), default="auto", help="none: arrays.npz instead of Slicer files")
    add_person_arguments(parser)
    _add_events(parser)
    parser.set_defaults(run=_analyze)


def _analyze(arguments: argparse.Namespace) -> int:
    with telling_errors(arguments.events) as events:
        return _analyze_inputs(arguments, events)


def _analyze_inputs(arguments: argparse.Namespace, events: Events) -> int:
    from LungNoduleAILib.analysis.engines import choose_engines

    options = _options(arguments)
    engines = choose_engines(options)  # what is wrong with them is said before any image is read
    with_scene = _with_scene(arguments.scene)
    if arguments.series is not None:
        if len(arguments.inputs) != 1:
            raise InputError(
                f"--series chooses within one input, {len(arguments.inputs)} were given: analyze them one by one."
            )
        path = arguments.inputs[0]
        cases, failed = [Case(path.resolve().name, path, arguments.series)], []
    else:
        cases, failed = gather_cases(arguments.inputs)
    person = person_of(arguments, len(cases) + len(failed))

    def request(case: Case, output: Path) -> CaseRequest:
        return CaseRequest(case, output, options, with_scene, arguments.resume, person)

    if len(cases) == 1 and not failed:
        return _analyze_one(request(cases[0], arguments.output), engines, arguments, events)
    requests = [request(case, arguments.output / case.name) for case in cases]
    return _analyze_many(requests, failed, arguments, events)


def _options(arguments: argparse.Namespace) -> AnalysisOptions:
    """The checked options."""
    options = AnalysisOptions(
        detector=arguments.detector, threshold=arguments.threshold, device=arguments.device, anatomy=arguments.anatomy
    )
    if arguments.jobs < 1:
        raise InputError(f"The number of jobs must be at least 1, {arguments.jobs} was given.")
    return options


def _with_scene(choice: str) -> bool:
    if choice == "auto" and not host.isAvailable():
        print(
            "scene.mrb, segmentation.seg.nrrd and nodules.mrk.json are not written, because Slicer's libraries are "
            'missing: install them with pip install "thoraxai[scene]".',
            file=sys.stderr,
        )
        return False
    return choice == "auto"


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
    requests: list[CaseRequest], failed: list[IndexRow], arguments: argparse.Namespace, events: Events
) -> int:
    _make_folder(arguments.output)
    tell = _nothing if events.own_stdout else _print_row
    for row in failed:
        tell(row)
    batch = Batch(requests, arguments.jobs, tell, events.progress, arguments.is_cancelled)
    try:
        batch.run()
    except Cancelled as error:
        raise Cancelled("Cancelled; the results of finished cases are kept and listed in index.csv.") from error
    finally:
        write_index(arguments.output, [*failed, *batch.rows])
    bad = sum(row.status == FAILED for row in (*failed, *batch.rows))
    if bad:
        raise InputError(f"{bad} of {len(failed) + len(requests)} cases failed: index.csv says why.")
    events.result(arguments.output)
    return 0


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error) from error


def _print_row(row: IndexRow) -> None:
    findings = f"{row.findings} finding{'s' * (row.findings != 1)}"
    print(
        f"{row.case}: {row.status}, " + (row.message if row.status == FAILED else f"{findings}, {row.seconds} s"),
        flush=True,
    )


def _nothing(_row: IndexRow) -> None:
    """Standard output belongs to the events."""


def _detectors(_arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.analysis.engines import DETECTOR, REGISTRY
    from ThoraxAILib.engines.chosen import choose

    for name in REGISTRY.names(DETECTOR):
        print(f"{name}: {REGISTRY.description(DETECTOR, name)}")
        try:
            detector = choose(DETECTOR, name).made
        except MissingDependencyError as error:
            print(f"    cannot run here: {error}")
        else:
            print(f"    reports from confidence {detector.operating_point:g}, fingerprint {detector.fingerprint}")
    for fault in REGISTRY.faults:
        print(fault)
    return 0


def _series(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.io import find_series
    from ThoraxAILib.io.series import in_order_of_preference

    found = find_series(arguments.input)
    preferred = in_order_of_preference(found)
    for series in preferred + [series for series in found if not series.usable]:
        mark = "*" if preferred and series is preferred[0] else " "
        why = "" if series.usable else f", not usable: {series.reason}"
        print(f"{mark} {series.label}{why}\n    {series.choice or 'image file without series UID'}")
    if not preferred:
        raise InputError("None of the series can be analyzed: give a folder with a chest CT.")
    print("* would be read; choose another with --series UID.")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from LungNoduleAILib.cli.demo import run_demo

    print("\n".join(run_demo(arguments.ct, arguments.output, Progress(is_cancelled=arguments.is_cancelled))))
    return 0
