"""CSV cells that no spreadsheet runs as a formula; every table the suite writes goes through ``safe_writer``.

File names, identifiers and notes come from outside. A cell that begins with ``= + - @`` (or their full-width twins),
a tab or a line break is a formula to Excel, LibreOffice and Google Sheets, which may run programs or call out to the
network (OWASP, "CSV Injection"). Such text gets an apostrophe in front; numbers stay numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

_FORMULA = re.compile(r"'*(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def safe_cell(value: object) -> object:
    """Return the value as it may stand in a CSV; only text that a spreadsheet would run is changed."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def plain_cell(text: str) -> str:
    """Return the text that ``safe_cell`` made safe; every other text as it is."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


class SafeWriter:
    """A ``csv.writer`` whose every cell is safe to open in a spreadsheet."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")

    def writerow(self, row: Iterable[object]) -> None:
        """Write one row."""
        self._writer.writerow([safe_cell(value) for value in row])

    def writerows(self, rows: Iterable[Sequence[object]]) -> None:
        """Write rows, in their order."""
        for row in rows:
            self.writerow(row)
