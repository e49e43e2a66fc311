"""``thoraxai anonymize IN OUT``, ``... check DIR --against IN`` and ``... destroy-key FILE``."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE
from AnonymizerLib.identity.promise import promise_of
from AnonymizerLib.run.request import COMMAND, AnonymizeRequest
from ThoraxAILib.errors import Cancelled, InputError, OutputError, ThoraxAIError
from ThoraxAILib.jobs.events import STANDARD_OUTPUT, Events, add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from AnonymizerLib.run.run import RunResult

CHECK, DESTROY, SCENE, OPEN_SCENE = "check", "destroy-key", ".mrb", ".mrml"
CLEAN_EXIT, QUARANTINED_EXIT = 0, 3
DESCRIPTION = f"""De-identify DICOM files (PS3.15 Annex E). Research use only.
IN OUT             de-identify the folder IN into the folder OUT
IN.mrb OUT.mrb     take identity out of a saved Slicer scene
{CHECK} DIR --against IN   search the output DIR for identifiers of its input IN
{DESTROY} FILE   make it impossible to compute the pseudonyms of a project again
Exit status: 0 all clean, 3 something waits for a person or nothing came out, 2 bad input, 130 cancelled."""


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``anonymize``."""
    parser = modules.add_parser(
        *COMMAND,
        help="de-identify DICOM files and check the result",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="IN", help=f"folder with DICOM files, a scene, or {CHECK}, or {DESTROY}")
    AnonymizeRequest.add_arguments(parser, without=("source",))
    parser.add_argument("--against", type=Path, metavar="IN", help=f"with {CHECK}: the input of the output")
    add_events_argument(parser)
    parser.set_defaults(run=_run, input_words=("source",), output_words=("output",))


def _run(arguments: argparse.Namespace) -> int:
    _check_events_place(arguments)
    with reporting_errors(arguments.events) as events:
        request = AnonymizeRequest.from_arguments(arguments)
        first = arguments.source  # as it was typed: ./check is a folder
        if first == CHECK:
            return _check(request, arguments, events)
        if first == DESTROY:
            return _destroy(request.output)
        if first.lower().endswith(OPEN_SCENE):
            raise InputError(
                "A .mrml file names its data files but does not hold them: open it in Slicer, save it with all its "
                "data as .mrb, and give that."
            )
        if first.lower().endswith(SCENE):
            return _scrub_scene(request, events)
        return _anonymize(request, arguments, events)


def _check_events_place(arguments: argparse.Namespace) -> None:
    """Nothing is written into an input folder, a new file neither."""
    if arguments.events in (None, STANDARD_OUTPUT):
        return
    around = Path(arguments.events).resolve().parents
    if any(folder is not None and Path(folder).resolve() in around for folder in (arguments.source, arguments.against)):
        raise InputError("The events file must not lie in the input folder: choose another place for --events.")


def _anonymize(request: AnonymizeRequest, arguments: argparse.Namespace, events: Events) -> int:
    from AnonymizerLib.run.anonymize_folder import anonymize_folder

    key = request.how.key
    is_new_key = key is not None and not key.exists()
    try:
        result, settings = anonymize_folder(
            request.source,
            request.output,
            request.how,
            _password,
            Progress(events.progress, arguments.is_cancelled),
            is_isolated=True,
        )
    except Cancelled as cancelled:
        raise Cancelled("Cancelled; what was finished stays, and the same command finishes the rest.") from cancelled
    except (ThoraxAIError, BrokenPipeError):
        raise
    except OSError as error:
        raise OutputError(
            f"The output or its private folder cannot be used ({error.strerror}): free space or mend "
            "the disk, then start the same command again."
        ) from error
    finally:
        if key is not None and is_new_key and key.exists():
            print(f"A new project key was made: {key.name}. Keep it apart from the results.", file=sys.stderr)
    events.result(request.output)
    if not events.own_stdout:
        _tell(result, promise_of(settings.profile, settings.key, bool(settings.patients)).sentence)
    is_done = bool(result.counts["clean"]) and not result.has_quarantined
    return CLEAN_EXIT if is_done or request.quarantine_ok else QUARANTINED_EXIT


def _tell(result: RunResult, promise: str) -> None:
    counts = result.counts
    print(f"{counts['clean']} clean, {counts['quarantined']} in quarantine, {counts['skipped']} left out.")
    if result.note:
        print(result.note)
    for (status, reason), count in result.summary.reasons.most_common():
        print(f"  {status}: {count} x {reason}")
    if result.summary.search_sentence:
        print(result.summary.search_sentence)
    for warning in result.summary.warnings:
        print(f"Warning: {warning}")
    if result.summary.linkage and result.summary.linkage.patients:
        print(f"Smallest group of patients that look alike: k = {result.summary.linkage.smallest_k}.")
    print(promise if counts["clean"] else "No file came out, so there is nothing to share.")
    print(f"Report: {result.report}")
    if counts["quarantined"] or counts["skipped"]:
        print(f"Which files, and why (do not share): {result.private / 'quarantine.csv'}")


def _password(path: Path, is_new: bool) -> str:
    """Asked for at the terminal, twice for a new key."""
    if not sys.stdin.isatty():
        raise InputError(f"The key {path.name} needs its password: set {PASSWORD_VARIABLE} or run in a terminal.")
    password = getpass.getpass(f"Password of {path.name}: ")
    if is_new and password != getpass.getpass("Once more: "):
        raise InputError("The two passwords differ: start again.")
    return password


def _check(request: AnonymizeRequest, arguments: argparse.Namespace, events: Events) -> int:
    from AnonymizerLib.run.anonymize_folder import chosen_profile
    from AnonymizerLib.run.audit import audit
    from AnonymizerLib.run.run import JOURNAL, private_folder_of

    if arguments.against is None:
        raise InputError("check needs the input to compare with: add --against IN.")
    journal = private_folder_of(request.output, request.how.private) / JOURNAL
    result = audit(
        request.output,
        arguments.against,
        chosen_profile(request.how),
        Progress(events.progress, arguments.is_cancelled),
        journal,
    )
    if not events.own_stdout:
        print(
            f"{result.outputs} outputs searched for {result.tokens} identifiers of {result.inputs} inputs: "
            f"{len(result.problems)} problems."
        )
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(result.searched.items()) if number)
        print(f"Searched: {kinds or 'nothing'}, in {result.bytes_searched:,} bytes.")
        if result.unreadable_inputs:
            print(f"{result.unreadable_inputs} files of the input are no DICOM or cannot be read: not compared.")
        for problem in result.problems:
            print(f"  {problem}")
    return QUARANTINED_EXIT if result.problems else CLEAN_EXIT


def _scrub_scene(request: AnonymizeRequest, events: Events) -> int:
    from ThoraxAILib.scene import host

    host.install()
    from AnonymizerLib.scene.bundle import scrub_bundle

    report = scrub_bundle(request.source, request.output)
    events.result(request.output)
    if not events.own_stdout:
        print(report.sentence)
    return CLEAN_EXIT


def _destroy(path: Path) -> int:
    from AnonymizerLib.identity.key_store import destroy_key

    destroy_key(path)
    print("The key is destroyed: its pseudonyms cannot be computed again.")
    return CLEAN_EXIT
