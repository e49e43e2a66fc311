"""Starts and stops Orthanc and stunnel as processes of ours, on ports that are free."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

from ThoraxAILib.errors import InputError, MissingDependencyError, known
from ThoraxAILib.jobs.outputs.private_files import make_private_folder, write_private
from ThoraxAILib.store.access import Access
from ThoraxAILib.store.server.certificates import CertificateFiles
from ThoraxAILib.store.server.local_certificates import own_certificates
from ThoraxAILib.store.server.orthanc_settings import (
    ADMINISTRATOR,
    CALLERS,
    DICOMWEB_PLUGIN,
    PLUGINS,
    REVIEWER,
    ROOT,
    TITLE,
    UPLOADER,
    Ports,
    ServerFiles,
    write_settings,
)
from ThoraxAILib.store.store import StoreError

START_SECONDS, STOP_SECONDS = 60.0, 20.0
LOCAL = "127.0.0.1"
INSTALL = "install them with: sudo apt-get install orthanc orthanc-dicomweb stunnel4"
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin")


def missing_programs() -> list[str]:
    """Return what a server needs and is not installed here."""
    found = {"Orthanc": _program("Orthanc"), "stunnel": _program("stunnel"), "orthanc-dicomweb": _plugin()}
    return [name for name, place in found.items() if place is None]


class LocalServer:
    """One server in one folder, which keeps its users, certificates and images between runs.

    ``with LocalServer(folder) as server:`` starts it and stops it. Ports are free ones unless given.
    """

    def __init__(self, folder: Path, https_port: int = 0, dicom_port: int = 0) -> None:
        self.files = ServerFiles(folder)
        self._asked = (https_port, dicom_port)
        self._ports: Ports | None = None
        self._processes: list[subprocess.Popen] = []
        self.passwords: dict[str, str] = {}

    def __enter__(self) -> LocalServer:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def ports(self) -> Ports:
        """Where it listens; ValueError before it was started."""
        if self._ports is None:
            raise ValueError("the server was not started")
        return self._ports

    @property
    def address(self) -> str:
        """Where its DICOMweb is."""
        return f"dicomweb+https://localhost:{self.ports.https}/{ROOT}"

    @property
    def dimse_address(self) -> str:
        """Where its DIMSE is."""
        return f"dimse+tls://localhost:{self.ports.dicom}/{TITLE}"

    @property
    def client(self) -> CertificateFiles:
        """What callers of DIMSE show."""
        return own_certificates(self.files.folder).client

    def access(self, user: str = UPLOADER) -> Access:
        """Return what one of its users needs."""
        return Access(user, self.passwords[user], self.files.authority, self.client.certificate, self.client.key)

    def start(self) -> None:
        """Start it; raises MissingDependencyError without the programs, StoreError when it does not come up."""
        missing = missing_programs()
        if missing:
            raise MissingDependencyError(f"A server needs {', '.join(missing)}: {INSTALL}.")
        make_private_folder(self.files.folder)
        self.files.data.mkdir(exist_ok=True)
        self._make_accounts()
        own_certificates(self.files.folder)
        self._ports = self._ports or self._free_ports()
        plugin = known(_plugin(), "the plugin")
        write_settings(self.files, self._ports, self.passwords, plugin, dict.fromkeys(CALLERS, free_port()))
        log = self.files.folder / "server.log"
        with log.open("ab") as told:
            for command in ([_program("Orthanc"), self.files.orthanc], [_program("stunnel"), self.files.stunnel]):
                words = [str(word) for word in command]
                self._processes.append(
                    subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=told, stderr=subprocess.STDOUT)
                )
        self._wait_until_up()

    def stop(self) -> None:
        """Stop both processes and wait for their end: an index that is still open would be damaged."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []

    def processor_seconds(self) -> float:
        """Return how much processor time both processes have taken."""
        import psutil

        times = [psutil.Process(process.pid).cpu_times() for process in self._processes]
        return float(sum(one.user + one.system for one in times))

    def is_running(self) -> bool:
        """Whether both processes live."""
        return bool(self._processes) and all(process.poll() is None for process in self._processes)

    def _wait_until_up(self) -> None:
        waited_until = time.monotonic() + START_SECONDS
        for port in (self.ports.http, self.ports.dicom, self.ports.https):
            while not _answers(port):
                if not self.is_running() or time.monotonic() > waited_until:
                    self.stop()
                    raise StoreError(f"The server did not start: see {self.files.folder / 'server.log'}.")
                time.sleep(0.05)

    def _free_ports(self) -> Ports:
        https, dicom = self._asked
        for port in (https, dicom):
            if port and _answers(port):
                raise InputError(f"Port {port} is used by another program: choose another one.")
        return Ports(https or free_port(), dicom or free_port(), free_port())

    def _make_accounts(self) -> None:
        if self.files.accounts.exists():
            self.passwords = json.loads(self.files.accounts.read_text(encoding="utf-8"))
            return
        self.passwords = {user: secrets.token_urlsafe(18) for user in (UPLOADER, REVIEWER, ADMINISTRATOR)}
        write_private(self.files.accounts, json.dumps(self.passwords, indent=2) + "\n")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind((LOCAL, 0))
        return found.getsockname()[1]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((LOCAL, port), timeout=1.0):
            return True
    except OSError:
        return False


def _program(name: str) -> Path | None:
    found = shutil.which(name) or shutil.which(name, path=":".join(SYSTEM_FOLDERS))
    return None if found is None else Path(found)


def _plugin() -> Path | None:
    for folder in PLUGINS:
        if (Path(folder) / DICOMWEB_PLUGIN).exists():
            return Path(folder) / DICOMWEB_PLUGIN
    return None
