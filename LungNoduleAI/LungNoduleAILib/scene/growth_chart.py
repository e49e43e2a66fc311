"""Volumes over time as a plot: one line per nodule that was measured at two dates or more."""

from __future__ import annotations

from datetime import date

from ThoraxAILib.scene.plots import chart_nodes
from ThoraxAILib.scene.tables import Column, table_node

DAYS, LABEL = "Days", "Date"


def growth_chart_nodes(document: dict) -> tuple:
    """Return a new chart node of pairs.json and its parts (table and series nodes)."""
    tracks = [track for track in document["tracks"] if sum(v is not None for v in track["volumes_mm3"]) > 1]
    days, unit = day_axis(document)
    columns = [Column(DAYS, days, "d", "Days since the first scan")]
    columns += [
        Column(
            track["id"], [float("nan") if v is None else v for v in track["volumes_mm3"]], "mm3", "Volume of one nodule"
        )
        for track in tracks
    ]
    table = table_node("Lung follow-up volumes", columns)
    titles = ("Volume of each nodule (research use only)", unit, "Volume (mm3)")
    chart, series = chart_nodes("Lung follow-up growth", table, DAYS, [track["id"] for track in tracks], titles)
    return chart, [table, *series]


def day_axis(document: dict) -> tuple[list[float], str]:
    """Days since the first scan and the axis title; scan numbers where a date is missing."""
    gaps = [interval["days"] for interval in document["intervals"]]
    if any(gap is None for gap in gaps):
        return [float(n) for n in range(1, len(gaps) + 2)], "Scan"
    days = [0.0]
    for gap in gaps:
        days.append(days[-1] + gap)
    first = document["scans"][0]["date"]
    return days, f"Days since {_written(first)}" if first else "Days since the first scan"


def _written(text: str) -> str:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
