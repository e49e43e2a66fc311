"""A table of persons: whom each case of a cohort shows, as the options of one person would say it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ThoraxAILib.errors import InputError
from ThoraxAILib.options.declare import option_fields

YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class PersonTable:
    """What a table may say: ``person`` is the options class whose fields are columns, ``key`` the column of the case.

    ``also_called`` are other names of columns, as on the command line.
    """

    person: type
    key: str = "case"
    also_called: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: Path) -> dict[str, dict[str, Any]]:
        """Return what each row of a CSV states, by case name; empty cells state nothing.

        Raises InputError for a table without cases, an unknown column, a case that comes twice or a value that cannot
        be.
        """
        persons: dict[str, dict[str, Any]] = {}
        for number, row in enumerate(self._rows(path), start=2):
            name = (row.pop(self.key) or "").strip()
            if not name or name in persons:
                what = f"names no {self.key}" if not name else f"is a second one for '{name}'"
                raise InputError(f"Row {number} of '{path.name}' {what}: give one row per {self.key}.")
            persons[name] = self._stated(row, number, path.name)
        return persons

    def _stated(self, row: Mapping[str, str | None], number: int, name: str) -> dict[str, Any]:
        """Return the values of a row, checked as options are."""
        stated = {self.also_called.get(column, column): (text or "").strip() for column, text in row.items()}
        fields = {field.name for field in option_fields(self.person)}
        unknown = sorted(set(stated) - fields)
        if unknown:
            raise InputError(
                f"'{name}' has the unknown column '{unknown[0]}': use {self.key}, {', '.join(sorted(fields))}."
            )
        values = {column: self._value(column, text, number, name) for column, text in stated.items() if text}
        try:
            self.person(**values)
        except InputError as error:
            raise InputError(f"Row {number} of '{name}': {error}") from None
        return values

    def _rows(self, path: Path) -> list[dict[str, str | None]]:
        try:
            if path.stat().st_size > MAX_BYTES:
                raise InputError(f"'{path.name}' is larger than 64 MB: give a table with one row per {self.key}.")
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                columns = reader.fieldnames or []
                if self.key not in columns:
                    raise InputError(f"'{path.name}' has no column '{self.key}': the first row names the columns.")
                rows = list(reader)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"'{path.name}' cannot be read as a CSV table: save it as CSV in UTF-8.") from error
        for number, row in enumerate(rows, start=2):
            if None in row:
                raise InputError(
                    f"Row {number} of '{path.name}' has more cells than there are columns: mend the table."
                )
        return rows

    def _value(self, column: str, text: str, number: int, name: str) -> Any:
        """Return a cell as the type of its field."""
        kinds = get_args(get_type_hints(self.person)[column])
        if bool in kinds:
            if text.lower() not in YES_NO:
                raise InputError(f"Row {number} of '{name}' has '{text}' for {column}: write yes or no.")
            return YES_NO[text.lower()]
        if float in kinds:
            try:
                return int(text) if text.isdigit() else float(text)
            except ValueError:
                raise InputError(f"Row {number} of '{name}' has '{text}' for {column}: write a number.") from None
        return text


def check_known(persons: Mapping[str, object], cases: Sequence[str], name: str) -> None:
    """Raise InputError for a row whose case is not among those given."""
    strange = [case for case in persons if case not in set(cases)]
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise InputError(
            f"'{name}' has a row for '{strange[0]}'{more}, which is none of the {len(cases)} cases: use the names of "
            "index.csv, which are those of the folders or files."
        )
