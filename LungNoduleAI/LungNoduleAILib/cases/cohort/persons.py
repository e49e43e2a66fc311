"""The table of persons: whom each case of a cohort shows and what kind of exam it was, for the guidelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from ThoraxAILib.options.persons import PersonTable

TABLE = PersonTable(PersonAndExam, also_called={"smoker": "smoker_ever"})


def read_persons(path: Path) -> dict[str, dict[str, Any]]:
    """Return what each row of a CSV states, by case name; empty cells state nothing.

    Columns are ``case`` and any of the fields of PersonAndExam (exam, age, sex, ...). Raises InputError.
    """
    return TABLE.read(path)


def person_of(case: str, persons: Mapping[str, Mapping[str, Any]], default: PersonAndExam) -> PersonAndExam:
    """Return what is known about the person of a case: the row of the table over what was said for all."""
    return replace(default, **persons.get(case, {}))
