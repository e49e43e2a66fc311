"""The report of one analysis: one HTML file that needs nothing else and prints well."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.guidelines import guidelines_section
from LungNoduleAILib.report.methods import methods_section
from LungNoduleAILib.report.sections import (
    findings_section,
    lungs_section,
    reading_section,
    removed_section,
)
from LungNoduleAILib.report.views import each_finding_section, overview_section
from ThoraxAILib.report.page import page

__all__ = ["write_report"]


def write_report(path: Path, result: AnalysisResult, run: dict | None, person: PersonAndExam | None = None) -> None:
    """Write ``result`` as HTML; ``run`` is the content of run.json (schema ``thoraxai.run/1``) where there is one.

    What is stated of ``person`` and exam decides which guidelines are asked; without it there is no such section.
    Names no file and no person: only the case name of the run appears.
    """
    case = _case_name(run)
    top = f'<div class="halves">{reading_section(result)}{lungs_section(result)}</div>'
    body = [
        top,
        overview_section(result),
        findings_section(result),
        guidelines_section(result.findings.findings, person or PersonAndExam()),
        each_finding_section(result),
        removed_section(result),
        methods_section(result, run),
    ]
    path.write_text(page(case, "\n".join(body)), encoding="utf-8")


def _case_name(run: dict | None) -> str:
    inputs = (run or {}).get("inputs") or [{}]
    return str(inputs[0].get("name", "")) or "unnamed case"
