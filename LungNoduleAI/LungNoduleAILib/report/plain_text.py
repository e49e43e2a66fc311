"""The report as plain text, for pasting into a radiology information system."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from LungNoduleAILib.analysis.importance import by_suspicion, is_doubtful
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.wording import READER_DECIDES
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.head import head_content
from LungNoduleAILib.report.impression import impression, in_words
from LungNoduleAILib.report.prior_exam import PriorExam
from ThoraxAILib.report.page import NOTICE

WIDTH = 100


def report_text(
    result: AnalysisResult,
    name: str,
    person: PersonAndExam,
    prior: PriorExam | None = None,
) -> str:
    """Return head, impression and findings as lines of at most 100 letters, without pictures."""
    head, before = head_content(result), None if prior is None else prior.before
    told = {} if prior is None else prior.told
    compared = [] if prior is None else [prior.words]
    ordered = by_suspicion(result.findings.findings, before)
    sections = [
        ("", [NOTICE]),
        ("EXAM", [f"Case: {name}", *head.lines]),
        ("IMPRESSION", [*compared, *impression(ordered, result.findings.lungs.quality, person, before)]),
        (
            "FINDINGS",
            [_line(one, told) for one in ordered if one.status != "rejected" and not is_doubtful(one)] or ["None."],
        ),
        ("DOUBTFUL MARKS", [f"{_line(one)} {one.doubt}." for one in ordered if _is_shown_as_doubtful(one)]),
        ("REJECTED", [f"{_line(one)} {one.reason}".strip() for one in ordered if one.status == "rejected"]),
        ("", [READER_DECIDES]),
    ]
    lines: list[str] = []
    for title, texts in sections:
        if texts:
            lines += [*([title] if title else []), *(line for text in texts for line in _wrapped(text)), ""]
    return "\n".join(lines)


def _is_shown_as_doubtful(finding: Finding) -> bool:
    return finding.status != "rejected" and is_doubtful(finding)


def _line(finding: Finding, told: Mapping[str, str] | None = None) -> str:
    axes = f"{finding.long_axis_mm:.1f} x {finding.short_axis_mm:.1f} mm, {finding.volume_mm3:.0f} mm3"
    since = (told or {}).get(finding.id, "")
    return f"{finding.id}: {in_words(finding)}; {axes}. {since}".strip()


def _wrapped(text: str) -> list[str]:
    plain = text.replace("\u2009", " ").replace("\u202f", " ").replace("\u00a0", " ").replace("\u2212", "-")
    return textwrap.wrap(plain, WIDTH, subsequent_indent="  ") or [""]
