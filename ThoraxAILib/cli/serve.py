"""``thoraxai serve FOLDER``: a DICOM server for this machine, and what a hospital must add to it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ThoraxAILib.errors import Cancelled

if TYPE_CHECKING:
    from ThoraxAILib.store.server.local_server import LocalServer

POLL_SECONDS = 0.5
DESCRIPTION = """Start Orthanc behind TLS for this machine, and stop it with Ctrl+C. The first start makes users,
passwords and certificates in FOLDER; later starts use them again. Research use only."""
TO_ADD = """Only this machine can reach the web address. A hospital must add:
- a firewall: Orthanc opens its DICOM port on every network interface (callers need a certificate of this folder)
- certificates of its own authority, renewed before they expire (these last a year)
- users from its directory, with a second factor where it asks for one
- encrypted disks, backups of FOLDER/data, and a rule for how long images are kept
- a log of who looked at what, and updates of Orthanc and stunnel"""


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``serve``."""
    serve = modules.add_parser("serve", help="a DICOM server for this machine (Orthanc)", description=DESCRIPTION)
    serve.add_argument("folder", type=Path, metavar="FOLDER", help="images, users and certificates of the server")
    serve.add_argument("--port", type=_port, default=0, help="port of HTTPS (default: a free one)")
    serve.add_argument("--dicom-port", type=_port, default=0, help="port of DICOM over TLS (default: a free one)")
    serve.set_defaults(run=_run)


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not '{text}'")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.store.server.local_server import LocalServer
    from ThoraxAILib.store.store import StoreError

    with LocalServer(arguments.folder.resolve(), arguments.port, arguments.dicom_port) as server:
        print(_told(server), flush=True)
        try:
            while server.is_running():
                time.sleep(POLL_SECONDS)
        except Cancelled:
            print("Stopped.")
            return 0
    raise StoreError("The server ended by itself: see server.log in its folder.")


def _told(server: LocalServer) -> str:
    files = server.files
    return "\n".join(
        (
            f"DICOMweb: {server.address}",
            f"DICOM:    {server.dimse_address} (certificate: {server.client.certificate}, key: {server.client.key})",
            f"Trust:    --ca {files.authority}",
            f"Users:    {', '.join(server.passwords)}; their passwords are in {files.accounts}",
            TO_ADD,
        )
    )
