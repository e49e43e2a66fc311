"""The page of two dates of one person: what moved, beside how far readers differ, and the wall at both dates."""

from __future__ import annotations

from pathlib import Path

from CardiacBiomechLib.model.study import SegmentRow
from CardiacBiomechLib.report.bulls_eye import Measure, bulls_eye
from ThoraxAILib.report.page import Figure, Table, render_page

TEMPLATE = Path(__file__).parent / "templates" / "comparison.html"
TITLES = ("Measure", "Earlier", "Later", "Difference", "Readers differ by", "Verdict")
SIDES, SHORT = ("lv", "rv"), ("edv", "esv", "ef")
STRAIN = "peak_circumferential"
LIMIT_PERCENT, CHANGE_LIMIT_PERCENT = 25.0, 15.0


def write_comparison_page(
    path: Path, before: dict, after: dict, found: dict, names: tuple[str, str] = ("", "")
) -> None:
    """Write the page; ``before`` and ``after`` are the contents of cardiac.json, ``found`` of comparison.json.

    ``names``: the folders of both results; empty names are left out.
    """
    dates = zip(("Earlier", "Later"), names, (before, after), strict=True)
    text = render_page(
        TEMPLATE,
        "Two dates of one heart",
        dates=[(when, f"{name}: {study.get('source', '')}") for when, name, study in dates if name],
        measures=Table.of([(title, 0 < place < 5) for place, title in enumerate(TITLES)], comparison_rows(found)),
        cautions=found["cautions"],
        repeatability=found["repeatability"],
        bulls_eyes=_bulls_eyes(before["segments"], after["segments"]),
    )
    path.write_text(text, encoding="utf-8")


def comparison_rows(found: dict) -> list[tuple[str, ...]]:
    """Return the cells of every measure of the whole heart in a comparison.json, under ``TITLES``."""
    rows: list[tuple[str, ...]] = []
    for change in found["changes"]:
        bounds = change["readers_differ_by"]
        unit = "" if change["unit"] == "1" else f", {change['unit']}"
        rows.append(
            (
                _words(change["measure"]) + unit,
                f"{change['before']:g}",
                f"{change['after']:g}",
                f"{change['difference']:+g}",
                "–" if bounds is None else f"{bounds[0]:g} to {bounds[1]:g}",
                change["verdict"],
            )
        )
    return rows


def _words(name: str) -> str:
    for ending in ("_ml", "_percent", "_g", "_mm"):
        name = name.removesuffix(ending)
    side, _, rest = name.partition("_")
    return f"{side.upper()} {rest.upper() if rest in SHORT else rest}" if side in SIDES else name.replace("_", " ")


def _bulls_eyes(before: list[dict], after: list[dict]) -> list[Figure]:
    """Return peak circumferential strain at both dates and its change; nothing where a date has none."""
    first, second = (
        {row["segment"]: row[STRAIN] for row in rows if row[STRAIN] is not None} for rows in (before, after)
    )
    if not first or not second:
        return []
    change = {number: second[number] - first[number] for number in first if number in second}
    return [
        _figure(values, title, limit)
        for values, title, limit in (
            (first, "Earlier: peak Ecc, %", LIMIT_PERCENT),
            (second, "Later: peak Ecc, %", LIMIT_PERCENT),
            (change, "Change of peak Ecc, points", CHANGE_LIMIT_PERCENT),
        )
    ]


def _figure(values: dict[int, float], title: str, limit: float) -> Figure:
    rows = [SegmentRow(number, "", None, None, {}, {}, None, None) for number in values]
    measure = Measure(title, lambda row: 100.0 * values[row.number], (-limit, limit), 0, True)
    return Figure.of(bulls_eye(rows, measure), title)
