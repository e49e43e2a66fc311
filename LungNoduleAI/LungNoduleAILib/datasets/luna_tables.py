"""LUNA16's tables: annotations.csv, annotations_excluded.csv, seriesuids.csv and a detector's marks (LPS mm)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.lps import flip_lps_ras
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter, plain_cell
from ThoraxAILib.statistics.marks import Marks, Places

SERIES, COORDINATES = "seriesuid", ("coordX", "coordY", "coordZ")
DIAMETER, SCORE, TYPE = "diameter_mm", "probability", "type"


def read_marks(path: Path) -> Marks:
    """Mark of a detector (columns seriesuid, coordX, coordY, coordZ, probability); raises InputError."""
    table = _read_table(path, (SERIES, *COORDINATES, SCORE))
    return Marks(np.array(table[SERIES], dtype=str), _centers(table, path), _numbers(table, SCORE, path))


def read_places(path: Path) -> Places:
    """Annotations or excluded findings (columns as LUNA16's, optionally type); raises InputError."""
    table = _read_table(path, (SERIES, *COORDINATES, DIAMETER))
    types = tuple(word.strip().lower() or "unknown" for word in table.get(TYPE, ()))
    return Places(np.array(table[SERIES], dtype=str), _centers(table, path), _numbers(table, DIAMETER, path), types)


def read_series(path: Path) -> tuple[str, ...]:
    """One series UID per line, with or without the header ``seriesuid``; blank lines are skipped."""
    rows = [row[0].strip() for row in _rows(path) if row and row[0].strip()]
    if rows and rows[0].lower() == SERIES:
        rows = rows[1:]
    if not rows:
        raise InputError(f"'{path.name}' names no series: give one series UID per line.")
    return tuple(rows)


def write_marks(path: Path, marks: Marks) -> None:
    """Write marks in LUNA16's form (LPS mm)."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = SafeWriter(file)
        writer.writerow((SERIES, *COORDINATES, SCORE))
        for name, center, score in zip(marks.series, flip_lps_ras(marks.centers_ras_mm), marks.score, strict=True):
            writer.writerow((name, *(repr(float(x)) for x in center + 0.0), repr(float(score))))


def _read_table(path: Path, needed: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the columns of a table by name; an entirely empty file has no rows."""
    rows = [row for row in _rows(path) if any(cell.strip() for cell in row)]
    if not rows:
        return {name: [] for name in needed}
    header = [name.strip() for name in rows[0]]
    missing = [name for name in needed if name not in header]
    if missing:
        raise InputError(
            f"'{path.name}' has no column {', '.join(missing)}: its first line must name {','.join(needed)}."
        )
    for number, row in enumerate(rows[1:], start=1):
        if len(row) < len(header):
            raise InputError(
                f"Row {number} of '{path.name}' has {len(row)} cells where {len(header)} are named: complete the table."
            )
    wanted = {name: header.index(name) for name in (*needed, TYPE) if name in header}
    return {name: [row[column].strip() for row in rows[1:]] for name, column in wanted.items()}


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [[plain_cell(cell) for cell in row] for row in csv.reader(file)]
    except FileNotFoundError:
        raise InputError(f"There is no table '{path.name}': check the path.") from None
    except OSError as error:
        raise InputError(f"'{path.name}' cannot be read ({error.strerror}): give a CSV file.") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"'{path.name}' is not a text table: give a CSV file in UTF-8.") from None


def _centers(table: dict[str, list[str]], path: Path) -> np.ndarray:
    """RAS mm of the LPS coordinates."""
    columns = [_numbers(table, name, path) for name in COORDINATES]
    return flip_lps_ras(np.stack(columns, axis=1))


def _numbers(table: dict[str, list[str]], column: str, path: Path) -> np.ndarray:
    values = np.empty(len(table[column]))
    for row, text in enumerate(table[column]):
        try:
            values[row] = float(text)
        except ValueError:
            values[row] = np.nan
        if not np.isfinite(values[row]):
            raise InputError(
                f"Row {row + 1} of '{path.name}' has {column} '{text[:40]}', which is not a finite "
                "number: correct the table."
            )
    return values
