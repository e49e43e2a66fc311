"""Rows of docs/validation.json, and which of them are older than the code they measure.

A row says what was measured: ``id``, ``group``, ``claim``, ``value`` with ``unit``, an ``interval`` (low, high) or
``plus_minus``, ``n``, ``data``, the ``script`` that measures it, the ``commit`` and ``date`` it was measured on, and
``code``: paths whose change makes it old. Commits in ``same_results`` changed code, but were shown to leave every
result as it was (Testing/benchmarks/same_results.py); they make no row old.
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
class Measured:
    """All rows, the commits that were shown to change no result, and how the ids of a model card's rows begin."""

    rows: tuple[Row, ...]
    same_results: tuple[str, ...]
    cards: dict[str, tuple[str, ...]]


def read_measured(path: Path = JSON_FILE) -> Measured:
    """Read the rows; ValueError for another schema, TypeError for a row with an unknown or missing field."""
    content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if content["schema"] != SCHEMA:
        raise ValueError(f"{path.name} has the schema {content['schema']}, {SCHEMA} was expected")
    rows = tuple(_row(fields) for fields in content["rows"])
    cards = {name: tuple(beginnings) for name, beginnings in content["cards"].items()}
    return Measured(rows, tuple(item["commit"] for item in content["same_results"]), cards)


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
    same = tuple(_git(repository, "rev-parse", commit) for commit in measured.same_results)
    return tuple(row for row in measured.rows if _is_old(repository, row.commit, row.code, same))


@cache
def _is_old(repository: Path, commit: str, code: tuple[str, ...], same: tuple[str, ...]) -> bool:
    if _git(repository, "merge-base", commit, "HEAD") is None:
        return True
    if not code:
        return False
    paths = ("--", *code, *NOT_CODE)
    later = (_git(repository, "log", "--format=%H", f"{commit}..HEAD", *paths) or "").split()
    return bool(set(later) - set(same)) or bool(_git(repository, "diff", "--name-only", "HEAD", *paths))


def _git(repository: Path, *arguments: str) -> str | None:
    """What git prints, None where it fails or is not there."""
    try:
        done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
