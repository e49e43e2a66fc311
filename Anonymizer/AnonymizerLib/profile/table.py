"""Table E.1-1 as generated data: one row per attribute, with its basic action and option columns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Row:
    """One row: ``tag`` in eight hex digits ('x' for a wildcard, or 'private') and the standard's action codes."""

    tag: str
    name: str
    vr: str
    basic: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def is_wildcard(self) -> bool:
        """Whether the row stands for many tags."""
        return self.tag == "private" or "x" in self.tag


@lru_cache(maxsize=1)
def table() -> tuple[str, tuple[Row, ...]]:
    """Load the edition and every row."""
    data = json.loads((DATA / "confidentiality_table.json").read_text(encoding="utf-8"))
    return data["edition"], tuple(Row(**row) for row in data["rows"])


@lru_cache(maxsize=1)
def row_by_tag() -> dict[int, Row]:
    """Rows that stand for exactly one tag."""
    return {int(row.tag, 16): row for row in table()[1] if not row.is_wildcard}


@lru_cache(maxsize=1)
def wildcard_rows() -> dict[str, Row]:
    """List the wildcard rows: 'private', '50xxxxxx', '60xx3000', '60xx4000'."""
    return {row.tag: row for row in table()[1] if row.is_wildcard}


def row_of(tag: int) -> Row | None:
    """Find the row that governs this tag, wildcards included; None when the table does not list it."""
    row = row_by_tag().get(tag)
    if row is not None:
        return row
    group, element = tag >> 16, tag & 0xFFFF
    if group % 2:
        return wildcard_rows()["private"]
    if 0x5000 <= group <= 0x501E:
        return wildcard_rows()["50xxxxxx"]
    if 0x6000 <= group <= 0x601E and element in (0x3000, 0x4000):
        return wildcard_rows()[f"60xx{element:04x}"]
    return None
