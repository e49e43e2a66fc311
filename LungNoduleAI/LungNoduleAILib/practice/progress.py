"""What a trainee has done so far: one entry per scored case in a JSON file of their own, and the same as CSV."""

from __future__ import annotations

import json
import os
from pathlib import Path

from LungNoduleAILib.practice.score import Score
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.csv_safety import SafeWriter
from ThoraxAILib.untrusted.plain_json import read_plain_json

SCHEMA = "thoraxai.practice/1"
COLUMNS = ("seed", "difficulty", "nodules", "found", "missed", "false_marks", "size_error_mm", "seconds")


def read_progress(path: Path) -> list[dict]:
    """Return the entries of a file, none where there is no file; raises InputError for another file."""
    if not path.is_file():
        return []
    try:
        document = read_plain_json(path)
        if document["schema"] != SCHEMA:
            raise ValueError("another schema")
        return [{name: entry[name] for name in COLUMNS} for entry in document["cases"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{path.name}' holds no progress of the practice: name another file.") from error


def next_seed(entries: list[dict], difficulty: str) -> int:
    """Return the first case of a difficulty that comes after all that were scored."""
    return 1 + max((entry["seed"] for entry in entries if entry["difficulty"] == difficulty), default=0)


def add_progress(path: Path, seed: int, difficulty: str, score: Score) -> list[dict]:
    """Add a case to the file, which is written at once, and return all entries."""
    entry = {
        "seed": seed,
        "difficulty": difficulty,
        "nodules": len(score.found) + len(score.missed),
        "found": len(score.found),
        "missed": len(score.missed),
        "false_marks": len(score.false_marks),
        "size_error_mm": score.size_error_mm,
        "seconds": score.seconds,
    }
    entries = [*read_progress(path), entry]
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps({"schema": SCHEMA, "cases": entries}, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)
    return entries


def export_progress(entries: list[dict], path: Path) -> None:
    """Write the entries as CSV, one row per case."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = SafeWriter(file)
        writer.writerow(COLUMNS)
        for entry in entries:
            writer.writerow(["" if entry[name] is None else entry[name] for name in COLUMNS])


def progress_words(entries: list[dict]) -> str:
    """Return how many nodules of all cases were found, and how many marks were false per case."""
    nodules, found = (sum(entry[name] for entry in entries) for name in ("nodules", "found"))
    false_marks = sum(entry["false_marks"] for entry in entries)
    cases = f"{len(entries)} case{'s' * (len(entries) != 1)}"
    return f"{cases}: {found} of {nodules} nodules found, {false_marks / max(len(entries), 1):.1f} false marks per case"
