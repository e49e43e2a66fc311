"""``thoraxai upload``, ``fetch``, ``seal``, ``unseal`` and ``check-log``: de-identified files on their way."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ThoraxAILib.cli.store_arguments import ADDRESS, add_store_arguments, store_of
from ThoraxAILib.errors import Cancelled
from ThoraxAILib.jobs.events import STANDARD_OUTPUT, Events, add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.store.upload.journal import VERIFIED

if TYPE_CHECKING:
    from ThoraxAILib.store.upload.upload import UploadResult

INCOMPLETE_EXIT = 3
MB = 1e6
DESCRIPTION = """Send an output folder of thoraxai anonymize to a store. Only files of its manifest are sent, as they
were written; each is retrieved and compared. The same command goes on after an interruption and sends nothing twice.
Exit status: 0 everything is in the store, 3 something is not (it says why), 2 bad input, 130 cancelled."""


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``upload``, ``fetch``, ``seal``, ``unseal`` and ``check-log``."""
    send = modules.add_parser("upload", help="send de-identified files to a store", description=DESCRIPTION)
    send.add_argument("folder", type=Path, metavar="DIR", help="output folder of thoraxai anonymize")
    send.add_argument("--to", required=True, metavar="STORE", help=ADDRESS)
    send.add_argument("--private", type=Path, metavar="DIR", help="journal and log (default: DIR-private)")
    send.add_argument("--patience", type=float, default=60.0, metavar="S", help="seconds to wait for a silent store")
    add_store_arguments(send)
    add_events_argument(send)
    send.set_defaults(run=_upload)
    get = modules.add_parser("fetch", help="write a study or series of a store into a folder")
    get.add_argument("address", metavar="STORE", help=f"{ADDRESS}, with /studies/UID[/series/UID] (DIMSE: /UID[/UID])")
    get.add_argument("--output", type=Path, required=True, metavar="DIR", help="new folder for the files")
    add_store_arguments(get)
    add_events_argument(get)
    get.set_defaults(run=_fetch)
    close = modules.add_parser(
        "seal", help="write de-identified files into an archive that only its recipients can open"
    )
    close.add_argument("folder", type=Path, metavar="DIR", help="output folder of thoraxai anonymize")
    close.add_argument(
        "--recipient", action="append", default=[], metavar="age1...", help="public key; may be repeated"
    )
    close.add_argument("--output", type=Path, required=True, metavar="FILE.tar.age", help="new archive")
    close.add_argument("--private", type=Path, metavar="DIR", help="log (default: DIR-private)")
    close.set_defaults(run=_seal)
    open_up = modules.add_parser("unseal", help="open an archive of seal and compare its files")
    open_up.add_argument("archive", type=Path, metavar="FILE.tar.age")
    open_up.add_argument("--identity", type=Path, required=True, metavar="FILE", help="key file of age-keygen")
    open_up.add_argument("--output", type=Path, required=True, metavar="DIR", help="new folder")
    open_up.set_defaults(run=_unseal)
    check = modules.add_parser("check-log", help="say whether a log of uploads is as it was written")
    check.add_argument("log", type=Path, metavar="FILE", help="audit.jsonl of a private folder")
    check.set_defaults(run=_check_log)


def _upload(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.store.upload.upload import FolderToSend, upload

    with reporting_errors(arguments.events) as events:
        store, _ = store_of(arguments, arguments.to)
        request = FolderToSend(arguments.folder, arguments.private, patience_seconds=arguments.patience)
        try:
            result = upload(request, store, Progress(events.progress, arguments.is_cancelled))
        except Cancelled as cancelled:
            raise Cancelled("Cancelled; what was sent stays, and the same command sends the rest.") from cancelled
        finally:
            store.close()
        events.result(request.private_folder)
        _tell(result, events)
        if not result.is_complete:
            events.error(_incomplete(result))
        return 0 if result.is_complete else INCOMPLETE_EXIT


def _incomplete(result: UploadResult) -> str:
    """Say how many files are not in the store, and why."""
    verified = result.counts.get(VERIFIED, 0)
    total = sum(result.counts.values())
    why = "; ".join(f"{count} x {reason}" for (_, reason), count in sorted(result.reasons.items()) if reason)
    return f"{total - verified} of {total} files are not in the store as they should be{': ' if why else ''}{why}."


def _tell(result: UploadResult, events: Events) -> None:
    if events.own_stdout:
        return
    counts = ", ".join(f"{count} {state}" for state, count in sorted(result.counts.items()))
    print(f"{counts}; sent now: {result.sent_files} files, {result.sent_bytes / MB:.1f} MB.")
    for (state, reason), count in sorted(result.reasons.items()):
        if reason:
            print(f"  {state}: {count} x {reason}")
    print(f"Log: {result.log}")


def _fetch(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.store.fetch import fetch

    with reporting_errors(arguments.events) as events:
        store, address = store_of(arguments, arguments.address)
        try:
            progress = Progress(events.progress, arguments.is_cancelled)
            found = fetch(store, address.study_uid, address.series_uid, arguments.output, progress)
        finally:
            store.close()
        events.result(arguments.output)
        if arguments.events != STANDARD_OUTPUT:
            print(f"{found.files} files, {found.bytes / MB:.1f} MB.")
        return 0


def _seal(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.store.upload.sealed import seal
    from ThoraxAILib.store.upload.upload import FolderToSend

    found = seal(FolderToSend(arguments.folder, arguments.private), arguments.output, arguments.recipient)
    print(f"{found.files} files sealed, {len(found.refused)} refused.")
    for reason in sorted(set(found.refused)):
        print(f"  refused: {found.refused.count(reason)} x {reason}")
    return INCOMPLETE_EXIT if found.refused else 0


def _unseal(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.store.upload.sealed import unseal

    print(f"{unseal(arguments.archive, arguments.identity, arguments.output).files} files, as the manifest says.")
    return 0


def _check_log(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.store.upload.audit_log import verify_log

    print(f"The log is as it was written; its last hash is {verify_log(arguments.log)}.")
    return 0
