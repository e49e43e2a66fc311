"""The frame of the report: style, title, the research-use notice; and the small pieces all sections use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

NOTICE = "Research use only — not a medical device"

_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #1b1f24; background: #fff;
  max-width: 1080px; margin: 0 auto; padding: 20px 24px 48px; }
header { border-bottom: 2px solid #1f5f8b; margin-bottom: 12px; }
h1 { font-size: 22px; margin: 0 0 2px; } h2 { font-size: 17px; margin: 26px 0 8px; color: #1f5f8b; }
h3 { font-size: 14px; margin: 0 0 6px; }
.notice { color: #8a3b00; background: #fff3e6; border: 1px solid #f0c8a0; border-radius: 4px; display: inline-block;
  padding: 2px 10px; margin: 4px 0 10px; font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; }
th, td { text-align: left; padding: 4px 7px; border-bottom: 1px solid #dde3e8; vertical-align: top; }
th { background: #f2f6f9; font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
ul { margin: 6px 0; padding-left: 20px; } p { margin: 6px 0; } .quiet { color: #5b6670; }
.error { color: #a11212; font-weight: 600; } .warning { color: #8a5a00; font-weight: 600; } .info { color: #1f5f8b; }
.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: flex-start; }
figure { margin: 0; } figure img { display: block; background: #000; max-width: 100%; }
figcaption { font-size: 11.5px; color: #5b6670; padding-top: 2px; }
.finding { border: 1px solid #dde3e8; border-radius: 6px; padding: 10px 12px; margin: 10px 0; break-inside: avoid; }
.thirds { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: 8px; } .thirds img { width: 100%; height: auto; }
.halves { display: grid; grid-template-columns: 1fr 1fr; gap: 24px; }
.facts { font-size: 12.5px; margin: 0 0 8px; }
.rejected h3 { text-decoration: line-through; }
@media print { body { padding: 0; max-width: none; font-size: 11px; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } thead { display: table-header-group; } }
"""


def page(case: str, body: str, what: str = "Chest CT analysis") -> str:
    """A whole HTML document around the sections of one case."""
    title = f"{what}: {escape(case)}"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{_STYLE}</style></head>
<body><header><h1>{title}</h1><div class="notice">{NOTICE}</div></header>
{body}
</body></html>
"""


def section(title: str, content: str) -> str:
    """A section with its heading; content is HTML."""
    return f"<section><h2>{escape(title)}</h2>\n{content}\n</section>"


def bullets(texts: Iterable[str], css: str = "") -> str:
    """A list of plain sentences; nothing when there are none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="{css}">{items}</ul>' if items else ""


def table(head: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain cells; ``head`` gives each column's title and whether it holds numbers."""
    top = "".join(f"<th{_numeric(number)}>{escape(title)}</th>" for title, number in head)
    lines = [
        "".join(f"<td{_numeric(number)}>{escape(cell)}</td>" for cell, (_, number) in zip(row, head, strict=True))
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def number(value: float | None, decimals: int = 1) -> str:
    """A number with thousands apart by a thin space, or a dash."""
    return "–" if value is None else f"{value:,.{decimals}f}".replace(",", "\u2009").replace("-", "\u2212")


def position(point_ras_mm: Iterable[float]) -> str:
    """RAS mm to one decimal, kept on one line."""
    return ",\u00a0".join(number(float(x)) for x in point_ras_mm)


def _numeric(is_number: bool) -> str:
    return ' class="n"' if is_number else ""
