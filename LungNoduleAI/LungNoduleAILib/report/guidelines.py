"""The section on guidelines: what each one that fits the stated exam advises, why, and what was not stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from LungNoduleAILib.guidelines.from_findings import ALL_NODULES, AdviceRow, NoduleBefore, advice_table
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.wording import READER_DECIDES
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.report.page import bullets, section, table


def guidelines_section(
    findings: Sequence[Finding], person: PersonAndExam, before: Mapping[str, NoduleBefore] | None = None
) -> str:
    """A table of advice for all findings that were not rejected; empty when nothing about the exam was stated."""
    if not person.stated():
        return ""
    advised = advice_table(findings, person, before)
    stated = ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in person.stated().items())
    head = [("Nodule", False), ("Guideline", False), ("Advice", False), ("Why", False)]
    rows = table(head, [_row(row) for row in advised.rows]) if advised.rows else "<p>No guideline can be asked.</p>"
    uncertain = dict.fromkeys(
        choice
        for row in advised.rows
        for choice in row.uncertain
        if row.nodule != ALL_NODULES or len(advised.rows) == 1
    )
    return section(
        "Guidelines",
        bullets([f"Stated: {stated}."])
        + rows
        + bullets(advised.missing, "info")
        + (_uncertain(uncertain) if uncertain else "")
        + f'<p class="quiet">{READER_DECIDES}</p>',
    )


def _row(row: AdviceRow) -> list[str]:
    nodule = "all" if row.nodule == ALL_NODULES else row.nodule
    return [nodule, row.title, row.words, " ".join(row.reasons)]


def _uncertain(choices: Mapping[str, None]) -> str:
    intro = '<p class="quiet">Choices made where sources conflict or something was not stated:</p>'
    return intro + bullets(choices, "quiet")


def _value(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value).replace("_", "-")
