"""A4 pages of a report as PDF, written by fpdf2: no browser, no network, no fonts to install.

The built-in Helvetica knows Latin letters only; signs outside of it are replaced by plain ones.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ThoraxAILib.errors import MissingDependencyError
from ThoraxAILib.report.drawing import encoded
from ThoraxAILib.report.page import Table
from ThoraxAILib.report.slices import Picture

if TYPE_CHECKING:
    from fpdf import FPDF

MARGIN_MM, GAP_MM, TEXT_PT = 14.0, 3.0, 9.0
INK, BLUE, GRAY, BROWN = (27, 31, 36), (31, 95, 139), (91, 102, 112), (138, 59, 0)
_PLAIN = str.maketrans(
    {
        "\u2009": " ", "\u202f": " ", "\u00a0": " ",
        "\u2212": "-", "\u2013": "-", "\u2014": "-", "\u201c": '"', "\u201d": '"',
        "\u2018": "'", "\u2019": "'", "\u2264": "<=", "\u2265": ">=", "\u2026": "...", "\u2192": "->",
    }
)  # fmt: skip


def plain(text: str) -> str:
    """Return the text in the letters of Latin-1, accents lost where there is no other way, else question marks."""
    known = text.translate(_PLAIN)
    kept = "".join(sign if ord(sign) < 256 else unicodedata.normalize("NFKD", sign) for sign in known)
    return kept.encode("latin-1", "replace").decode("latin-1")


class PdfPage:
    """Puts headings, sentences, tables and rows of pictures below one another on A4 pages."""

    def __init__(self, title: str, notice: str) -> None:
        try:
            from fpdf import FPDF
        except ImportError as error:
            raise MissingDependencyError(
                "A PDF needs the package fpdf2: install it with 'pip install fpdf2'."
            ) from error

        class Page(FPDF):
            """Pages with the notice and their number at the foot."""

            def footer(self) -> None:
                self.set_y(-10)
                self.set_font("helvetica", size=7.5)
                self.set_text_color(*GRAY)
                self.cell(0, 5, plain(f"{notice}   {title}"), align="L")
                self.set_x(-30)
                self.cell(16, 5, f"{self.page_no()}/{{nb}}", align="R")

        self.pdf: FPDF = Page(format="A4")
        self.pdf.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
        self.pdf.c_margin = 0
        self.pdf.set_auto_page_break(True, 14)
        self.pdf.set_title(plain(title))
        self.pdf.set_creator("ThoraxAI")
        self.pdf.add_page()
        self._text(title, 15, "B", BLUE)
        self._text(notice, TEXT_PT, "B", BROWN)

    def _text(self, text: str, size: float = TEXT_PT, style: str = "", color: tuple[int, int, int] = INK) -> None:
        self.pdf.set_font("helvetica", style, size)
        self.pdf.set_text_color(*color)
        self.pdf.multi_cell(0, size * 0.48, plain(text), new_x="LMARGIN", new_y="NEXT", align="L")

    def heading(self, text: str) -> None:
        """Begin a section; it never stands alone at the foot of a page."""
        if self.pdf.will_page_break(24):
            self.pdf.add_page()
        self.pdf.ln(2.5)
        self._text(text, 11, "B", BLUE)
        self.pdf.ln(0.8)

    def lines(self, texts: Sequence[str], style: str = "", quiet: bool = False) -> None:
        """Write sentences, each on a line of its own."""
        for text in texts:
            self._text(text, TEXT_PT - quiet, style, GRAY if quiet else INK)
            self.pdf.ln(0.6)

    def table(self, content: Table, widths: Sequence[float]) -> None:
        """Write a table; ``widths`` are the shares of the columns, long words are wrapped."""
        self.pdf.set_font("helvetica", size=7.8)
        self.pdf.set_text_color(27, 31, 36)
        self.pdf.set_draw_color(221, 227, 232)
        aligned = tuple("RIGHT" if column.is_number else "LEFT" for column in content.columns)
        with self.pdf.table(
            col_widths=tuple(widths),
            text_align=aligned,
            line_height=3.7,
            padding=(0.6, 1.8, 0.6, 0.6),
            borders_layout="HORIZONTAL_LINES",
            first_row_as_headings=content.has_titles,
        ) as table:
            if content.has_titles:
                table.row([plain(column.title) for column in content.columns])
            for cells in content.rows:
                table.row([plain(cell) for cell in cells])
        self.pdf.ln(1)

    def pictures(self, views: Sequence[tuple[Picture, str]], tallest_mm: float = 70.0) -> None:
        """Put pictures with their captions side by side over the width of the page, all of one height."""
        if not views:
            return
        wide = self.pdf.epw - GAP_MM * (len(views) - 1)
        shares = [picture.pixels.shape[1] / picture.pixels.shape[0] for picture, _ in views]
        tall = min(wide / sum(shares), tallest_mm)
        self.pdf.set_font("helvetica", size=7)
        captions = [
            self._wrapped(plain(caption), tall * share) for (_, caption), share in zip(views, shares, strict=True)
        ]
        foot = 3.2 * max(len(lines) for lines in captions) + 1.5
        if self.pdf.will_page_break(tall + foot):
            self.pdf.add_page()
        top, left = self.pdf.get_y(), self.pdf.l_margin
        for (picture, _), share, lines in zip(views, shares, captions, strict=True):
            self.pdf.image(io.BytesIO(encoded(picture, "jpeg")), x=left, y=top, w=tall * share, h=tall)
            self.pdf.set_font("helvetica", size=7)
            self.pdf.set_text_color(*GRAY)
            for index, line in enumerate(lines):
                self.pdf.set_xy(left, top + tall + 0.6 + 3.2 * index)
                self.pdf.cell(tall * share, 3.2, line)
            left += tall * share + GAP_MM
        self.pdf.set_xy(self.pdf.l_margin, top + tall + foot)

    def _wrapped(self, text: str, width_mm: float) -> list[str]:
        """Return the text in lines that fit the width."""
        lines, line = [], ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and self.pdf.get_string_width(longer) > width_mm - 2.2:
                lines.append(line)
                longer = word
            line = longer
        return [*lines, line]

    def keep(self, tall_mm: float) -> None:
        """Go on with a fresh page where less than this height is left, so that what follows stays together."""
        if self.pdf.will_page_break(tall_mm):
            self.pdf.add_page()

    def new_page(self) -> None:
        """Go on with a fresh page."""
        self.pdf.add_page()

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(bytes(self.pdf.output()))
