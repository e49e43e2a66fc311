"""The report of one analysis as PDF: one page first, then each finding, the guidelines, verdicts and methods."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.report.analysis_report import ReportContent
from LungNoduleAILib.report.guidelines import GuidelinesContent
from ThoraxAILib.report.page import NOTICE
from ThoraxAILib.report.pdf import PdfPage

FIRST_PAGE_ROWS = 10
FINDINGS_WIDTHS = (15, 12, 22, 11, 11, 13, 15, 15)
DOUBTFUL_WIDTHS = (16, 13, 19, 11, 11, 13, 17, 16, 27)
TALLEST_MM = 46.0
ADVICE_WIDTHS = (14, 16, 45, 55)


def write_pdf(path: Path, content: ReportContent) -> None:
    """Write the report; raises MissingDependencyError without fpdf2."""
    page = PdfPage(content.title, NOTICE)
    page.lines(content.head.lines, quiet=True)
    page.heading("Impression")
    page.lines(content.impression)
    page.heading(f"Findings ({len(content.findings.rows)})")
    if content.findings.rows:
        page.table(content.first_rows(FIRST_PAGE_ROWS), FINDINGS_WIDTHS)
        more = len(content.findings.rows) - FIRST_PAGE_ROWS
        if more > 0:
            page.lines((f"{more} more: see the following pages.",), quiet=True)
    else:
        page.lines(("No finding at this threshold. This does not exclude a nodule.",))
    page.pictures([(view.picture, view.caption) for view in content.overview.views], 62)
    page.lines((content.overview.words,), quiet=True)
    for card in content.sure.cards[:1]:
        page.pictures([(view.picture, view.caption) for view in card.views], TALLEST_MM)
    page.new_page()
    write_guidelines(page, content.guidelines)
    _cards(page, "Each finding", content.sure.cards)
    if content.doubtful_rows.rows:
        page.heading(f"Doubtful and rejected marks ({len(content.doubtful_rows.rows)})")
        page.table(content.doubtful_rows, DOUBTFUL_WIDTHS)
        page.lines([f"{card.title}. {card.facts}" for card in content.doubtful.cards], quiet=True)
    page.heading("Lungs")
    page.lines([" ".join(cells) + " mL" for cells in content.lungs.volumes.rows])
    page.lines([verdict.text for verdict in content.lungs.verdicts])
    page.lines((*content.reading.notes, *content.reading.cautions), quiet=True)
    if content.methods.changes:
        page.heading(f"Review ({len(content.methods.changes)} changes)")
        page.lines(content.methods.changes, quiet=True)
    page.heading("Methods")
    page.lines((content.methods.text, *content.methods.steps, *content.methods.warnings), quiet=True)
    page.write(path)


def write_guidelines(page: PdfPage, told: GuidelinesContent | None) -> None:
    """Put what the guidelines advise on the page; nothing where none was asked."""
    if told is None:
        return
    page.heading("Guidelines")
    page.lines(told.stated)
    if told.advice.rows:
        page.table(told.advice, ADVICE_WIDTHS)
    page.lines((*told.missing, *told.open, *told.uncertain, told.reader), quiet=True)


def _cards(page: PdfPage, title: str, cards: tuple) -> None:
    if cards:
        page.heading(title)
    for card in cards:
        page.keep(TALLEST_MM + 25.0)
        page.lines((card.title,), style="B")
        page.lines((card.facts,), quiet=True)
        page.pictures([(view.picture, view.caption) for view in card.views], TALLEST_MM)
