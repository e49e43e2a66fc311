"""Findings as a point list and one box each, and how their looks follow threshold, decision and selection."""

from __future__ import annotations

from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.review import READER
from ThoraxAILib.scene.markups import LabeledPoint, box_node, points_node, select_box, set_box_color

BOX_MARGIN_MM = 3.0
FINDING_ATTRIBUTE = "LungNoduleAI.finding"
COLOR_OF_STATUS = {"unreviewed": (1.0, 0.85, 0.1), "accepted": (0.2, 0.9, 0.3), "rejected": (0.55, 0.55, 0.55)}


def finding_points_node(findings: tuple[Finding, ...]):
    """Return a new point list, one locked point per finding in their order, e.g. ``Nodule_01 8.3 mm``."""
    points = finding_points(findings)
    return points_node("Lung nodules", points, COLOR_OF_STATUS["unreviewed"], COLOR_OF_STATUS["rejected"])


def finding_points(findings: tuple[Finding, ...]) -> list[LabeledPoint]:
    """Return the points of the findings with their words."""
    return [
        LabeledPoint(
            finding.center_ras_mm, f"{finding.id} {finding.mean_diameter_mm:.1f} mm", point_description(finding)
        )
        for finding in findings
    ]


def point_description(finding: Finding) -> str:
    """Type, lobe, confidence and the reader's decision in one line."""
    place = finding.where("place unknown")
    found = "marked by the reader" if finding.source == READER else f"confidence {finding.confidence:.2f}"
    words = [finding.type, place, found, finding.status]
    return ", ".join([*words, finding.reason] if finding.reason else words)


def finding_box_node(finding: Finding):
    """Return a new locked box around one finding with a margin of 3 mm."""
    center, size = box_of(finding)
    node = box_node(f"{finding.id} box", center, size, COLOR_OF_STATUS[finding.status])
    node.SetAttribute(FINDING_ATTRIBUTE, finding.id)
    return node


def box_of(finding: Finding) -> tuple[tuple, tuple]:
    """Center and edges of the box of a finding in mm, with its margin."""
    if finding.bounds_ras_mm is None:
        edge = max(finding.mean_diameter_mm, finding.long_axis_mm) + 2 * BOX_MARGIN_MM
        return finding.center_ras_mm, (edge, edge, edge)
    low, high = finding.bounds_ras_mm[0::2], finding.bounds_ras_mm[1::2]
    center = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
    return center, tuple(b - a + 2 * BOX_MARGIN_MM for a, b in zip(low, high, strict=True))


def show_finding(nodes, index: int, finding: Finding, is_reported: bool) -> None:
    """Point, box and segment of one finding as its decision wants them; nothing when it is not to be reported.

    A rejected finding keeps a gray point so that the decision can be undone.
    """
    is_shown = is_reported and finding.status != "rejected"
    nodes.points.SetNthControlPointVisibility(index, is_reported)
    nodes.points.SetNthControlPointSelected(index, finding.status != "rejected")
    nodes.points.SetNthControlPointDescription(index, point_description(finding))
    set_box_color(nodes.boxes[index], COLOR_OF_STATUS[finding.status])
    nodes.boxes[index].GetDisplayNode().SetVisibility(is_shown)
    nodes.segmentation.GetDisplayNode().SetSegmentVisibility(finding.id, is_shown)


def highlight_box(boxes, finding_id: str) -> None:
    """Draw the box of one finding stronger than the others."""
    for box in boxes:
        select_box(box, box.GetAttribute(FINDING_ATTRIBUTE) == finding_id)
