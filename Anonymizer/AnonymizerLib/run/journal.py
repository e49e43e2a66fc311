"""What is done, line by line, so that a run that was killed can be finished by starting it again.

The journal lies beside the output, never in it: it names input files. A line is written only after its output is in
place; a half-written last line is dropped when the journal is opened again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError

FORMAT = "thoraxai.anonymizer-journal/1"


@dataclass(frozen=True)
class Entry:
    """The outcome of one input file; names and hashes of the output are empty when there is none."""

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


def signature_of(changes: list[list]) -> str:
    """A short name for a set of changes; many instances share one."""
    return hashlib.sha256(json.dumps(changes).encode("ascii")).hexdigest()[:16]


class Journal:
    """The journal of one output folder."""

    def __init__(self, path: Path, settings: str) -> None:
        """Open or begin the journal; InputError when it was begun with other settings."""
        self.path = path
        self._signatures: set[str] = set()
        self._studies: set[str] = set()
        self.finished: dict[str, tuple[int, int]] = {}
        if path.exists():
            self._resume(settings)
            self._file = path.open("a", encoding="utf-8")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")
            self._write({"format": FORMAT, "settings": settings})

    def _resume(self, settings: str) -> None:
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        lines = self.records(self.path)
        first = next(lines, {})
        if first.get("format") != FORMAT or first.get("settings") != settings:
            raise InputError("This output folder was begun with another key, profile or options: choose a new folder.")
        for record in lines:
            if "source" in record:
                if record["status"] == "quarantined":  # looked at again: a person may have done something about it
                    self.finished.pop(record["source"], None)
                else:
                    self.finished[record["source"]] = (record["size"], record["modified_ns"])
            elif "signature" in record:
                self._signatures.add(record["signature"])
            elif "quasi_of" in record:
                self._studies.add(record["quasi_of"])

    @staticmethod
    def records(path: Path) -> Iterator[dict]:
        """Every whole line, as written."""
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)

    def is_done(self, source: str, size: int, modified_ns: int) -> bool:
        """Whether this file, unchanged since, was dealt with before."""
        return self.finished.get(source) == (size, modified_ns)

    def add(self, entry: Entry, changes: list[list] | None = None, quasi: dict[str, str] | None = None) -> None:
        """Note one outcome, with the changes and the study's quasi-identifiers where they are new."""
        if changes is not None and entry.signature not in self._signatures:
            self._signatures.add(entry.signature)
            self._write({"signature": entry.signature, "changes": changes})
        if quasi is not None and entry.study not in self._studies:
            self._studies.add(entry.study)
            self._write({"quasi_of": entry.study, "patient": entry.patient, "quasi": quasi})
        self._write({name: value for name, value in asdict(entry).items() if value != ""})

    def _write(self, record: dict) -> None:
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Finish writing."""
        self._file.close()
