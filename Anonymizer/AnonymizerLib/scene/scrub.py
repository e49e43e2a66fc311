"""Take identity out of the open scene: DICOM attributes, names, descriptions, texts, paths; data stays as it is.

Slicer keeps names and birth dates in node and subject hierarchy attributes of a saved scene even when the DICOM files
are gone (Slicer issue 8798). Voxels are not looked at: clean the DICOM images themselves for text and faces.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import slicer

from AnonymizerLib.scene.identifiers import DICOM_PREFIX, SceneIdentifiers, attributeNames, collect, hierarchyItems
from ThoraxAILib.scene.hierarchy import subjectHierarchy

NEUTRAL_NAMES = (
    ("vtkMRMLSegmentationNode", "Segmentation"),
    ("vtkMRMLMarkupsNode", "Markups"),
    ("vtkMRMLModelNode", "Model"),
    ("vtkMRMLTableNode", "Table"),
    ("vtkMRMLTextNode", "Text"),
    ("vtkMRMLTransformNode", "Transform"),
    ("vtkMRMLVolumeNode", "Volume"),
    ("vtkMRMLSequenceNode", "Sequence"),
    ("vtkMRMLSequenceBrowserNode", "Browser"),
    ("vtkMRMLPlotChartNode", "Chart"),
    ("vtkMRMLPlotSeriesNode", "Series"),
)
TERMINOLOGY = re.compile(r"[~^]+|\b\d{5,18}\b")  # separators and SNOMED codes of a terminology entry
REMOVED_CELL = "removed"
VIEWS = "vtkMRMLAbstractViewNode"
# Attributes that hold the name of a module or a plugin: words of software, needed to find the node again.
OF_SOFTWARE = frozenset({"ModuleName", "OwnerPluginName", "OwnerPluginAutoSearch", "Category", "Quantity"})


@dataclass
class SceneReport:
    """How much of what was taken out; ``left`` names node classes that still hold an identifier."""

    counts: Counter = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """One sentence for the panel."""
        done = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items())) or "nothing to remove"
        return (
            f"Scene scrubbed: {done}."
            if not self.left
            else (f"Identifiers are left in {', '.join(sorted(set(self.left)))}: do not share this scene.")
        )


def scrubScene() -> SceneReport:
    """Scrub the open scene in place and look at it again; the report says what is left, if anything is."""
    scene = slicer.mrmlScene
    identifiers = collect(scene)
    report = SceneReport()
    _removeSceneViews(scene, report)
    names: Counter = Counter()
    for index in range(scene.GetNumberOfNodes()):
        scrubNode(scene.GetNthNode(index), identifiers, names, report)
    _scrubHierarchy(identifiers, report)
    scene.SetURL("")
    scene.SetRootDirectory("")
    report.left = remainingIn(scene, identifiers)
    return report


def scrubNode(node: slicer.vtkMRMLNode, identifiers: SceneIdentifiers, names: Counter, report: SceneReport) -> None:
    """One node: attributes, description, name, and what its class can hold."""
    _scrubAttributes(node, identifiers, report)
    if node.GetDescription():
        node.SetDescription("")
        report.counts["descriptions"] += 1
    _scrubName(node, identifiers, names, report)
    for className, scrub in (
        ("vtkMRMLStorageNode", _scrubStorage),
        ("vtkMRMLSegmentationNode", _scrubSegments),
        ("vtkMRMLMarkupsNode", _scrubMarkups),
        ("vtkMRMLTextNode", _scrubText),
        ("vtkMRMLTableNode", _scrubTable),
        ("vtkMRMLSequenceNode", _scrubSequence),
        ("vtkMRMLScriptedModuleNode", _scrubParameters),
        ("vtkMRMLPlotChartNode", _scrubChart),
        (VIEWS, _scrubView),
    ):
        if node.IsA(className):
            scrub(node, identifiers, report)


def _scrubAttributes(node: slicer.vtkMRMLNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    """Attributes stay when their name and value are understood: numbers, references between nodes, listed words."""
    for name in attributeNames(node):
        value = node.GetAttribute(name) or ""
        isUnderstood = name in OF_SOFTWARE or (identifiers.mayStay(name) and identifiers.valueMayStay(value))
        if name.startswith(DICOM_PREFIX) or identifiers.identifies(f"{name} {value}") or not isUnderstood:
            node.RemoveAttribute(name)
            report.counts["attributes"] += 1


def _scrubName(node: slicer.vtkMRMLNode, identifiers: SceneIdentifiers, names: Counter, report: SceneReport) -> None:
    """A neutral name for whatever is not understood; Slicer's own singletons only lose names that identify."""
    old = node.GetName() or ""
    isOwn = bool(node.GetSingletonTag()) and not node.IsA(VIEWS)
    if not old or not (identifiers.identifies(old) or not (isOwn or identifiers.mayStay(old) or _isDefault(node, old))):
        return
    kind = next((neutral for className, neutral in NEUTRAL_NAMES if node.IsA(className)), node.GetNodeTagName())
    names[kind] += 1
    node.SetName(f"{kind} {names[kind]}")
    report.counts["names"] += 1


def _isDefault(node: slicer.vtkMRMLNode, name: str) -> bool:
    """Whether a name is the one Slicer gives: the class or tag of the node, with a number; or it is a color table."""
    base = name.rstrip("0123456789_ ")
    own = {node.GetNodeTagName(), node.GetClassName(), node.GetClassName()[len("vtkMRML") : -len("Node")]}
    return base in own or node.IsA("vtkMRMLColorNode")


def _scrubStorage(node: slicer.vtkMRMLStorageNode, _identifiers: SceneIdentifiers, report: SceneReport) -> None:
    """File names and addresses: the next save makes new ones from node names."""
    if node.GetFileName() or node.GetURI() or node.GetNumberOfFileNames():
        node.SetFileName(None)
        node.ResetFileNameList()
        node.SetURI(None)
        node.ResetURIList()
        report.counts["paths"] += 1


def _scrubSegments(node: slicer.vtkMRMLSegmentationNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    segmentation = node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        if not identifiers.mayStay(segment.GetName() or ""):
            segment.SetName(f"Segment {index + 1}")
            report.counts["segment names"] += 1
        for tag in _segmentTags(segment):
            value = _segmentTag(segment, tag)
            if tag.startswith(DICOM_PREFIX) or not identifiers.mayStay(TERMINOLOGY.sub(" ", value)):
                segment.RemoveTag(tag)
                report.counts["segment tags"] += 1


def _segmentTags(segment: slicer.vtkSegment) -> list[str]:
    import vtk

    tags = vtk.vtkStringArray()
    if not hasattr(segment, "GetTags"):
        return []
    try:
        segment.GetTags(tags)
    except TypeError:  # the C++ signature takes a std::map, which Python cannot pass; known tags are asked for
        return [
            tag
            for tag in ("DicomEncodingLabel", "TerminologyEntry", "Segmentation.Status", "DICOM.PatientName")
            if _segmentTag(segment, tag)
        ]
    return [tags.GetValue(index) for index in range(tags.GetNumberOfValues())]


def _segmentTag(segment: slicer.vtkSegment, tag: str) -> str:
    import vtk

    value = vtk.reference("")
    return str(value) if segment.GetTag(tag, value) else ""


def _scrubMarkups(node: slicer.vtkMRMLMarkupsNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    for index in range(node.GetNumberOfControlPoints()):
        if not identifiers.mayStay(node.GetNthControlPointLabel(index) or ""):
            node.SetNthControlPointLabel(index, str(index + 1))
            report.counts["point labels"] += 1
        text = node.GetNthControlPointDescription(index) or ""
        if text and not identifiers.mayStay(text):
            node.SetNthControlPointDescription(index, "")
            report.counts["point descriptions"] += 1


def _scrubText(node: slicer.vtkMRMLTextNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    if node.GetText() and not identifiers.mayStay(node.GetText()):
        node.SetText("")
        report.counts["texts"] += 1


def _scrubTable(node: slicer.vtkMRMLTableNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    table = node.GetTable()
    for column in range(table.GetNumberOfColumns()):
        array = table.GetColumn(column)
        if not identifiers.mayStay(array.GetName() or ""):
            array.SetName(f"Column {column + 1}")
            report.counts["table cells"] += 1
        for row in range(table.GetNumberOfRows()) if array.IsA("vtkStringArray") else ():
            if not identifiers.valueMayStay(array.GetValue(row)):
                array.SetValue(row, REMOVED_CELL)
                report.counts["table cells"] += 1
    table.Modified()


def _scrubSequence(node: slicer.vtkMRMLSequenceNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    names: Counter = Counter()
    for index in range(node.GetNumberOfDataNodes()):
        scrubNode(node.GetNthDataNode(index), identifiers, names, report)
        if not identifiers.valueMayStay(node.GetNthIndexValue(index) or ""):
            node.UpdateIndexValue(node.GetNthIndexValue(index), str(index))
            report.counts["index values"] += 1


def _scrubParameters(
    node: slicer.vtkMRMLScriptedModuleNode, identifiers: SceneIdentifiers, report: SceneReport
) -> None:
    """What modules remember of their panels: paths and typed texts go."""
    for name in list(node.GetParameterNames()):
        if not (identifiers.mayStay(name) and identifiers.valueMayStay(node.GetParameter(name) or "")):
            node.UnsetParameter(name)
            report.counts["parameters"] += 1


def _scrubChart(node: slicer.vtkMRMLPlotChartNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    for read, write in (
        (node.GetTitle, node.SetTitle),
        (node.GetXAxisTitle, node.SetXAxisTitle),
        (node.GetYAxisTitle, node.SetYAxisTitle),
    ):
        if read() and not identifiers.mayStay(read()):
            write("")
            report.counts["chart titles"] += 1


def _scrubView(node: slicer.vtkMRMLAbstractViewNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    if node.GetLayoutLabel() and not identifiers.mayStay(node.GetLayoutLabel()):
        node.SetLayoutLabel("V")
        report.counts["view labels"] += 1


def _removeSceneViews(scene: slicer.vtkMRMLScene, report: SceneReport) -> None:
    """Scene views hold a copy of the scene and a screenshot: they go."""
    views = [
        scene.GetNthNodeByClass(index, "vtkMRMLSceneViewNode")
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSceneViewNode"))
    ]
    for view in views:
        scene.RemoveNode(view)
        report.counts["scene views"] += 1


def _scrubHierarchy(identifiers: SceneIdentifiers, report: SceneReport) -> None:
    hierarchy = subjectHierarchy()
    numbers: Counter = Counter()
    for item in hierarchyItems():
        for name in list(hierarchy.GetItemAttributeNames(item)):
            value = hierarchy.GetItemAttribute(item, name) or ""
            isUnderstood = identifiers.mayStay(name) and identifiers.valueMayStay(value)
            if name.startswith(DICOM_PREFIX) or not isUnderstood:
                hierarchy.RemoveItemAttribute(item, name)
                report.counts["hierarchy attributes"] += 1
        if hierarchy.GetItemUID(item, "DICOM"):
            hierarchy.SetItemUID(item, "DICOM", "")
            report.counts["hierarchy UIDs"] += 1
        if hierarchy.GetItemDataNode(item) is None:
            _scrubItemName(hierarchy, item, identifiers, numbers, report)


def _scrubItemName(
    hierarchy: slicer.vtkMRMLSubjectHierarchyNode,
    item: int,
    identifiers: SceneIdentifiers,
    numbers: Counter,
    report: SceneReport,
) -> None:
    level = hierarchy.GetItemLevel(item)
    old = hierarchy.GetItemName(item)
    if level in ("Patient", "Study") or not identifiers.mayStay(old):
        kind = level or "Folder"
        numbers[kind] += 1
        new = f"{kind} {numbers[kind]}"
        if new == old:
            return
        hierarchy.SetItemName(item, new)
        report.counts["hierarchy names"] += 1


def remainingIn(scene: slicer.vtkMRMLScene, identifiers: SceneIdentifiers) -> list[str]:
    """Classes of nodes whose XML still holds an identifier of the scene."""
    left = []
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        texts = [node.GetName() or "", node.GetDescription() or ""]
        texts += [f"{name} {node.GetAttribute(name) or ''}" for name in attributeNames(node)]
        if any(identifiers.identifies(text) for text in texts):
            left.append(node.GetClassName())
    hierarchy = subjectHierarchy()
    left += ["subject hierarchy" for item in hierarchyItems() if identifiers.identifies(hierarchy.GetItemName(item))]
    return left
