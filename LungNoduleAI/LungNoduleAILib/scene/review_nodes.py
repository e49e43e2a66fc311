"""The nodes of a result after a change by the reader: points, boxes, table and segments follow the findings."""

from __future__ import annotations

import slicer

from LungNoduleAILib.model.anatomy import AIRWAY, LOBE_OF_LABEL, RUL
from LungNoduleAILib.model.findings import Finding, Findings
from LungNoduleAILib.model.mask_text import mask_to_dict
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.model.review import READ_FIRST, READER
from LungNoduleAILib.scene import finding_markups as marks
from LungNoduleAILib.scene.result_nodes import PREFIX, ResultNodes, result_nodes_of
from LungNoduleAILib.scene.segmentation import finding_segment
from LungNoduleAILib.scene.table import fill_findings_table
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene.hierarchy import place_beside, remove_node
from ThoraxAILib.scene.markups import set_points
from ThoraxAILib.scene.segment_masks import labels_of_segments, segment_masks, set_segment_mask
from ThoraxAILib.scene.segments import add_empty_segment, set_segment_looks

AIRWAY_SEGMENT, BOTH_LUNGS_SEGMENT = "Airway", "Lungs"


def refresh_result_nodes(nodes: ResultNodes, after: Findings, volume: Volume) -> ResultNodes:
    """Make every node show ``after`` and keep it as the state of the result; masks are on ``volume`` (LPS order)."""
    before = {finding.id: finding for finding in nodes.findings().findings}
    nodes.set_findings(after)
    _refresh_segments(nodes, before, after, volume)
    _refresh_boxes(nodes, before, after)
    set_points(nodes.points, marks.finding_points(after.findings))
    fill_findings_table(nodes.table, after.findings)
    current = known(result_nodes_of(nodes.text), "the nodes of the result")
    show_findings(current)
    return current


def show_findings(nodes: ResultNodes) -> None:
    """Let point, box and segment of every finding follow decision, threshold and mode of reading."""
    found, threshold = nodes.findings(), nodes.threshold()
    for index, finding in enumerate(found.findings):
        marks.show_finding(nodes, index, finding, is_shown(finding, found.review.mode, threshold))


def is_shown(finding: Finding, mode: str, threshold: float) -> bool:
    """Whether a finding is to be seen: of the software from the threshold on, and not while the reader reads first."""
    if finding.source == READER:
        return True
    return mode != READ_FIRST and finding.confidence >= threshold


def result_from_nodes(nodes: ResultNodes, volume: Volume) -> AnalysisResult:
    """Return the result as it stands in the scene, on ``volume`` (the CT in LPS order); raises InputError when parts
    are gone.
    """
    found = nodes.findings()
    return AnalysisResult(volume, lobe_labels(nodes, volume), found, nodes.lobes_approximate, nodes.methods())


def lobe_labels(nodes: ResultNodes, volume: Volume):
    """Return lobes and airways (uint8, values of Anatomy.labels) from their segments, on ``volume``."""
    values = {name: value for value, name in LOBE_OF_LABEL.items()} | {AIRWAY_SEGMENT: AIRWAY}
    if nodes.findings().lungs.sides_withheld:
        values[BOTH_LUNGS_SEGMENT] = RUL  # any lobe: none is named then
    return labels_of_segments(nodes.segmentation, values, volume)


def edited_outlines(nodes: ResultNodes, volume: Volume) -> dict[str, object]:
    """Return the masks of findings whose segments were drawn differently than the findings know, by name."""
    found = {finding.id: finding for finding in nodes.findings().findings if finding.mask is not None}
    drawn = segment_masks(nodes.segmentation, found, volume)
    return {
        name: drawn.get(name)
        for name, finding in found.items()
        if drawn.get(name) is None or _differ(drawn[name], known(finding.mask, "the mask"))
    }


def _differ(one, other) -> bool:
    return mask_to_dict(one) != mask_to_dict(other)


def _refresh_segments(nodes: ResultNodes, before: dict[str, Finding], after: Findings, volume: Volume) -> None:
    segmentation = nodes.segmentation.GetSegmentation()
    ids = {finding.id for finding in after.findings}
    for name in before:
        if name not in ids and segmentation.GetSegment(name) is not None:
            segmentation.RemoveSegment(name)
    for finding in after.findings:
        if finding.mask is None:
            continue
        segment = finding_segment(finding)
        is_new = segmentation.GetSegment(finding.id) is None
        if is_new:
            add_empty_segment(nodes.segmentation, segment)
        else:
            set_segment_looks(nodes.segmentation, segment)
        old = before.get(finding.id)
        if is_new or old is None or old.mask is None or _is_drawn_otherwise(nodes, finding, old, volume):
            set_segment_mask(nodes.segmentation, finding.id, finding.mask, volume)


def _is_drawn_otherwise(nodes: ResultNodes, finding: Finding, old: Finding, volume: Volume) -> bool:
    """Whether the segment has to be drawn again: its outline changed, and it is not there already."""
    if not _differ(known(finding.mask, "the mask"), known(old.mask, "the mask")):
        return False
    drawn = segment_masks(nodes.segmentation, [finding.id], volume).get(finding.id)
    return drawn is None or _differ(drawn, known(finding.mask, "the mask"))


def _refresh_boxes(nodes: ResultNodes, before: dict[str, Finding], after: Findings) -> None:
    boxes = {box.GetAttribute(marks.FINDING_ATTRIBUTE): box for box in nodes.boxes}
    ids = [finding.id for finding in after.findings]
    nodes.text.RemoveNodeReferenceIDs(PREFIX + "box")
    for finding in after.findings:
        box = boxes.get(finding.id)
        if box is None:
            box = marks.finding_box_node(finding)
            place_beside(nodes.text, box)
        else:
            center, size = marks.box_of(finding)
            box.SetCenter(*center)
            box.SetSize(*size)
        nodes.text.AddNodeReferenceID(PREFIX + "box", box.GetID())
    for name, box in boxes.items():
        if name not in ids:
            remove_node(box)


def finding_at(nodes: ResultNodes, finding_id: str) -> tuple[int, Finding]:
    """Return place and finding of a name; raises InputError when there is none."""
    for index, finding in enumerate(nodes.findings().findings):
        if finding.id == finding_id:
            return index, finding
    raise InputError(f"There is no finding {finding_id} in this result: choose one of the table.")


def center_views(center_ras_mm: tuple[float, float, float], field_mm: float | None = None) -> None:
    """Center every slice view on a place, and zoom so that ``field_mm`` fit into it."""
    for slice_node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        slice_node.JumpSliceByCentering(*center_ras_mm)
        if field_mm is not None:
            zoom_to(slice_node, field_mm)


def zoom_to(slice_node, field_mm: float) -> None:
    """Let the shorter edge of a slice view show ``field_mm``."""
    across, down, along = slice_node.GetFieldOfView()
    shorter = min(across, down)
    if shorter > 0:
        factor = field_mm / shorter
        slice_node.SetFieldOfView(across * factor, down * factor, along)
