"""The report of a follow-up as PDF: impression, scans and pairs first, then both dates of each pair, then changes."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.report.analysis_pdf import write_guidelines
from LungNoduleAILib.report.follow_up import FollowUpContent
from ThoraxAILib.report.page import NOTICE, Table
from ThoraxAILib.report.pdf import PdfPage

SCANS_WIDTHS = (8, 16, 18, 14, 16, 18, 12)
PAIRS = (
    *("Pair", "Prior", "Current", "Status", "Lobe, type", "Diameter", "Volume prior", "Volume change"),
    *("Growth", "Doubling"),
)
PAIRS_WIDTHS = (8, 17, 17, 20, 18, 18, 22, 13, 20, 20)
CHANGES_WIDTHS = (14, 30, 14, 14, 14, 20)
TALLEST_MM, SHEET_MM = 46.0, 62.0


def write_follow_up_pdf(path: Path, content: FollowUpContent) -> None:
    """Write the report; raises MissingDependencyError without fpdf2. The chart of volumes stands in the HTML page."""
    page = PdfPage(content.title, NOTICE)
    page.heading("Impression")
    page.lines(content.impression)
    page.heading("Scans")
    page.table(content.scans.table, SCANS_WIDTHS)
    page.lines((*content.scans.warnings, *content.scans.notes), quiet=True)
    page.heading(f"Pairs ({len(content.pairs.rows)})")
    if content.pairs.rows:
        page.table(_narrow(content.pairs), PAIRS_WIDTHS)
    else:
        page.lines(("No nodule was found at either date. This does not exclude one.",))
    write_guidelines(page, content.guidelines)
    if content.each_pair.cards:
        page.heading("Each pair")
    for card in content.each_pair.cards:
        page.keep(TALLEST_MM + 25.0)
        page.lines((card.title,), style="B")
        page.lines((card.words,) if card.words else (), quiet=True)
        for first in range(0, len(card.views), 3):
            page.pictures([(view.picture, view.caption) for view in card.views[first : first + 3]], TALLEST_MM)
    _changes(page, content)
    page.heading("Methods")
    page.lines(content.methods.lines, quiet=True)
    page.write(path)


def _narrow(table: Table) -> Table:
    """Return the columns that have room on a page; the others stand in the HTML report and in pairs.csv."""
    kept = [
        index for index, column in enumerate(table.columns) if any(column.title.startswith(title) for title in PAIRS)
    ]
    return Table(
        tuple(table.columns[index] for index in kept), tuple(tuple(row[index] for index in kept) for row in table.rows)
    )


def _changes(page: PdfPage, content: FollowUpContent) -> None:
    page.heading("What changed")
    if content.changes is None:
        page.lines(("The scans were not registered, so there is no difference map.",))
        return
    if content.changes.differences.rows:
        page.table(content.changes.differences, CHANGES_WIDTHS)
    else:
        page.lines(("No significant difference inside the lungs.",))
    for view in content.changes.views:
        page.pictures([(view.picture, view.caption)], SHEET_MM)
    page.lines(("Registration. " + " ".join(content.changes.quality),), quiet=True)
