"""What is done, line by line, so that a run that was killed can be finished by starting it again.

The journal lies beside the output, never in it: it names input files. Lines are only ever appended, each after its
output is in place. A damaged end (the process or the machine died while writing) is cut off when the journal is opened
again; damage anywhere else is told, and the journal is left as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.output_folder import FULL_DISK
from ThoraxAILib.jobs.outputs.private_files import make_private_folder, open_private

FORMAT = "thoraxai.anonymizer-journal/1"
GONE = "gone"  # an input that waited and is no longer in the folder
SYNC_SECONDS = 1.0
OF_A_CLEAN_FILE = ("output", "sha256_out", "patient", "sop_instance", "sop_class", "signature")


@dataclass(frozen=True)
class Entry:
    """The outcome of one input file; names and hashes of the output are empty when there is none.

    ``searched`` says how many identifiers of which kind its self-check looked for, and in how many "bytes".
    """

    source: str
    size: int
    modified_ns: int
    status: str
    reason: str = ""
    output: str = ""
    sha256_out: str = ""
    patient: str = ""
    study: str = ""
    series: str = ""
    sop_instance: str = ""
    sop_class: str = ""
    signature: str = ""
    searched: dict[str, int] | None = None


@dataclass(frozen=True)
class Finished:
    """What the journal knows of an input that was dealt with; ``output`` is empty when it has none."""

    size: int
    modified_ns: int
    output: str


def signature_of(changes: list[list]) -> str:
    """Derive a short name for a set of changes; many instances share one."""
    return hashlib.sha256(json.dumps(changes).encode("ascii")).hexdigest()[:16]


class Journal:
    """The journal of one output folder; only one process may have it open (see ``RunLock``)."""

    def __init__(self, path: Path, settings: str) -> None:
        """Open or begin the journal; InputError when it was begun with other settings or is damaged inside."""
        self.path = path
        self.note = ""
        self.finished: dict[str, Finished] = {}
        self.waiting: set[str] = set()
        self._signatures: set[str] = set()
        self._studies: set[str] = set()
        self._synced = time.monotonic()
        make_private_folder(path.parent)
        if path.exists() and self._has_a_beginning():
            self._resume(settings)
            self._file = open_private(path, os.O_WRONLY | os.O_APPEND)
        else:  # none, or the first line was never finished: nothing is lost by beginning again
            self._file = open_private(path, os.O_WRONLY | os.O_APPEND | os.O_TRUNC)
            self._write({"format": FORMAT, "settings": settings})
            os.fsync(self._file)

    def _has_a_beginning(self) -> bool:
        with self.path.open("rb") as file:
            return any(line.strip(b"\0\n") for line in file if line.endswith(b"\n"))

    def _resume(self, settings: str) -> None:
        self._cut_damaged_end()
        lines = self.records(self.path)
        first = next(lines, {})
        if first.get("format") != FORMAT or first.get("settings") != settings:
            raise InputError(
                "This output folder was begun with another key, profile or options (without --key each run has its "
                "own): choose a new folder."
            )
        for record in lines:
            if "source" in record:
                self._remember(record)
            elif "signature" in record:
                self._signatures.add(record["signature"])
            elif "quasi_of" in record:
                self._studies.add(record["quasi_of"])

    def _remember(self, record: dict) -> None:
        name, status = record["source"], record["status"]
        self.finished.pop(name, None)
        self.waiting.discard(name)
        if status in ("quarantined", "skipped"):
            self.waiting.add(name)
        if status in ("clean", "skipped"):  # what is quarantined is looked at again: a person may have mended it
            self.finished[name] = Finished(record["size"], record["modified_ns"], record.get("output", ""))

    def _cut_damaged_end(self) -> None:
        """Cut off the last line when it is unfinished or no record; where lines before it are damaged, leave it."""
        end, good = 0, 0
        with self.path.open("rb") as file:
            for line in file:
                end += len(line)
                if line.endswith(b"\n") and _record(line) is not None:
                    good = end
                    continue
                rest = file.read(1)
                if line.endswith(b"\n") and rest:  # more lines follow: records() will name this one
                    return
        if good < end:
            with self.path.open("r+b") as file:
                file.truncate(good)
                os.fsync(file.fileno())
            self.note = "The last line of the journal was damaged and was cut off: its file is done again."

    @staticmethod
    def records(path: Path) -> Iterator[dict]:
        """Every record, as written; InputError names the line that is none."""
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                record = _record(line)
                if record is None:
                    raise InputError(
                        f"The journal {path.name} of this output is damaged in line {number}: restore it "
                        "from a copy, or choose a new output folder."
                    )
                yield record

    def is_done(self, source: str, size: int, modified_ns: int, output: Path) -> bool:
        """Whether this file, unchanged since, was dealt with before, and its output is still there."""
        found = self.finished.get(source)
        if found is None or (found.size, found.modified_ns) != (size, modified_ns):
            return False
        return not found.output or _has_content(output / found.output)

    def add(self, entry: Entry, changes: list[list] | None = None, quasi: dict[str, str] | None = None) -> None:
        """Note one outcome, with the changes and the study's quasi-identifiers where they are new."""
        if changes is not None and entry.signature not in self._signatures:
            self._signatures.add(entry.signature)
            self._write({"signature": entry.signature, "changes": changes})
        if quasi is not None and entry.study not in self._studies:
            self._studies.add(entry.study)
            self._write({"quasi_of": entry.study, "patient": entry.patient, "quasi": quasi})
        needed = OF_A_CLEAN_FILE if entry.status == "clean" else ()
        self._write({name: value for name, value in vars(entry).items() if value != "" or name in needed})
        if time.monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def add_gone(self, present: set[str]) -> None:
        """Note inputs that waited for a person and are no longer there, so that the report forgets them."""
        for name in sorted(self.waiting - present):
            self.add(Entry(name, 0, 0, GONE))

    def _write(self, record: dict) -> None:
        line = json.dumps(record).encode("ascii") + b"\n"
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            full = "is full: free some space" if error.errno in FULL_DISK else f"cannot be written ({error.strerror})"
            raise OutputError(f"The disk of the private folder {full}, then start the same command again.") from error

    def close(self) -> None:
        """Finish writing."""
        try:
            os.fsync(self._file)
        except OSError:  # pipes and some network disks cannot; the lines themselves were written
            pass
        finally:
            os.close(self._file)


def _record(line: bytes) -> dict | None:
    """One line as a record; None when it is not one that this program writes."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    if "source" in record:
        return record if _is_outcome(record) else None
    if "changes" in record:
        return record if isinstance(record.get("signature"), str) and _are_rows(record["changes"]) else None
    if "quasi_of" in record:
        return record if isinstance(record.get("quasi"), dict) and isinstance(record.get("patient"), str) else None
    return record if "format" in record else None


def _is_outcome(record: dict) -> bool:
    texts = ("source", "status", *(OF_A_CLEAN_FILE if record.get("status") == "clean" else ()))
    return (
        all(isinstance(record.get(name), str) for name in texts)
        and isinstance(record.get("reason", ""), str)
        and all(isinstance(record.get(name), int) for name in ("size", "modified_ns"))
    )


def _are_rows(changes: object) -> bool:
    return isinstance(changes, list) and all(
        isinstance(row, list) and len(row) == 3 and all(isinstance(cell, str) for cell in row) for row in changes
    )


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
