"""A log that shows when it was changed: each line holds the hash of the line before, and a small file the last one.

Lines are JSON. What happened is named as in PS3.15 A.5.3. No name, no identifier of a patient and no path stands in
it: counts, hashes and new UIDs only.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.private_files import make_private_folder, open_private, write_private

FIRST = "0" * 64
EXPORT, TRANSFERRED, ALERT = "Data Export", "DICOM Instances Transferred", "Security Alert"
HEAD_SUFFIX = ".head"


class AuditLog:
    """The log in a private folder; raises InputError when it was changed before."""

    def __init__(self, path: Path) -> None:
        make_private_folder(path.parent)
        self.path = path
        self._head = FIRST
        if path.exists() or _head_file(path).exists():
            self._head = verify_log(path)
            _cut_unfinished_line(path)

    def add(self, event: str, **details: Any) -> None:
        """Append one event; it is on the disk when this returns."""
        record = {"time": _now(), "event": event, **details, "before": self._head}
        line = json.dumps(record, sort_keys=True).encode("ascii")
        try:
            descriptor = open_private(self.path, os.O_WRONLY | os.O_APPEND)
            with os.fdopen(descriptor, "wb") as file:
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self._head = hashlib.sha256(line).hexdigest()
            write_private(_head_file(self.path), self._head + "\n")
        except OSError as error:
            raise OutputError(
                f"The log {self.path.name} cannot be written ({error.strerror}): free some space, then start the same "
                "command again."
            ) from error


def verify_log(path: Path) -> str:
    """Return the hash of the last line; raises InputError naming the first line that is not as it was written.

    A last line that a killed process left unfinished, or wrote without telling its hash, is no change.
    """
    before, heads = FIRST, [FIRST]
    try:
        lines = path.read_bytes().split(b"\n")
        told = _head_file(path).read_text(encoding="ascii").strip() if _head_file(path).exists() else FIRST
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The log {path.name} cannot be read: restore it from a copy.") from error
    lines.pop()  # what follows the last line break: nothing, or what a killed process began to write
    for number, line in enumerate(lines, start=1):
        if _before(line) != before:
            raise _changed(path, number)
        before = hashlib.sha256(line).hexdigest()
        heads.append(before)
    if told not in heads[-2:]:
        raise _changed(path, len(lines))
    return before


def _cut_unfinished_line(path: Path) -> None:
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)


def _changed(path: Path, number: int) -> InputError:
    return InputError(
        f"The log {path.name} was changed or cut at line {number}: keep it as evidence, find out who did it, and give "
        "another --private folder for further work."
    )


def _before(line: bytes) -> str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return str(record.get("before", "")) if isinstance(record, dict) else ""


def _head_file(path: Path) -> Path:
    return path.with_name(path.name + HEAD_SUFFIX)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
