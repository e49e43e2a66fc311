"""Loss of each calibration scan at each threshold: read from a table, or made from marks and annotations.

The loss of a scan is 1 - its sensitivity, counting every annotated nodule: one that was never proposed is lost at
every threshold. Scans without a nodule have no sensitivity; they count for the false marks alone.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import plain_cell
from ThoraxAILib.statistics.mark_matching import match
from ThoraxAILib.statistics.marks import Marks, Places
from ThoraxAILib.statistics.risk_control import LossTable
from ThoraxAILib.untrusted.bounded_bytes import read_bounded

MAX_TABLE_BYTES = 256 << 20
SLICES_MM, SLICES, KERNEL = "slice_mm", "slices", "kernel"  # columns that an analysis knows of its own scan
THIN_MM = 1.5
THIN, THICK = f"up to {THIN_MM:g} mm", f"over {THIN_MM:g} mm"
GRID = 1001  # thresholds 0, 0.001 ... 1, as fine as the published calibration (arXiv 2412.20167: 1000)


@dataclass(frozen=True, eq=False)
class ScanLosses:
    """Losses of scans with a nodule, what is known of each scan, and false marks of all scans where marks are known.

    ``columns`` holds one text per row of the table; ``false_marks`` (scans, m) counts of every scan, those without a
    nodule included, with ``false_mark_columns`` beside it; None when only losses were given.
    """

    table: LossTable
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    false_marks: np.ndarray | None = None
    false_mark_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def column(self, name: str) -> np.ndarray:
        """Return the texts of one column; raises InputError when there is none of this name."""
        if name not in self.columns:
            there = ", ".join(self.columns) or "none"
            raise InputError(f"There is no column '{name}' to group by: the table of scans has {there}.")
        return np.array(self.columns[name], dtype=str)


def read_losses(path: Path) -> ScanLosses:
    """Read a table of losses: rows are scans, headers that are numbers are thresholds, other columns describe scans.

    Raises InputError.
    """
    rows = _rows(path)
    header = [name.strip() for name in rows[0]] if rows else []
    thresholds = {position: value for position, name in enumerate(header) if (value := _number(name)) is not None}
    if not thresholds or len(rows) < 2:
        raise InputError(
            f"'{path.name}' holds no losses: its first line must name thresholds such as 0,0.01,0.02, and each further "
            "line holds the losses of one scan."
        )
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(header):
            raise InputError(
                f"Row {number} of '{path.name}' has {len(row)} cells where {len(header)} are named: complete the table."
            )
    losses = np.empty((len(rows) - 1, len(thresholds)))
    for number, row in enumerate(rows[1:], start=1):
        for column, position in enumerate(thresholds):
            value = _number(row[position])
            if value is None:
                raise InputError(
                    f"Row {number} of '{path.name}' has a cell under {header[position]} that is no number: correct it."
                )
            losses[number - 1, column] = value
    columns = {
        name or "scan": tuple(row[position].strip() for row in rows[1:])
        for position, name in enumerate(header)
        if position not in thresholds
    }
    return ScanLosses(LossTable.of(np.array(list(thresholds.values())), losses), columns)


def read_scan_columns(path: Path) -> dict[str, dict[str, str]]:
    """Read what is known of scans: a table with the column seriesuid and others; by series, then by column.

    Raises InputError.
    """
    rows = _rows(path)
    header = [name.strip() for name in rows[0]] if rows else []
    if "seriesuid" not in header or len(header) < 2:
        raise InputError(f"'{path.name}' describes no scans: its first line must name seriesuid and other columns.")
    at = header.index("seriesuid")
    return {
        row[at].strip(): {name: row[n].strip() for n, name in enumerate(header) if n != at and n < len(row)}
        for row in rows[1:]
        if len(row) > at
    }


def losses_of_marks(
    marks: Marks,
    nodules: Places,
    excluded: Places,
    series: tuple[str, ...],
    described: dict[str, dict[str, str]] | None = None,
) -> ScanLosses:
    """Return the losses of scans from a detector's marks of every confidence (0..1) and all annotated nodules.

    A mark hits as in LUNA16 (squared distance to the center below (d/2)^2). Raises InputError without a nodule.
    """
    outside = (marks.score < 0) | (marks.score > 1)
    if outside.any():
        raise InputError(
            f"{int(outside.sum())} of {len(outside)} marks have a score outside 0 to 1: give the detector's confidence."
        )
    outcome = match(marks, nodules, excluded, series, max(len(marks.series), 1))
    with_nodule = np.unique(outcome.scan[outcome.is_nodule])
    if not len(with_nodule):
        raise InputError("None of the scans holds an annotated nodule: a sensitivity needs at least one in a scan.")
    thresholds = np.linspace(0.0, 1.0, GRID)
    kept = outcome.score[:, None] >= thresholds[None] - 1e-12
    losses = np.empty((len(with_nodule), GRID))
    for row, scan in enumerate(with_nodule):
        losses[row] = 1.0 - kept[outcome.is_nodule & (outcome.scan == scan)].mean(axis=0)
    false_marks = np.zeros((len(series), GRID))
    np.add.at(false_marks, outcome.scan[~outcome.is_nodule], kept[~outcome.is_nodule])
    of_all = _columns(tuple(series), described or {})
    columns = {name: tuple(values[scan] for scan in with_nodule) for name, values in of_all.items()}
    return ScanLosses(LossTable.of(thresholds, losses), columns, false_marks, of_all)


def slice_band(slice_mm: float) -> str:
    """Return the stratum of a distance between slices: LUNA16's and LIDC's scans part at about 1.5 mm."""
    return THIN if slice_mm <= THIN_MM + 1e-3 else THICK


def _columns(series: tuple[str, ...], described: dict[str, dict[str, str]]) -> dict[str, tuple[str, ...]]:
    names = sorted({name for columns in described.values() for name in columns})
    return {
        "seriesuid": series,
        **{name: tuple(described.get(uid, {}).get(name, "") for uid in series) for name in names},
    }


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _rows(path: Path) -> list[list[str]]:
    try:
        text = read_bounded(path, MAX_TABLE_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"There is no table '{path.name}': check the path.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8 or too large"
        raise InputError(f"'{path.name}' cannot be read ({reason}): give a CSV file.") from None
    try:
        return [
            [plain_cell(cell) for cell in row]
            for row in csv.reader(text.splitlines())
            if any(cell.strip() for cell in row)
        ]
    except csv.Error:
        raise InputError(f"'{path.name}' is not a text table: give a CSV file in UTF-8.") from None
