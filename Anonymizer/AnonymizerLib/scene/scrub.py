"""Take identity out of the open scene: DICOM attributes, names, descriptions, texts, paths; data stays as it is.

Slicer keeps names and birth dates in node and subject hierarchy attributes of a saved scene even when the DICOM files
are gone (Slicer issue 8798). Voxels are not looked at: clean the DICOM images themselves for text and faces.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import slicer

from AnonymizerLib.scene.identifiers import DICOM_PREFIX, SceneIdentifiers, attribute_names, collect, hierarchy_items
from ThoraxAILib.scene.hierarchy import subject_hierarchy

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


def scrub_scene() -> SceneReport:
    """Scrub the open scene in place and look at it again; the report says what is left, if anything is."""
    scene = slicer.mrmlScene
    identifiers = collect(scene)
    report = SceneReport()
    _remove_scene_views(scene, report)
    names: Counter = Counter()
    for index in range(scene.GetNumberOfNodes()):
        scrub_node(scene.GetNthNode(index), identifiers, names, report)
    _scrub_hierarchy(identifiers, report)
    scene.SetURL("")
    scene.SetRootDirectory("")
    report.left = remaining_in(scene, identifiers)
    return report


def scrub_node(node: slicer.vtkMRMLNode, identifiers: SceneIdentifiers, names: Counter, report: SceneReport) -> None:
    """One node: attributes, description, name, and what its class can hold."""
    _scrub_attributes(node, identifiers, report)
    if node.GetDescription():
        node.SetDescription("")
        report.counts["descriptions"] += 1
    _scrub_name(node, identifiers, names, report)
    for class_name, scrub in (
        ("vtkMRMLStorageNode", _scrub_storage),
        ("vtkMRMLSegmentationNode", _scrub_segments),
        ("vtkMRMLMarkupsNode", _scrub_markups),
        ("vtkMRMLTextNode", _scrub_text),
        ("vtkMRMLTableNode", _scrub_table),
        ("vtkMRMLSequenceNode", _scrub_sequence),
        ("vtkMRMLScriptedModuleNode", _scrub_parameters),
        ("vtkMRMLPlotChartNode", _scrub_chart),
        (VIEWS, _scrub_view),
    ):
        if node.IsA(class_name):
            scrub(node, identifiers, report)


def _scrub_attributes(node: slicer.vtkMRMLNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    """Attributes stay when their name and value are understood: numbers, references between nodes, listed words."""
    for name in attribute_names(node):
        value = node.GetAttribute(name) or ""
        is_understood = name in OF_SOFTWARE or (identifiers.may_stay(name) and identifiers.value_may_stay(value))
        if name.startswith(DICOM_PREFIX) or identifiers.identifies(f"{name} {value}") or not is_understood:
            node.RemoveAttribute(name)
            report.counts["attributes"] += 1


def _scrub_name(node: slicer.vtkMRMLNode, identifiers: SceneIdentifiers, names: Counter, report: SceneReport) -> None:
    """Give a neutral name to whatever is not understood; Slicer's own singletons only lose names that identify."""
    old = node.GetName() or ""
    is_own = bool(node.GetSingletonTag()) and not node.IsA(VIEWS)
    if not old or not (
        identifiers.identifies(old) or not (is_own or identifiers.may_stay(old) or _is_default(node, old))
    ):
        return
    kind = next((neutral for class_name, neutral in NEUTRAL_NAMES if node.IsA(class_name)), node.GetNodeTagName())
    names[kind] += 1
    node.SetName(f"{kind} {names[kind]}")
    report.counts["names"] += 1


def _is_default(node: slicer.vtkMRMLNode, name: str) -> bool:
    """Whether a name is the one Slicer gives: the class or tag of the node, with a number; or it is a color table."""
    base = name.rstrip("0123456789_ ")
    own = {node.GetNodeTagName(), node.GetClassName(), node.GetClassName()[len("vtkMRML") : -len("Node")]}
    return base in own or node.IsA("vtkMRMLColorNode")


def _scrub_storage(node: slicer.vtkMRMLStorageNode, _identifiers: SceneIdentifiers, report: SceneReport) -> None:
    """File names and addresses: the next save makes new ones from node names."""
    if node.GetFileName() or node.GetURI() or node.GetNumberOfFileNames():
        node.SetFileName(None)
        node.ResetFileNameList()
        node.SetURI(None)
        node.ResetURIList()
        report.counts["paths"] += 1


def _scrub_segments(node: slicer.vtkMRMLSegmentationNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    segmentation = node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        if not identifiers.may_stay(segment.GetName() or ""):
            segment.SetName(f"Segment {index + 1}")
            report.counts["segment names"] += 1
        for tag in _segment_tags(segment):
            value = _segment_tag(segment, tag)
            if tag.startswith(DICOM_PREFIX) or not identifiers.may_stay(TERMINOLOGY.sub(" ", value)):
                segment.RemoveTag(tag)
                report.counts["segment tags"] += 1


def _segment_tags(segment: slicer.vtkSegment) -> list[str]:
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
            if _segment_tag(segment, tag)
        ]
    return [tags.GetValue(index) for index in range(tags.GetNumberOfValues())]


def _segment_tag(segment: slicer.vtkSegment, tag: str) -> str:
    import vtk

    value = vtk.reference("")
    return str(value) if segment.GetTag(tag, value) else ""


def _scrub_markups(node: slicer.vtkMRMLMarkupsNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    for index in range(node.GetNumberOfControlPoints()):
        if not identifiers.may_stay(node.GetNthControlPointLabel(index) or ""):
            node.SetNthControlPointLabel(index, str(index + 1))
            report.counts["point labels"] += 1
        text = node.GetNthControlPointDescription(index) or ""
        if text and not identifiers.may_stay(text):
            node.SetNthControlPointDescription(index, "")
            report.counts["point descriptions"] += 1


def _scrub_text(node: slicer.vtkMRMLTextNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    if node.GetText() and not identifiers.may_stay(node.GetText()):
        node.SetText("")
        report.counts["texts"] += 1


def _scrub_table(node: slicer.vtkMRMLTableNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    table = node.GetTable()
    for column in range(table.GetNumberOfColumns()):
        array = table.GetColumn(column)
        if not identifiers.may_stay(array.GetName() or ""):
            array.SetName(f"Column {column + 1}")
            report.counts["table cells"] += 1
        for row in range(table.GetNumberOfRows()) if array.IsA("vtkStringArray") else ():
            if not identifiers.value_may_stay(array.GetValue(row)):
                array.SetValue(row, REMOVED_CELL)
                report.counts["table cells"] += 1
    table.Modified()


def _scrub_sequence(node: slicer.vtkMRMLSequenceNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    names: Counter = Counter()
    for index in range(node.GetNumberOfDataNodes()):
        scrub_node(node.GetNthDataNode(index), identifiers, names, report)
        if not identifiers.value_may_stay(node.GetNthIndexValue(index) or ""):
            node.UpdateIndexValue(node.GetNthIndexValue(index), str(index))
            report.counts["index values"] += 1


def _scrub_parameters(
    node: slicer.vtkMRMLScriptedModuleNode, identifiers: SceneIdentifiers, report: SceneReport
) -> None:
    """Take out what modules remember of their panels: paths and typed texts."""
    for name in list(node.GetParameterNames()):
        if not (identifiers.may_stay(name) and identifiers.value_may_stay(node.GetParameter(name) or "")):
            node.UnsetParameter(name)
            report.counts["parameters"] += 1


def _scrub_chart(node: slicer.vtkMRMLPlotChartNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    for read, write in (
        (node.GetTitle, node.SetTitle),
        (node.GetXAxisTitle, node.SetXAxisTitle),
        (node.GetYAxisTitle, node.SetYAxisTitle),
    ):
        if read() and not identifiers.may_stay(read()):
            write("")
            report.counts["chart titles"] += 1


def _scrub_view(node: slicer.vtkMRMLAbstractViewNode, identifiers: SceneIdentifiers, report: SceneReport) -> None:
    if node.GetLayoutLabel() and not identifiers.may_stay(node.GetLayoutLabel()):
        node.SetLayoutLabel("V")
        report.counts["view labels"] += 1


def _remove_scene_views(scene: slicer.vtkMRMLScene, report: SceneReport) -> None:
    """Scene views hold a copy of the scene and a screenshot: they go."""
    views = [
        scene.GetNthNodeByClass(index, "vtkMRMLSceneViewNode")
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSceneViewNode"))
    ]
    for view in views:
        scene.RemoveNode(view)
        report.counts["scene views"] += 1


def _scrub_hierarchy(identifiers: SceneIdentifiers, report: SceneReport) -> None:
    hierarchy = subject_hierarchy()
    numbers: Counter = Counter()
    for item in hierarchy_items():
        for name in list(hierarchy.GetItemAttributeNames(item)):
            value = hierarchy.GetItemAttribute(item, name) or ""
            is_understood = identifiers.may_stay(name) and identifiers.value_may_stay(value)
            if name.startswith(DICOM_PREFIX) or not is_understood:
                hierarchy.RemoveItemAttribute(item, name)
                report.counts["hierarchy attributes"] += 1
        if hierarchy.GetItemUID(item, "DICOM"):
            hierarchy.SetItemUID(item, "DICOM", "")
            report.counts["hierarchy UIDs"] += 1
        if hierarchy.GetItemDataNode(item) is None:
            _scrub_item_name(hierarchy, item, identifiers, numbers, report)


def _scrub_item_name(
    hierarchy: slicer.vtkMRMLSubjectHierarchyNode,
    item: int,
    identifiers: SceneIdentifiers,
    numbers: Counter,
    report: SceneReport,
) -> None:
    level = hierarchy.GetItemLevel(item)
    old = hierarchy.GetItemName(item)
    if level in ("Patient", "Study") or not identifiers.may_stay(old):
        kind = level or "Folder"
        numbers[kind] += 1
        new = f"{kind} {numbers[kind]}"
        if new == old:
            return
        hierarchy.SetItemName(item, new)
        report.counts["hierarchy names"] += 1


def remaining_in(scene: slicer.vtkMRMLScene, identifiers: SceneIdentifiers) -> list[str]:
    """Classes of nodes whose XML still holds an identifier of the scene."""
    left = []
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        texts = [node.GetName() or "", node.GetDescription() or ""]
        texts += [f"{name} {node.GetAttribute(name) or ''}" for name in attribute_names(node)]
        if any(identifiers.identifies(text) for text in texts):
            left.append(node.GetClassName())
    hierarchy = subject_hierarchy()
    left += ["subject hierarchy" for item in hierarchy_items() if identifiers.identifies(hierarchy.GetItemName(item))]
    return left
