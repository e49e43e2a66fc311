"""Findings as a table node, one row each in their order, with units."""

from __future__ import annotations

from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.scene.tables import Column, fill_table, table_node


def findings_table_node(findings: tuple[Finding, ...]):
    """Return a new table node of measurements, place, confidence and the reader's words."""
    return table_node("Lung nodules table", _columns(findings))


def fill_findings_table(node, findings: tuple[Finding, ...]) -> None:
    """Show these findings in a table of findings_table_node, in place of those before."""
    fill_table(node, _columns(findings))


def _columns(findings: tuple[Finding, ...]) -> list[Column]:
    def numbers(name: str, attribute: str, unit: str, decimals: int, description: str) -> Column:
        return Column(name, [round(getattr(f, attribute), decimals) for f in findings], unit, description)

    def words(name: str, attribute: str, description: str) -> Column:
        return Column(name, [getattr(f, attribute) for f in findings], "", description, numeric=False)

    position = [
        Column(axis, [round(f.center_ras_mm[n], 2) for f in findings], "mm", f"Center, {axis} axis of RAS")
        for n, axis in enumerate("RAS")
    ]
    return [
        words("Finding", "id", "Name of the finding, of its segment and of its point"),
        numbers("Mean diameter", "mean_diameter_mm", "mm", 1, "Mean of long and short axis in the largest slice"),
        numbers("Long axis", "long_axis_mm", "mm", 1, "Largest axial diameter"),
        numbers("Short axis", "short_axis_mm", "mm", 1, "Largest diameter at right angles to the long axis"),
        numbers("Volume", "volume_mm3", "mm3", 1, "Volume, blurred borders counted in part"),
        words("Type", "type", "Density type"),
        numbers("Mean HU", "mean_hu", "HU", 0, "Mean density of the mask"),
        words("Lobe", "lobe", "Lobe of the center"),
        words("Side", "side", "Lung of the center"),
        numbers("Confidence", "confidence", "", 3, "Score of the detector, 0 to 1"),
        words("Status", "status", "Decision of the reader"),
        words("Reason", "reason", "Why the reader decided so"),
        words("Source", "source", "Who marked it: ai or reader"),
        words("Attachment", "attachment", "What it touches, as the reader says"),
        words("Margin", "margin", "Its margin, as the reader says"),
        words("Shape", "shape", "Its shape, as the reader says"),
        words("Calcification", "calcification_pattern", "Its pattern of calcification, as the reader says"),
        *position,
    ]
