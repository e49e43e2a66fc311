"""pairs.csv: one row per pair of every two successive scans, units in the column names."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.model.pairs import FollowUp, Interval, Pair
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter

COLUMNS = (
    "prior_scan",
    "current_scan",
    "days",
    "prior_id",
    "current_id",
    "status",
    "match_probability",
    "method_agreement",
    "volume_change_percent",
    "diameter_change_mm",
    "band_percent",
    "growth",
    "vdt_days",
    "grows_by_volume",
    "grows_by_diameter",
    "decided_by",
    "prior_r_mm",
    "prior_a_mm",
    "prior_s_mm",
    "current_r_mm",
    "current_a_mm",
    "current_s_mm",
    "notes",
)


def write_pairs_csv(path: Path, follow_up: FollowUp) -> None:
    """Write all pairs as UTF-8 CSV; scans are numbered from 1, positions are RAS mm."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = SafeWriter(file)
        writer.writerow(COLUMNS)
        for interval in follow_up.intervals:
            writer.writerows(_row(interval, pair) for pair in interval.pairs)


def _row(interval: Interval, pair: Pair) -> list[str]:
    growth = pair.growth
    places = [*(pair.prior_center_ras_mm or (None,) * 3), *(pair.current_center_ras_mm or (None,) * 3)]
    grown = (
        [None] * 7
        if growth is None
        else [
            growth.volume_change_percent,
            growth.diameter_change_mm,
            growth.band_percent,
            growth.growth,
            growth.vdt_days,
            growth.grows_by_volume,
            growth.grows_by_diameter,
        ]
    )
    change, wider, band, verdict, doubling, by_volume, by_diameter = grown
    cells = [
        interval.prior + 1,
        interval.current + 1,
        interval.days,
        pair.prior_id,
        pair.current_id,
        pair.status,
        pair.match_probability,
        pair.method_agreement,
        change,
        wider,
        band,
        verdict,
        doubling,
        by_volume,
        by_diameter,
        pair.decided_by,
        *places,
        " ".join(pair.notes),
    ]
    return [_cell(value) for value in cells]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
