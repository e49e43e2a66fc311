"""The one HTML frame of every report: jinja2 templates that escape all text, and the parts that all of them use.

A report is a template that extends ``page.html`` and is filled with plain data: texts, tables, figures. No Python code
writes a tag, so no text can become one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.report.drawing import encoded
from ThoraxAILib.report.slices import Picture

NOTICE = "Research use only — not a medical device"
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Column:
    """The title of a column and whether it holds numbers, which stand to the right."""

    title: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """Plain cells under their columns; raises ValueError for a row that has not one cell per column."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells does not fit {len(self.columns)} columns")

    @staticmethod
    def of(head: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> Table:
        """Return a table from (title, whether it holds numbers) per column and the rows."""
        return Table(tuple(Column(*column) for column in head), tuple(tuple(row) for row in rows))

    @property
    def has_titles(self) -> bool:
        """Whether any column has a title."""
        return any(column.title for column in self.columns)


@dataclass(frozen=True)
class Figure:
    """A picture inside the page: caption, size in pixels and the picture itself as a data URI."""

    caption: str
    width: int
    height: int
    source: str

    @staticmethod
    def of(picture: Picture, caption: str) -> Figure:
        """Return the picture as JPEG."""
        data = base64.b64encode(encoded(picture, "jpeg")).decode("ascii")
        height, width = picture.pixels.shape[:2]
        return Figure(caption, width, height, f"data:image/jpeg;base64,{data}")


def render_page(template: Path, title: str, **content: object) -> str:
    """Return the HTML document of a template file that extends ``page.html``; every text in ``content`` is escaped.

    Templates find each other by name in the folder of ``template`` and in that of this package. Raises jinja2's
    UndefinedError when the template names something that ``content`` lacks.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(title=title, notice=NOTICE, **content)


def number(value: float | None, decimals: int = 1) -> str:
    """Return a number with thousands apart by a narrow space that breaks no line, or a dash."""
    if value is None:
        return "–"
    rounded = round(value, decimals) + 0.0  # no minus before a zero
    return f"{rounded:,.{decimals}f}".replace(",", "\u202f").replace("-", "\u2212")


def position(point_ras_mm: Iterable[float]) -> str:
    """RAS mm to one decimal, kept on one line."""
    return ",\u00a0".join(number(float(x)) for x in point_ras_mm)
