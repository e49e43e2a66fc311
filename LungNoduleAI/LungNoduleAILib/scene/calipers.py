"""Long and short axis of one finding as two lines that can be dragged: their lengths are the report's numbers."""

from __future__ import annotations

import slicer
import vtk

from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.scene.hierarchy import place_beside
from ThoraxAILib.scene.names import unused_name

PREFIX = "LungNoduleAI."
CALIPER_ROLES = ("longAxis", "shortAxis")
OF_FINDING = PREFIX + "finding"
_COLORS = ((1.0, 0.4, 0.1), (0.3, 0.8, 1.0))
_NAMES = ("Long axis", "Short axis")
Ends = tuple[float, float, float, float, float, float]


def caliper_nodes(text) -> tuple:
    """Return both lines of a result, made at the first call; ``text`` is the root node of the result."""
    return tuple(_line(text, index) for index in range(2))


def existing_caliper_nodes(text) -> tuple:
    """Return the lines of a result that are there already."""
    nodes = (text.GetNodeReference(PREFIX + role) for role in CALIPER_ROLES)
    return tuple(node for node in nodes if node is not None)


def _line(text, index: int):
    role = PREFIX + CALIPER_ROLES[index]
    node = text.GetNodeReference(role)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", unused_name(_NAMES[index]))
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSelectedColor(*_COLORS[index])
        display.SetColor(*_COLORS[index])
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(True)
        display.SetUseGlyphScale(False)
        display.SetGlyphSize(1.0)
        text.SetNodeReferenceID(role, node.GetID())
        place_beside(text, node)
    return node


def show_calipers(text, finding: Finding | None) -> bool:
    """Lay both lines on the axes of a finding; hide them for None or a finding whose axes were not kept.

    Returns whether they show.
    """
    long_axis = None if finding is None else finding.long_axis_ras_mm
    short_axis = None if finding is None else finding.short_axis_ras_mm
    if finding is None or long_axis is None or short_axis is None:
        for node in existing_caliper_nodes(text):
            node.SetAttribute(OF_FINDING, "")
            node.GetDisplayNode().SetVisibility(False)
        return False
    for node, ends in zip(caliper_nodes(text), (long_axis, short_axis), strict=True):
        was_modifying = node.StartModify()
        node.SetAttribute(OF_FINDING, finding.id)
        for point, place in enumerate((ends[:3], ends[3:])):
            if node.GetNumberOfControlPoints() > point:
                node.SetNthControlPointPositionWorld(point, *place)
            else:
                node.AddControlPointWorld(vtk.vtkVector3d(*place))
        node.GetDisplayNode().SetVisibility(True)
        node.EndModify(was_modifying)
    return True


def caliper_ends(text) -> tuple[str, Ends, Ends] | None:
    """Return the name of the finding that the lines measure and the ends of both (RAS mm); None when none shows."""
    nodes = existing_caliper_nodes(text)
    if len(nodes) != 2 or not nodes[0].GetAttribute(OF_FINDING):
        return None
    if any(node.GetNumberOfControlPoints() < 2 for node in nodes):
        return None
    long_ends, short_ends = (_ends(node) for node in nodes)
    return nodes[0].GetAttribute(OF_FINDING), long_ends, short_ends


def _ends(node) -> Ends:
    places = []
    for index in range(2):
        place = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(index, place)
        places += place
    r0, a0, s0, r1, a1, s1 = places
    return r0, a0, s0, r1, a1, s1
