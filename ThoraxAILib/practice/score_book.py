"""What a trainee has done so far: one entry per scored case in a JSON file of their own, exported as CSV or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.practice.whole_json import write_whole_json
from ThoraxAILib.untrusted.plain_json import read_plain_json

JSON_ENDING = ".json"
DIFFICULTIES = EASY, MEDIUM, HARD = ("easy", "medium", "hard")


@dataclass(frozen=True)
class ScoreBook:
    """The files of one kind of practice: their schema, and what an entry holds; ``seed``, ``difficulty`` are in it."""

    schema: str
    columns: tuple[str, ...]

    def read(self, path: Path) -> list[dict[str, Any]]:
        """Return the entries of a file, none where there is no file; raises InputError for another file."""
        if not path.is_file():
            return []
        try:
            document = read_plain_json(path)
            if document["schema"] != self.schema:
                raise ValueError("another schema")
            return [{name: entry[name] for name in self.columns} for entry in document["cases"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"'{path.name}' holds no progress of the practice: name another file.") from error

    def add(self, path: Path, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Add a case to the file, which is whole at every moment, and return all entries."""
        entries = [*self.read(path), {name: entry[name] for name in self.columns}]
        write_whole_json(path, self._document(entries))
        return entries

    def export(self, entries: Sequence[Mapping[str, Any]], path: Path) -> None:
        """Write the entries as CSV, one row per case, or as JSON where the file is named so."""
        if path.suffix.lower() == JSON_ENDING:
            write_whole_json(path, self._document(entries))
            return
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = SafeWriter(file)
            writer.writerow(self.columns)
            for entry in entries:
                writer.writerow(["" if entry[name] is None else entry[name] for name in self.columns])

    def _document(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"schema": self.schema, "cases": [dict(entry) for entry in entries]}


def next_seed(entries: Sequence[Mapping[str, Any]], difficulty: str) -> int:
    """Return the first case of a difficulty that comes after all that were scored."""
    return 1 + max((entry["seed"] for entry in entries if entry["difficulty"] == difficulty), default=0)
