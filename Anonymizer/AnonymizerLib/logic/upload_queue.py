"""The queue of uploads: which folder goes to which store, and how far each is; kept in a file, so that it outlives us.

Nothing here sends anything: a panel asks for the next order, starts ``upload_job`` and says what came of it. The file
holds no password.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_environment, python_interpreter
from ThoraxAILib.jobs.events import STANDARD_OUTPUT
from ThoraxAILib.jobs.outputs.private_files import make_private_folder, write_private
from ThoraxAILib.store.access import PASSWORD_VARIABLE
from ThoraxAILib.store.address import parse_address, user_of
from ThoraxAILib.store.upload.manifest import read_manifest
from ThoraxAILib.store.upload.states import StudyState, read_states
from ThoraxAILib.store.upload.upload import FolderToSend
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

WAITING, SENDING, PAUSED, DONE, FAILED = "waiting", "sending", "paused", "done", "failed"
STATES = (WAITING, SENDING, PAUSED, DONE, FAILED)
MAX_BYTES, MAX_ORDERS = 4 << 20, 1000


@dataclass(frozen=True)
class UploadOrder:
    """One folder on its way: where it goes, who sends it, how far it is and why it stopped."""

    folder: str
    address: str
    user: str = ""
    authority: str = ""
    state: str = WAITING
    message: str = ""

    @property
    def private_folder(self) -> Path:
        """Where journal and log are."""
        return FolderToSend(Path(self.folder)).private_folder

    @property
    def needs_password(self) -> bool:
        """Whether a user is named, who has to show a password."""
        return bool(user_of(parse_address(self.address), self.user))

    def studies(self) -> list[StudyState]:
        """Return how far each study is; nothing before the first start."""
        return read_states(self.private_folder, str(parse_address(self.address)))


class UploadQueue:
    """The orders, in the order in which they are sent; every change is written at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.orders: list[UploadOrder] = _read(file)

    def add(self, order: UploadOrder) -> int:
        """Append an order and return its place.

        Raises InputError when the address cannot be used, the folder is none of the Anonymizer's, or it is in the
        queue for the same store already.
        """
        parse_address(order.address)
        read_manifest(Path(order.folder))
        if any((one.folder, one.address) == (order.folder, order.address) for one in self.orders):
            raise InputError("This folder is in the queue for this store already: select it and press Send.")
        if len(self.orders) >= MAX_ORDERS:
            raise InputError(f"The queue holds {MAX_ORDERS} folders already: remove those that are done.")
        self.orders.append(order)
        self._write()
        return len(self.orders) - 1

    def remove(self, place: int) -> None:
        """Take an order out; what was sent stays in the store, and journal and log stay where they are."""
        if self.orders[place].state == SENDING:
            raise InputError("This folder is being sent: pause it first.")
        del self.orders[place]
        self._write()

    def mark(self, place: int, state: str, message: str = "") -> None:
        """Say what became of an order."""
        self.orders[place] = replace(self.orders[place], state=state, message=message)
        self._write()

    def resume(self) -> None:
        """Let everything that was paused wait for its turn."""
        for place, order in enumerate(self.orders):
            if order.state == PAUSED:
                self.mark(place, WAITING)

    def next_place(self) -> int | None:
        """Return the place of the first order that waits; None when there is none."""
        return next((place for place, order in enumerate(self.orders) if order.state == WAITING), None)

    def _write(self) -> None:
        try:
            make_private_folder(self._file.parent)
            write_private(self._file, json.dumps([asdict(order) for order in self.orders], indent=1) + "\n")
        except OSError as error:
            raise OutputError(
                f"The queue of uploads cannot be kept ({error.strerror}): free some space; nothing was sent."
            ) from error


def upload_job(order: UploadOrder, password: str = "", environment: Mapping[str, str] | None = None) -> ChildJob:
    """Make the job that sends an order, not yet started; the password goes through the environment only.

    Raises InputError when a user is named and no password is given.
    """
    if order.needs_password and not password:
        raise InputError("This store asks who sends: give the password of the user.")
    variables = dict(child_environment() if environment is None else environment)
    variables.pop(PASSWORD_VARIABLE, None)
    if password:
        variables[PASSWORD_VARIABLE] = password
    words = ["upload", order.folder, "--to", order.address, "--events", STANDARD_OUTPUT]
    words += ["--user", order.user] if order.user else []
    words += ["--ca", order.authority] if order.authority else []
    return ChildJob([python_interpreter(), "-m", "ThoraxAILib", *words], variables)


def _read(file: Path) -> list[UploadOrder]:
    """Return the orders of the last session; what was being sent when it ended is paused.

    A file that cannot be used is put aside, so that the next change does not write over it.
    """
    if not file.is_file():
        return []
    try:
        lines = json.loads(read_bounded(file, MAX_BYTES))
        orders = [_order(line) for line in lines[:MAX_ORDERS]]
    except (OSError, TooLarge, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError):
        with suppress(OSError):
            file.replace(file.with_name(file.name + ".damaged"))
        return []
    return [replace(order, state=PAUSED) if order.state == SENDING else order for order in orders]


def _order(line: dict) -> UploadOrder:
    order = UploadOrder(**{name: line[name] for name in UploadOrder.__dataclass_fields__})
    if not all(isinstance(value, str) for value in asdict(order).values()) or order.state not in STATES:
        raise ValueError("no order")
    parse_address(order.address)
    return order
