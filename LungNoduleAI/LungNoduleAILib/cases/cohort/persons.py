"""The table of persons: whom each case of a cohort shows and what kind of exam it was, for the guidelines."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from ThoraxAILib.errors import InputError
from ThoraxAILib.options.declare import option_fields

CASE = "case"
ALSO_CALLED = {"smoker": "smoker_ever"}  # as on the command line
YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
MAX_BYTES = 64 << 20


def read_persons(path: Path) -> dict[str, dict[str, Any]]:
    """Return what each row of a CSV states, by case name; empty cells state nothing.

    Columns are ``case`` and any of the fields of PersonAndExam (exam, age, sex, ...). Raises InputError for a table
    without cases, an unknown column, a case that comes twice or a value that cannot be.
    """
    rows = _rows(path)
    fields = {field.name for field in option_fields(PersonAndExam)}
    persons: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=2):
        name = (row.pop(CASE) or "").strip()
        if not name or name in persons:
            what = "names no case" if not name else f"is a second one for '{name}'"
            raise InputError(f"Row {number} of '{path.name}' {what}: give one row per case.")
        stated = {ALSO_CALLED.get(column, column): (text or "").strip() for column, text in row.items()}
        unknown = sorted(set(stated) - fields)
        if unknown:
            raise InputError(
                f"'{path.name}' has the unknown column '{unknown[0]}': use {CASE}, {', '.join(sorted(fields))}."
            )
        values = {column: _value(column, text, number, path.name) for column, text in stated.items() if text}
        try:
            PersonAndExam(**values)
        except InputError as error:
            raise InputError(f"Row {number} of '{path.name}': {error}") from None
        persons[name] = values
    return persons


def person_of(case: str, persons: Mapping[str, Mapping[str, Any]], default: PersonAndExam) -> PersonAndExam:
    """Return what is known about the person of a case: the row of the table over what was said for all."""
    return replace(default, **persons.get(case, {}))


def check_known(persons: Mapping[str, object], cases: Sequence[str], name: str) -> None:
    """Raise InputError for a row whose case is not among those given."""
    strange = [case for case in persons if case not in set(cases)]
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise InputError(
            f"'{name}' has a row for '{strange[0]}'{more}, which is none of the {len(cases)} cases: use the names of "
            "index.csv, which are those of the folders or files."
        )


def _rows(path: Path) -> list[dict[str, str | None]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"'{path.name}' is larger than 64 MB: give a table with one row per case.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            if CASE not in columns:
                raise InputError(f"'{path.name}' has no column '{CASE}': the first row names the columns.")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"'{path.name}' cannot be read as a CSV table: save it as CSV in UTF-8.") from error
    for number, row in enumerate(rows, start=2):
        if None in row:
            raise InputError(f"Row {number} of '{path.name}' has more cells than there are columns: mend the table.")
    return rows


def _value(column: str, text: str, number: int, name: str) -> Any:
    """Return a cell as the type of its field."""
    kinds = get_args(get_type_hints(PersonAndExam)[column])
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
