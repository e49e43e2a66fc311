"""``thoraxai anonymize IN OUT``, ``... check DIR --against IN`` and ``... destroy-key FILE``."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.identity.key_store import PASSWORD_VARIABLE
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.identity.promise import promise_of
from AnonymizerLib.profile.options import OPTION_BY_LABEL, Option, Profile
from AnonymizerLib.profile.presets import PRESETS, profile_named
from ThoraxAILib.errors import Cancelled, InputError, OutputError, ThoraxAIError
from ThoraxAILib.jobs.events import STANDARD_OUTPUT, Events
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from AnonymizerLib.run.run import RunResult

CHECK, DESTROY, SCENE = "check", "destroy-key", ".mrb"
CLEAN_EXIT, QUARANTINED_EXIT = 0, 3
DESCRIPTION = f"""De-identify DICOM files (PS3.15 Annex E). Research use only.
IN OUT             de-identify the folder IN into the folder OUT
IN.mrb OUT.mrb     take identity out of a saved Slicer scene
{CHECK} DIR --against IN   search the output DIR for identifiers of its input IN
{DESTROY} FILE   make it impossible to compute the pseudonyms of a project again
Exit status: 0 all clean, 3 something waits for a person, 2 bad input, 130 cancelled."""


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``anonymize``."""
    profiles = "; ".join(f"{name}: {text}" for name, (text, _, _) in PRESETS.items())
    parser = modules.add_parser(
        "anonymize",
        help="de-identify DICOM files and check the result",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("first", metavar="IN", help=f"folder with DICOM files, or {CHECK}, or {DESTROY}")
    add("second", type=Path, metavar="OUT", help="new folder for the result")
    add("--profile", default="basic", metavar="P", help=profiles)
    add("--options", nargs="+", default=[], metavar="O", help="more options: " + ", ".join(sorted(OPTION_BY_LABEL)))
    add("--rules", type=Path, metavar="FILE", help="own rules in YAML: keep, remove, replace, blank")
    add(
        "--key",
        type=Path,
        metavar="FILE",
        help="project key, made when it does not exist; without it a key is "
        f"thrown away after the run. Its password comes from {PASSWORD_VARIABLE} or is asked for",
    )
    add("--patients", type=Path, metavar="CSV", help="own pseudonyms: rows of original,pseudonym")
    add("--prefix", default="P", metavar="TEXT", help="how pseudonyms begin (default P)")
    add("--jobs", type=int, default=1, metavar="N", help="processes (default 1)")
    add("--blank", action="append", default=[], metavar="L,T,W,H", help="blank this rectangle in doubtful images")
    add("--accept-pixels", action="store_true", help="doubtful images pass: a person has looked at all of them")
    add("--no-ocr", action="store_true", help="do not read burned-in text with tesseract")
    add("--approve-faces", action="store_true", help="a person has seen the pictures of the removed faces")
    add("--quarantine-ok", action="store_true", help="exit status 0 also when something waits (for other programs)")
    add("--private", type=Path, metavar="DIR", help="folder for journal and quarantine list (default OUT-private)")
    add("--against", type=Path, metavar="IN", help=f"with {CHECK}: the input of the output")
    add("--events", metavar="FILE|-", help="progress as JSON lines, to a file or standard output")
    parser.set_defaults(run=_run, input_words=("first",))


def _run(arguments: argparse.Namespace) -> int:
    _check_events_place(arguments)
    with Events(arguments.events) as events:
        try:
            if arguments.first == CHECK:
                return _check(arguments, events)
            if arguments.first == DESTROY:
                return _destroy(arguments.second)
            if arguments.first.lower().endswith(SCENE):
                return _scrub_scene(arguments, events)
            return _anonymize(arguments, events)
        except ThoraxAIError as error:
            events.error(str(error))
            raise


def _check_events_place(arguments: argparse.Namespace) -> None:
    """Nothing is written into an input folder, a new file neither."""
    if arguments.events in (None, STANDARD_OUTPUT):
        return
    around = Path(arguments.events).resolve().parents
    if any(folder is not None and Path(folder).resolve() in around for folder in (arguments.first, arguments.against)):
        raise InputError("The events file must not lie in the input folder: choose another place for --events.")


def _profile(arguments: argparse.Namespace) -> Profile:
    """The chosen preset with options and rules; regions to blank imply the option that blanks them."""
    from AnonymizerLib.profile.rules import read_rules

    labels = [label for group in arguments.options for label in group.split(",") if label]
    rules = read_rules(arguments.rules) if arguments.rules else None
    if arguments.blank or (rules is not None and rules.regions):
        labels.append(Option.CLEAN_PIXELS.label)
    return profile_named(arguments.profile, labels, rules)


def _anonymize(arguments: argparse.Namespace, events: Events) -> int:
    from AnonymizerLib.identity.identities import read_patient_table
    from AnonymizerLib.pixels.clean import PixelPolicy
    from AnonymizerLib.profile.regions import parse_box
    from AnonymizerLib.run.run import RunOptions, run
    from AnonymizerLib.run.worker import WorkerSettings

    if arguments.jobs < 1:
        raise InputError(f"The number of jobs must be at least 1, {arguments.jobs} was given.")
    profile = _profile(arguments)
    policy = PixelPolicy(
        profile.rules.regions if profile.rules else (),
        tuple(parse_box(text) for text in arguments.blank),
        not arguments.no_ocr,
        arguments.accept_pixels,
    )
    patients = read_patient_table(arguments.patients) if arguments.patients else {}
    _check_key_place(arguments)
    settings = WorkerSettings(
        Path(arguments.first), arguments.second, profile, _key(arguments.key), policy, patients, arguments.prefix
    )
    try:
        result = run(
            RunOptions(settings, arguments.jobs, arguments.private, arguments.approve_faces, is_isolated=True),
            Progress(events.progress, arguments.is_cancelled),
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
    events.result(arguments.second)
    if not events.own_stdout:
        _tell(result, promise_of(profile, settings.key, bool(patients)).sentence)
    return QUARANTINED_EXIT if result.has_quarantined and not arguments.quarantine_ok else CLEAN_EXIT


def _check_key_place(arguments: argparse.Namespace) -> None:
    """A key beside the results would make their pseudonyms worthless, and nothing is written into the input."""
    if arguments.key is None:
        return
    around = arguments.key.resolve().parents
    if arguments.second.resolve() in around:
        raise InputError("The project key must not lie in the output folder: keep it apart from the results.")
    if Path(arguments.first).resolve() in around:
        raise InputError("The project key must not lie in the input folder: keep it apart from the images.")


def _tell(result: RunResult, promise: str) -> None:
    counts = result.counts
    print(f"{counts['clean']} clean, {counts['quarantined']} in quarantine, {counts['skipped']} left out.")
    if result.note:
        print(result.note)
    for (status, reason), count in result.summary.reasons.most_common():
        print(f"  {status}: {count} x {reason}")
    if result.summary.linkage and result.summary.linkage.patients:
        print(f"Smallest group of patients that look alike: k = {result.summary.linkage.smallest_k}.")
    print(promise)
    print(f"Report: {result.report}")
    if counts["quarantined"] or counts["skipped"]:
        print(f"Which files, and why (do not share): {result.private / 'quarantine.csv'}")


def _key(path: Path | None) -> ProjectKey:
    """The project key: opened, made anew, or a throw-away one."""
    from AnonymizerLib.identity.key_store import load_key, save_key

    if path is None:
        return ProjectKey.new()
    if path.exists():
        return load_key(path, _password(path, is_new=False))
    password = _password(path, is_new=True)
    save_key(ProjectKey.new(), path, password)
    print(f"A new project key was made: {path.name}. Keep it apart from the results.", file=sys.stderr)
    return load_key(path, password)


def _password(path: Path, is_new: bool) -> str:
    """From the environment, else asked for at the terminal (twice for a new key)."""
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is not None:
        return password
    if not sys.stdin.isatty():
        raise InputError(f"The key {path.name} needs its password: set {PASSWORD_VARIABLE} or run in a terminal.")
    password = getpass.getpass(f"Password of {path.name}: ")
    if is_new and password != getpass.getpass("Once more: "):
        raise InputError("The two passwords differ: start again.")
    return password


def _check(arguments: argparse.Namespace, events: Events) -> int:
    from AnonymizerLib.run.audit import audit
    from AnonymizerLib.run.run import JOURNAL, private_folder_of

    if arguments.against is None:
        raise InputError("check needs the input to compare with: add --against IN.")
    journal = private_folder_of(arguments.second, arguments.private) / JOURNAL
    result = audit(
        arguments.second,
        arguments.against,
        _profile(arguments),
        Progress(events.progress, arguments.is_cancelled),
        journal,
    )
    if not events.own_stdout:
        print(
            f"{result.outputs} outputs searched for {result.tokens} identifiers of {result.inputs} inputs: "
            f"{len(result.problems)} problems."
        )
        if result.unreadable_inputs:
            print(f"{result.unreadable_inputs} files of the input are no DICOM or cannot be read: not compared.")
        for problem in result.problems:
            print(f"  {problem}")
    return QUARANTINED_EXIT if result.problems else CLEAN_EXIT


def _scrub_scene(arguments: argparse.Namespace, events: Events) -> int:
    from ThoraxAILib.scene import host

    host.install()
    from AnonymizerLib.scene.bundle import scrubBundle

    report = scrubBundle(Path(arguments.first), arguments.second)
    events.result(arguments.second)
    if not events.own_stdout:
        print(report.sentence)
    return CLEAN_EXIT


def _destroy(path: Path) -> int:
    from AnonymizerLib.identity.key_store import destroy_key

    destroy_key(path)
    print("The key is destroyed: its pseudonyms cannot be computed again.")
    return CLEAN_EXIT
