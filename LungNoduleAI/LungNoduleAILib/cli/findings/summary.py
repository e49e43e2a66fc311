"""What a person reads in the terminal after an analysis."""

from __future__ import annotations

from pathlib import Path

from LungNoduleAILib.model.findings import Finding, Findings

RESEARCH_USE = "Research use only, not a medical device."


def position(center_ras_mm: tuple[float, float, float]) -> str:
    """Return a position as Slicer shows it: R, A and S in mm."""
    return "R {:.1f}  A {:.1f}  S {:.1f}".format(*center_ras_mm)


def describe_findings(name: str, findings: Findings) -> list[str]:
    """Lungs, verdicts and one line per finding."""
    lungs = findings.lungs
    count = len(findings.findings)
    lines = [
        f"{name}: {count} finding{'s' * (count != 1)}, {len(findings.removed)} candidates removed",
        f"  lungs: {lungs.in_words()}",
    ]
    lines += [f"  {note.severity}: {note.text}" for note in lungs.quality if note.code != "ok"]
    return lines + table(
        [_row(finding) for finding in findings.findings],
        ("id", "type", "diameter", "volume", "lobe", "position", "confidence"),
    )


def _row(finding: Finding) -> tuple[str, ...]:
    return (
        finding.id,
        finding.type if finding.kind == "nodule" else f"{finding.type} {finding.kind}",
        f"{finding.mean_diameter_mm:.1f} mm",
        f"{finding.volume_mm3:.0f} mm3",
        finding.where("-"),
        position(finding.center_ras_mm),
        f"{finding.confidence:.2f}",
    )


def table(rows: list[tuple[str, ...]], header: tuple[str, ...]) -> list[str]:
    """Rows under their header in aligned columns; nothing without rows."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]


def where_to_look(output: Path, with_scene: bool) -> list[str]:
    """Which files to open."""
    lines = [
        f"Open {output / 'report.html'} in a browser"
        + (f", {output / 'scene.mrb'} in 3D Slicer." if with_scene else ".")
    ]
    return [*lines, RESEARCH_USE]
