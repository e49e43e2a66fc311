"""The nodes of one result, tied together by node references so that they are found again in a reopened scene.

The text node is the root: it holds findings.json (schema ``thoraxai.findings/1``) with the reader's decisions and
refers to the other nodes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import slicer

from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.scene.finding_markups import finding_box_node, finding_points_node
from LungNoduleAILib.scene.segmentation import segmentation_node
from LungNoduleAILib.scene.table import findings_table_node
from ThoraxAILib.scene.hierarchy import folder_beside, remove_node
from ThoraxAILib.scene.names import unused_name

PREFIX = "LungNoduleAI."
RESULT_ROLE = PREFIX + "result"
THRESHOLD = PREFIX + "threshold"


@dataclass(frozen=True, eq=False)
class ResultNodes:
    """The MRML nodes of one analysis; boxes in the order of the findings, ``volume`` is None when it left the scene."""

    text: Any
    segmentation: Any
    points: Any
    table: Any
    boxes: tuple
    volume: Any

    def owned(self) -> Iterator:
        """Every node the result made: all but the input volume."""
        yield from (self.segmentation, self.points, self.table, *self.boxes, self.text)

    def findings(self) -> Findings:
        """Return the findings with the reader's decisions (without masks)."""
        return Findings.from_dict(json.loads(self.text.GetText()))

    def set_findings(self, findings: Findings) -> None:
        """Keep changed findings in the scene."""
        self.text.SetText(json.dumps(findings.to_dict(), indent=1))

    def threshold(self) -> float:
        """Confidence from which findings show."""
        return float(self.text.GetAttribute(THRESHOLD) or 0.0)

    def set_threshold(self, confidence: float) -> None:
        """Keep the threshold in the scene."""
        self.text.SetAttribute(THRESHOLD, repr(float(confidence)))


def create_result_nodes(volume_node, result: AnalysisResult, run: dict | None) -> ResultNodes:
    """Build all nodes of a result in a folder beside ``volume_node``; ``run`` (run.json) goes to their attributes."""
    findings = result.findings.findings
    text = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", unused_name("Lung nodules findings"))
    nodes = ResultNodes(
        text,
        segmentation_node(volume_node, result),
        finding_points_node(findings),
        findings_table_node(findings),
        tuple(finding_box_node(finding) for finding in findings),
        volume_node,
    )
    nodes.set_findings(result.findings)
    text.SetAttribute(RESULT_ROLE, "true")
    for role in ("volume", "segmentation", "points", "table"):
        text.SetNodeReferenceID(PREFIX + role, getattr(nodes, role).GetID())
    for box in nodes.boxes:
        text.AddNodeReferenceID(PREFIX + "box", box.GetID())
    for node in nodes.owned():
        for name, value in _run_attributes(run or {}).items():
            node.SetAttribute(PREFIX + name, value)
    folder_beside(volume_node, "Lung nodules", nodes.owned())
    return nodes


def result_nodes_of(text) -> ResultNodes | None:
    """Return the nodes a findings text refers to; None when the user has deleted one of them."""
    parts = {role: text.GetNodeReference(PREFIX + role) for role in ("segmentation", "points", "table")}
    count = text.GetNumberOfNodeReferences(PREFIX + "box")
    boxes = tuple(text.GetNthNodeReference(PREFIX + "box", index) for index in range(count))
    if any(node is None for node in (*parts.values(), *boxes)):
        return None
    return ResultNodes(text=text, boxes=boxes, volume=text.GetNodeReference(PREFIX + "volume"), **parts)


def result_texts() -> list:
    """Return the findings texts of the scene, oldest first."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLTextNode") if node.GetAttribute(RESULT_ROLE)]


def remove_result_nodes(nodes: ResultNodes) -> None:
    """Take a result out of the scene, with its folder; the input volume stays."""
    for node in nodes.owned():
        remove_node(node)


def _run_attributes(run: dict) -> dict[str, str]:
    """Return run record as node attributes: words as they are, the rest as JSON; results are on the nodes already."""
    kept = {name: value for name, value in run.items() if name not in ("results", "files", "notice")}
    return {f"run.{name}": value if isinstance(value, str) else json.dumps(value) for name, value in kept.items()}
