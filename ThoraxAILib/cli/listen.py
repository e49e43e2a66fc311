"""``thoraxai listen``: receive studies from scanners or an archive, analyze chest CT, put results into a store."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ThoraxAILib.cli.store_arguments import ADDRESS, add_store_arguments, store_of
from ThoraxAILib.errors import Cancelled, InputError

if TYPE_CHECKING:
    from ThoraxAILib.store.listener.listener import Listener

POLL_SECONDS = 0.5
DESCRIPTION = """Receive images by C-STORE over TLS, analyze each CT of the chest once, and put the results (DICOM SEG
and SR, unverified) into a store. DIR keeps the queue: after an interruption the same command goes on. Stop with Ctrl+C.
Research use only, not a medical device."""


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``listen``."""
    listen = modules.add_parser("listen", help="receive and analyze studies", description=DESCRIPTION)
    listen.add_argument("--folder", type=Path, required=True, metavar="DIR", help="queue, results and certificates")
    listen.add_argument("--aet", default="THORAXAI", metavar="NAME", help="own application entity title")
    listen.add_argument("--port", type=int, default=11112, metavar="N", help="port of DICOM over TLS (default 11112)")
    listen.add_argument("--rules", type=Path, metavar="FILE.yaml", help="which series, when, how (default: see docs)")
    listen.add_argument("--store", metavar="STORE", help=f"where results go: {ADDRESS} (default: they stay in DIR)")
    listen.add_argument("--health-port", type=int, default=0, metavar="N", help="port of the page for this machine")
    listen.add_argument("--callers-ca", type=Path, metavar="FILE", help="who signs callers' certificates (PEM)")
    add_store_arguments(listen)
    listen.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.store.listener.health import HealthPage, state_of
    from ThoraxAILib.store.listener.inbox import Inbox
    from ThoraxAILib.store.listener.listener import Listener, analysis_by_command
    from ThoraxAILib.store.listener.receiver import Receiver
    from ThoraxAILib.store.listener.rules import read_rules
    from ThoraxAILib.store.server.local_certificates import own_certificates

    rules = read_rules(arguments.rules)
    if not 0 <= arguments.port <= 65535 or not 0 <= arguments.health_port <= 65535:
        raise InputError("A port is a number up to 65535: choose another one.")
    store = store_of(arguments, arguments.store)[0] if arguments.store else None
    inbox = Inbox(arguments.folder.resolve())
    own = own_certificates(inbox.folder)
    receiver = Receiver(arguments.aet, arguments.port, inbox, rules, own.server, arguments.callers_ca or own.authority)
    page = HealthPage(arguments.health_port, lambda: state_of(inbox, rules))
    listener = Listener(inbox, rules, store, analysis_by_command(rules))
    print(f"Listening: {arguments.aet} at port {receiver.port}; health: {page.address}", flush=True)
    print(f"Callers show {own.client.certificate} and trust {own.authority}", flush=True)
    try:
        while True:
            _step(listener)
    except Cancelled:
        print("Stopped; what was received is kept, and the same command goes on with it.")
        return 0
    finally:
        receiver.close()
        page.close()
        inbox.close()


def _step(listener: Listener) -> None:
    """Do the next thing, or wait a moment when there is none or the disk is full (the page tells that)."""
    try:
        is_busy = listener.step()
    except OSError:
        is_busy = False
    if not is_busy:
        time.sleep(POLL_SECONDS)
