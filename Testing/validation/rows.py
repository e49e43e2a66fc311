"""Rows of docs/validation.json, and which of them are older than the code they measure.

A row says what was measured: ``id``, ``group``, ``claim``, ``value`` with ``unit``, an ``interval`` (low, high) or
``plus_minus``, ``n``, ``data``, the ``script`` that measures it, the ``commit`` and ``date`` it was measured on, and
``code``: paths whose change makes it old; a file keeps its history when it moves. It is empty where an earlier
version, or how a training went, is told: that stays true. An entry of ``same_results`` says
that the commits after ``from`` up to ``to`` changed code, but were shown to leave the results of ``code`` as they
were, and ``how`` (Testing/benchmarks/same_results.py); they make no row of that code old.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
JSON_FILE = REPOSITORY / "docs" / "validation.json"
SCHEMA = "thoraxai.validation/1"
NOT_CODE = (":(exclude)*.md", ":(exclude)*CMakeLists.txt")


@dataclass(frozen=True)
class Row:
    """One measured number; numbers are decimals as they are written in the file."""

    id: str
    group: str
    claim: str
    value: Decimal | int
    unit: str
    n: str
    data: str
    script: str
    commit: str
    date: str
    code: tuple[str, ...]
    interval: tuple[Decimal, Decimal] | None = None
    plus_minus: Decimal | None = None


@dataclass(frozen=True)
class SameResults:
    """Commits that changed code under ``code`` and were shown to change no result of it."""

    first: str
    last: str
    code: tuple[str, ...]
    how: str


@dataclass(frozen=True)
class Measured:
    """All rows, what was shown to change no result, and how the ids of a model card's rows begin."""

    rows: tuple[Row, ...]
    same_results: tuple[SameResults, ...]
    cards: dict[str, tuple[str, ...]]


def read_measured(path: Path = JSON_FILE) -> Measured:
    """Read the rows; ValueError for another schema, TypeError for a row with an unknown or missing field."""
    content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if content["schema"] != SCHEMA:
        raise ValueError(f"{path.name} has the schema {content['schema']}, {SCHEMA} was expected")
    rows = tuple(_row(fields) for fields in content["rows"])
    cards = {name: tuple(beginnings) for name, beginnings in content["cards"].items()}
    same = tuple(
        SameResults(item["from"], item["to"], tuple(item["code"]), item["how"]) for item in content["same_results"]
    )
    return Measured(rows, same, cards)


def _row(fields: dict[str, Any]) -> Row:
    fields = fields | {"code": tuple(fields["code"])}
    if "interval" in fields:
        fields["interval"] = tuple(fields["interval"])
    return Row(**fields)


def has_history(repository: Path = REPOSITORY) -> bool:
    """Whether the whole history can be asked (a downloaded archive and a shallow clone cannot)."""
    return _git(repository, "rev-parse", "--is-shallow-repository") == "false"


def old_rows(measured: Measured, repository: Path = REPOSITORY) -> tuple[Row, ...]:
    """Rows whose code changed after the commit they were measured on, or whose commit is not in the history."""
    changes = _changes(repository, _git(repository, "rev-parse", "HEAD") or "")
    return tuple(row for row in measured.rows if _is_old(repository, row, measured.same_results, changes))


def _is_old(repository: Path, row: Row, same_results: tuple[SameResults, ...], changes: dict[str, set[str]]) -> bool:
    if _git(repository, "merge-base", row.commit, "HEAD") is None:
        return True
    if not row.code:
        return False
    later = _between(repository, row.commit, "HEAD")
    for file in (file for file in changes if _lies_in(file, row.code)):
        shown = [same for same in same_results if _lies_in(file, same.code)]
        if (changes[file] & later).difference(*(_between(repository, same.first, same.last) for same in shown)):
            return True
    return bool(_git(repository, "diff", "--name-only", "HEAD", "--", *row.code, *NOT_CODE))


def _lies_in(file: str, folders: tuple[str, ...]) -> bool:
    return any(file == folder or file.startswith(f"{folder.rstrip('/')}/") for folder in folders)


@cache
def _between(repository: Path, first: str, last: str) -> set[str]:
    """Commits after ``first`` up to ``last``."""
    return set((_git(repository, "rev-list", f"{first}..{last}") or "").split())


@cache
def _changes(repository: Path, _head: str) -> dict[str, set[str]]:
    """The commits that changed each file of today, also under the names it had before."""
    today = set((_git(repository, "ls-files", "--", ".", *NOT_CODE) or "").splitlines())
    names = {file: file for file in today}
    changes: dict[str, set[str]] = {file: set() for file in today}
    commit = ""
    for line in (_git(repository, "log", "--topo-order", "--format=%H", "--name-status", "-M50%") or "").splitlines():
        status, *paths = line.split("\t")
        if not paths:
            commit = status or commit
            continue
        file = names.get(paths[-1])
        if file is not None and status != "R100":
            changes[file].add(commit)
        if file is not None and status.startswith("R"):
            names[paths[0]] = file
    return changes


def _git(repository: Path, *arguments: str) -> str | None:
    """What git prints, None where it fails or is not there."""
    try:
        done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
