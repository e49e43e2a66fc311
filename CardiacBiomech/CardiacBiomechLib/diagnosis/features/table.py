"""Tables of features: one row per study, a name column, named numbers, and where it is known the group.

A column is one of ours (docs/diagnosis.md), one of the published table (brought to our name and unit), or any other
number, which keeps its name. A known name with another unit, and numbers that no heart has, are refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardiacBiomechLib.diagnosis.features.catalog import CATALOG, PUBLISHED, UNKNOWN_UNIT, VERSION, feature_of
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter, plain_cell
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

NAME_COLUMNS, GROUP_COLUMNS, VERSION_COLUMN = ("Name", "study"), ("GROUP", "diagnosis"), "feature_version"
MAX_BYTES, MAX_ROWS, MAX_COLUMNS = 64 << 20, 100_000, 5_000
UNITS = ("ml_m2", "g_m2", "percent", "fraction", "mm3", "cm3", "ml", "l", "mm", "cm", "m", "kg", "g")


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Values (rows, features) in the units of the catalog, NaN where a cell is empty; ``groups`` None: unlabeled."""

    names: tuple[str, ...]
    features: tuple[str, ...]
    values: np.ndarray
    groups: tuple[str, ...] | None = None

    def of(self, features: Sequence[str]) -> np.ndarray:
        """Return the columns (rows, features) in this order; raises InputError naming what lacks."""
        lacking = [name for name in features if name not in self.features]
        if lacking:
            raise InputError(_lacking_sentence(lacking, self.features))
        return self.values[:, [self.features.index(name) for name in features]]

    def rows(self, which: np.ndarray) -> FeatureTable:
        """Return some of its rows."""
        index = np.flatnonzero(which) if which.dtype == bool else which
        groups = None if self.groups is None else tuple(self.groups[i] for i in index)
        return FeatureTable(tuple(self.names[i] for i in index), self.features, self.values[index], groups)

    def complete(self) -> tuple[FeatureTable, tuple[str, ...]]:
        """Return it with the columns that vary and lack no value, and the names of the others."""
        kept = [
            np.isfinite(column).all() and float(np.ptp(column)) > 0.0 if len(column) else False
            for column in self.values.T
        ]
        left_out = tuple(name for name, keep in zip(self.features, kept, strict=True) if not keep)
        names = tuple(name for name, keep in zip(self.features, kept, strict=True) if keep)
        return FeatureTable(self.names, names, self.values[:, np.array(kept, dtype=bool)], self.groups), left_out


def table_of(rows: Mapping[str, Mapping[str, float]], groups: Sequence[str] | None = None) -> FeatureTable:
    """Return the table of features by study; what a study lacks is NaN."""
    features = tuple(dict.fromkeys(name for values in rows.values() for name in values))
    values = np.array([[row.get(name, np.nan) for name in features] for row in rows.values()], dtype=float)
    return FeatureTable(
        tuple(rows), features, values.reshape(len(rows), len(features)), tuple(groups) if groups else None
    )


def read_table(path: Path) -> FeatureTable:
    """Read a table; raises InputError for what is no table of features, another version, unit or impossible number."""
    rows = _cells(path)
    if len(rows) < 2:
        raise InputError(f"'{path.name}' holds no rows: give a table with a header and one row per study.")
    head = [plain_cell(cell.strip()) for cell in rows[0]]
    if len(set(head)) < len(head):
        raise InputError(f"'{path.name}' names column '{_first_double(head)}' twice: keep one of them.")
    if any(len(row) != len(head) for row in rows):
        raise InputError(f"Rows of '{path.name}' differ in length: save it as a CSV with the same columns in each row.")
    name_at = _one_of(head, NAME_COLUMNS, path.name, needed=True)
    group_at = _one_of(head, GROUP_COLUMNS, path.name, needed=False)
    _check_version(head, rows[1:], path.name)
    names = tuple(plain_cell(row[name_at or 0].strip()) for row in rows[1:])
    groups = None if group_at is None else tuple(plain_cell(row[group_at].strip()) for row in rows[1:])
    if groups is not None and not all(groups):
        if any(groups):
            raise InputError(f"'{path.name}' names the group of some rows only: fill column '{head[group_at or 0]}'.")
        groups = None
    found: dict[str, np.ndarray] = {}
    for at, header in enumerate(head):
        if at in (name_at, group_at) or header == VERSION_COLUMN or not header:
            continue
        numbers = _numbers(header, [row[at] for row in rows[1:]], path.name)
        if numbers is None:
            continue
        name, values = _in_our_unit(header, numbers)
        if name in found:
            raise InputError(f"'{path.name}' holds {name} twice, once under its published name: keep one of them.")
        found[name] = values
    if not found:
        raise InputError(f"'{path.name}' holds no column of numbers: give a table of features.")
    return FeatureTable(names, tuple(found), np.stack(list(found.values()), 1), groups)


def write_table(table: FeatureTable, path: Path) -> None:
    """Write a table with our names; it says the version of its features."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = SafeWriter(file)
        label = [] if table.groups is None else ["diagnosis"]
        writer.writerow(["study", *label, VERSION_COLUMN, *table.features])
        for number, name in enumerate(table.names):
            group = [] if table.groups is None else [table.groups[number]]
            cells = ["" if not np.isfinite(value) else repr(float(value)) for value in table.values[number]]
            writer.writerow([name, *group, VERSION, *cells])


def _cells(path: Path) -> list[list[str]]:
    try:
        text = read_bounded(path, MAX_BYTES).decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    except TooLarge as error:
        raise InputError(f"'{path.name}' is larger than a table of features may be (64 MB): split it.") from error
    except FileNotFoundError as error:
        raise InputError(f"'{path}' does not exist: check the path.") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(f"'{path.name}' cannot be read as a CSV in UTF-8: save it so.") from error
    if len(rows) > MAX_ROWS or (rows and len(rows[0]) > MAX_COLUMNS):
        raise InputError(f"'{path.name}' has more than {MAX_ROWS} rows or {MAX_COLUMNS} columns: split it.")
    return rows


def _one_of(head: Sequence[str], names: Sequence[str], file: str, needed: bool) -> int | None:
    places = [at for at, header in enumerate(head) if header in names]
    if len(places) > 1:
        raise InputError(f"'{file}' has the columns {' and '.join(head[at] for at in places)}: keep one of them.")
    if not places and needed:
        raise InputError(f"'{file}' names no study: add a column '{names[0]}' or '{names[1]}'.")
    return places[0] if places else None


def _check_version(head: Sequence[str], rows: Sequence[Sequence[str]], file: str) -> None:
    if VERSION_COLUMN not in head:
        return
    other = {row[head.index(VERSION_COLUMN)].strip() for row in rows} - {VERSION}
    if other:
        raise InputError(
            f"'{file}' holds features of version '{sorted(other)[0][:60]}', this program has '{VERSION}': make the "
            "table anew with thoraxai cardiac features."
        )


def _numbers(header: str, cells: Sequence[str], file: str) -> np.ndarray | None:
    """Values of a column, None for a column of words; raises InputError for a known one that holds words."""
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        text = cell.strip()
        if not text or text.lower() == "nan":
            continue
        try:
            found[row] = float(text)
        except ValueError:
            if header not in CATALOG and header not in PUBLISHED and not np.isfinite(found).any():
                return None
            raise InputError(
                f"Row {row + 2} of '{file}' has no number in column '{header}': write one or leave it empty."
            ) from None
        if not np.isfinite(found[row]):
            raise InputError(f"Row {row + 2} of '{file}' has no finite number in column '{header}': correct it.")
    return found


def _in_our_unit(header: str, numbers: np.ndarray) -> tuple[str, np.ndarray]:
    """Name and values in the catalog's unit; raises InputError for another unit."""
    name, factor = PUBLISHED.get(header, (header, 1.0))
    _refuse_other_unit(name)
    values = numbers * factor
    feature, known = feature_of(name), values[np.isfinite(values)]
    if feature.unit == UNKNOWN_UNIT or not len(known):
        return name, values
    outside = known[(known < feature.low) | (known > feature.high)]
    if len(outside):
        raise InputError(
            f"Column '{header}' holds a {feature.text} of {outside[0]:.4g} {feature.unit}, which no heart has: give it "
            f"in {_unit_of(header, feature.unit)}."
        )
    if feature.unit == "%" and np.abs(known).max() <= 1.0 and np.abs(known).max() > 0.0:
        raise InputError(
            f"Column '{header}' holds a {feature.text} of at most {known.max():.2g} %: give percent, not a fraction."
        )
    return name, values


def _unit_of(header: str, unit: str) -> str:
    if header in PUBLISHED:
        return {1e-3: "mm3", 100.0: "a fraction of 1"}.get(PUBLISHED[header][1], unit)
    return unit


def _refuse_other_unit(name: str) -> None:
    if name in CATALOG:
        return
    for unit in UNITS:
        stem = name.removesuffix(f"_{unit}")
        meant = [f"{stem}_{other}" for other in UNITS if f"{stem}_{other}" in CATALOG]
        if stem != name and meant:
            raise InputError(f"Column '{name}' is in another unit than the feature {meant[0]}: convert and rename it.")


def _lacking_sentence(lacking: Sequence[str], there: Sequence[str]) -> str:
    units = [f"{name} ({feature_of(name).unit})" for name in lacking[:4]]
    more = f" and {len(lacking) - 4} more" if len(lacking) > 4 else ""
    return (
        f"The model needs {', '.join(units)}{more}, which the features given do not hold ({len(there)} others are "
        "there): give features of the same version and unit."
    )


def _first_double(head: Sequence[str]) -> str:
    return next(header for at, header in enumerate(head) if header in head[:at])
