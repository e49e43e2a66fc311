"""The section on guidelines: what each one that fits the stated exam advises, why, and what was not stated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from LungNoduleAILib.guidelines.from_findings import ALL_NODULES, AdviceRow, NoduleBefore, advice_table
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.wording import READER_DECIDES
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.report.page import Table

_OF_ONE = re.compile(r"Nodule \d+: ")


@dataclass(frozen=True)
class GuidelinesContent:
    """What was stated, the table of advice, what must be stated, choices where sources conflict, what is open."""

    stated: tuple[str, ...]
    advice: Table
    missing: tuple[str, ...]
    uncertain: tuple[str, ...]
    open: tuple[str, ...] = ()
    reader: str = READER_DECIDES


def guidelines_content(
    findings: Sequence[Finding], person: PersonAndExam, before: Mapping[str, NoduleBefore] | None = None
) -> GuidelinesContent | None:
    """Return the advice for all findings that were not rejected; None when nothing about the exam was stated."""
    if not person.stated():
        return None
    advised = advice_table(findings, person, before)
    stated = ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in person.stated().items())
    head = [("Nodule", False), ("Guideline", False), ("Advice", False), ("Why", False)]
    uncertain = dict.fromkeys(
        choice
        for row in advised.rows
        for choice in row.uncertain
        if row.nodule != ALL_NODULES or len(advised.rows) == 1
    )
    rows = Table.of(head, [_row(row) for row in advised.rows])
    opened = _open_of(advised.rows)
    return GuidelinesContent((f"Stated: {stated}.",), rows, tuple(advised.missing), tuple(uncertain), opened)


def _open_of(rows: Sequence[AdviceRow]) -> tuple[str, ...]:
    """Return what was not stated and would change an answer, the nodules with equal words in one sentence."""
    by_words: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in rows:
        if row.open:
            by_words.setdefault((row.title, row.open), []).append("all" if row.nodule == ALL_NODULES else row.nodule)
    return tuple(f"{title}, {', '.join(names)}: {'; '.join(words)}." for (title, words), names in by_words.items())


def _row(row: AdviceRow) -> list[str]:
    """Return the cells of a row; what is said of each nodule stands in its own row, not again in that of the exam."""
    if row.nodule != ALL_NODULES:
        return [row.nodule, row.title, row.words, " ".join(row.reasons)]
    of_exam = [reason for reason in row.reasons if not _OF_ONE.match(reason)]
    return ["all", row.title, row.words, " ".join(of_exam)]


def _value(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value).replace("_", "-")
