"""The report of one analysis: one HTML file that needs nothing else and prints well."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.guidelines import guidelines_content
from LungNoduleAILib.report.methods import case_name, methods_content
from LungNoduleAILib.report.sections import findings_table, lungs_content, reading_content, removed_content
from LungNoduleAILib.report.views import finding_cards, overview_content
from ThoraxAILib.report.page import render_page

TEMPLATE = Path(__file__).parent / "templates" / "analysis.html"


def write_report(path: Path, result: AnalysisResult, run: dict | None, person: PersonAndExam | None = None) -> None:
    """Write ``result`` as HTML; ``run`` is the content of run.json (schema ``thoraxai.run/1``) where there is one.

    What is stated of ``person`` and exam decides which guidelines are asked; without it there is no such section.
    Names no file and no person: only the case name of the run appears.
    """
    text = render_page(
        TEMPLATE,
        f"Chest CT analysis: {case_name(run)}",
        reading=reading_content(result),
        lungs=lungs_content(result),
        overview=overview_content(result),
        findings=findings_table(result),
        guidelines=guidelines_content(result.findings.findings, person or PersonAndExam()),
        each_finding=finding_cards(result),
        removed=removed_content(result),
        methods=methods_content(result, run),
    )
    path.write_text(text, encoding="utf-8")
