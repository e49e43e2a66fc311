"""The nodes of one result, tied together by node references so that they are found again in a reopened scene.

The text node is the root: it holds findings.json (schema ``thoraxai.findings/1``) with the reader's review, in an
attribute the outline of each finding, and refers to the other nodes. Every file of a result is written from these.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import slicer

from LungNoduleAILib.analysis.turned_masks import in_lps
from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.model.mask_text import mask_from_dict, mask_to_dict
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.scene.calipers import CALIPER_ROLES
from LungNoduleAILib.scene.finding_markups import finding_box_node, finding_points_node
from LungNoduleAILib.scene.segmentation import segmentation_node
from LungNoduleAILib.scene.table import findings_table_node
from ThoraxAILib.scene.hierarchy import folder_beside, remove_node
from ThoraxAILib.scene.names import unused_name

PREFIX = "LungNoduleAI."
RESULT_ROLE = PREFIX + "result"
THRESHOLD, READER_NAME = PREFIX + "threshold", PREFIX + "reader"
RUN_RECORD, METHODS, APPROXIMATE = PREFIX + "record", PREFIX + "methods", PREFIX + "lobes_approximate"
OUTLINES = PREFIX + "outlines"


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
        calipers = (self.text.GetNodeReference(PREFIX + role) for role in CALIPER_ROLES)
        yield from (node for node in calipers if node is not None)
        yield from (self.segmentation, self.points, self.table, *self.boxes, self.text)

    def findings(self) -> Findings:
        """Return the findings with the reader's review; their masks are on the grid of the CT in LPS order."""
        found = Findings.from_dict(json.loads(self.text.GetText()))
        outlines = json.loads(self.text.GetAttribute(OUTLINES) or "{}")
        rows = (
            replace(finding, mask=mask_from_dict(outlines[finding.id])) if finding.id in outlines else finding
            for finding in found.findings
        )
        return replace(found, findings=tuple(rows))

    def set_findings(self, findings: Findings) -> None:
        """Keep changed findings in the scene; their masks are on the grid of the CT in LPS order."""
        outlines = {f.id: mask_to_dict(f.mask) for f in findings.findings if f.mask is not None}
        self.text.SetAttribute(OUTLINES, json.dumps(outlines))
        self.text.SetText(json.dumps(findings.to_dict(), indent=1))

    def run(self) -> dict[str, Any]:
        """Return the content of run.json of the analysis; empty when it is not known."""
        stored = self.text.GetAttribute(RUN_RECORD)
        return json.loads(stored) if stored else {}

    def methods(self) -> dict[str, str]:
        """How each step of the analysis was done."""
        stored = self.text.GetAttribute(METHODS)
        return json.loads(stored) if stored else self.run().get("results", {}).get("methods", {})

    @property
    def lobes_approximate(self) -> bool:
        """Whether the lobes are approximate; so as long as nothing says otherwise."""
        return self.text.GetAttribute(APPROXIMATE) != "False"

    def reader(self) -> str:
        """Who reads, as they named themselves; empty when nobody did."""
        return self.text.GetAttribute(READER_NAME) or ""

    def set_reader(self, name: str) -> None:
        """Keep who reads in the scene."""
        self.text.SetAttribute(READER_NAME, name)

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
    nodes.set_findings(in_lps(result).findings)
    text.SetAttribute(RESULT_ROLE, "true")
    text.SetAttribute(APPROXIMATE, str(result.lobes_approximate))
    text.SetAttribute(METHODS, json.dumps(result.methods))
    text.SetAttribute(RUN_RECORD, json.dumps(run or {}))
    text.SetAttribute(READER_NAME, result.findings.review.reader)
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
