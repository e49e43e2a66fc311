"""The report of one analysis: HTML that needs nothing else, the same as PDF, and as text for a RIS.

All three are written from one content, made of the result as it stands: findings with the reader's decisions and
values, and what was stated of person and exam.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LungNoduleAILib.analysis.importance import by_suspicion, is_doubtful
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.guidelines import GuidelinesContent, guidelines_content
from LungNoduleAILib.report.head import Head, head_content
from LungNoduleAILib.report.impression import impression
from LungNoduleAILib.report.methods import MethodsContent, case_name, methods_content
from LungNoduleAILib.report.prior_exam import PriorExam
from LungNoduleAILib.report.sections import (
    LungsContent,
    Reading,
    RemovedContent,
    doubtful_table,
    findings_table,
    lungs_content,
    reading_content,
    removed_content,
)
from LungNoduleAILib.report.views import FindingCards, Overview, finding_cards, overview_content
from ThoraxAILib.report.page import Table, render_page

TEMPLATE = Path(__file__).parent / "templates" / "analysis.html"


@dataclass(frozen=True)
class ReportContent:
    """All that the report holds, in the order of its pages; ``findings`` and ``sure`` leave out doubtful marks."""

    title: str
    head: Head
    impression: tuple[str, ...]
    findings: Table
    overview: Overview
    sure: FindingCards
    guidelines: GuidelinesContent | None
    doubtful_rows: Table
    doubtful: FindingCards
    reading: Reading
    lungs: LungsContent
    removed: RemovedContent
    methods: MethodsContent

    def first_rows(self, count: int) -> Table:
        """Return the first rows of the table of findings."""
        return Table(self.findings.columns, self.findings.rows[:count])


def report_content(
    result: AnalysisResult,
    run: dict | None,
    person: PersonAndExam | None = None,
    prior: PriorExam | None = None,
) -> ReportContent:
    """Return the content of the report; ``run`` is the content of run.json, ``prior`` what an earlier exam tells.

    What is stated of ``person`` and exam decides which guidelines are asked; without it what the review states counts.
    """
    stated = PersonAndExam(**result.findings.review.person) if person is None else person
    before = None if prior is None else prior.before
    ordered = by_suspicion(result.findings.findings, before)
    sure = [one for one in ordered if one.status != "rejected" and not is_doubtful(one)]
    others = [one for one in ordered if one.status == "rejected" or is_doubtful(one)]
    return ReportContent(
        f"Chest CT analysis: {case_name(run)}",
        head_content(result),
        (
            *(() if prior is None else (prior.words,)),
            *impression(ordered, result.findings.lungs.quality, stated, before),
        ),
        findings_table(result, sure),
        overview_content(result, ordered),
        finding_cards(result, sure, prior),
        guidelines_content(ordered, stated, before),
        doubtful_table(result, others),
        finding_cards(result, others, prior),
        reading_content(result),
        lungs_content(result),
        removed_content(result),
        methods_content(result, run),
    )


def write_report(
    path: Path,
    result: AnalysisResult,
    run: dict | None,
    person: PersonAndExam | None = None,
    prior: PriorExam | None = None,
) -> ReportContent:
    """Write ``result`` as HTML and return its content, from which ``write_pdf`` makes the PDF.

    Names no file and no person: only the case name of the run appears.
    """
    content = report_content(result, run, person, prior)
    path.write_text(render_page(TEMPLATE, content.title, content=content), encoding="utf-8")
    return content
