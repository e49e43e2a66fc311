"""findings.csv: one row per finding, units in the column names, empty cells where nothing was measured."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.model.findings import Finding, Findings
from LungNoduleAILib.model.review import Review
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter

COLUMNS = (
    "id",
    "r_mm",
    "a_mm",
    "s_mm",
    "mean_diameter_mm",
    "long_axis_mm",
    "short_axis_mm",
    "volume_mm3",
    "mask_volume_mm3",
    "type",
    "kind",
    "mean_hu",
    "mass_mg",
    "solid_mean_diameter_mm",
    "solid_volume_mm3",
    "lobe",
    "lobe_confidence",
    "side",
    "distance_to_pleura_mm",
    "confidence",
    "suspicion",
    "suspicion_low",
    "suspicion_high",
    "status",
    "reason",
    "detector",
    "notes",
    "doubt",
    "source",
    "attachment",
    "margin",
    "shape",
    "calcification_pattern",
    "ai_values",
    "reviewed_by",
)
NOT_IN_TABLE = ("outline", "center_ras_mm", "bounds_ras_mm", "long_axis_ras_mm", "short_axis_ras_mm", "notes")


def write_findings_csv(path: Path, findings: Findings) -> None:
    """Write all findings, in their order, as UTF-8 CSV; positions are RAS mm."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = SafeWriter(file)
        writer.writerow(COLUMNS)
        readers = last_readers(findings.review)
        writer.writerows(finding_cells(finding, readers.get(finding.id, "")) for finding in findings.findings)


def last_readers(review: Review) -> dict[str, str]:
    """Return by finding who changed it last, as they named themselves; nobody who did not."""
    return {edit.subject: change.who for change in review.history for edit in change.edits}


def finding_cells(finding: Finding, reader: str = "") -> list[str]:
    """Return the cells of a finding under COLUMNS; ``reader`` is who changed it last."""
    position: dict[str, float | None] = dict(zip(("r_mm", "a_mm", "s_mm"), finding.center_ras_mm, strict=True))
    low, high = finding.suspicion_interval or (None, None)
    beside: dict[str, object] = {**position, "suspicion_low": low, "suspicion_high": high, "reviewed_by": reader}
    cells = {name: beside[name] if name in beside else getattr(finding, name) for name in COLUMNS}
    return [_cell(value) for value in cells.values()]


def _cell(value: object) -> str:
    """Text of one cell."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, dict):
        words = {name: entry for name, entry in value.items() if name not in NOT_IN_TABLE}
        return "; ".join(f"{name}={_cell(entry)}" for name, entry in words.items())
    return "; ".join(value) if isinstance(value, tuple) else str(value)
