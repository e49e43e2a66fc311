"""What a scene says about people: DICOM attributes of nodes and of the subject hierarchy, names, paths."""

from __future__ import annotations

import re

import slicer

from AnonymizerLib.check.identifiers import Tokens, tokens_of
from AnonymizerLib.check.search import text_names
from AnonymizerLib.objects.element import Original
from AnonymizerLib.profile.words import label_may_stay
from ThoraxAILib.scene.hierarchy import subject_hierarchy

DICOM_PREFIX = "DICOM."
PATH = re.compile(r"(^|[\s\"'=:])(/[^/\s]+/|[A-Za-z]:[\\/]|\\\\|file://)")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)")
CLASS_NAME = re.compile(r"\bvtkMRML[A-Za-z]+Node")
# Switches, references to nodes and colors, and decimals in a row: what Slicer itself keeps in attributes.
PLAIN_VALUE = re.compile(
    r"^(?:true|false|on|off|vtkMRML[A-Za-z]+Node[A-Za-z0-9]{0,12}|#[0-9a-fA-F]{6}|"
    r"[-+]?\d{1,5}(?:\.\d+)?(?:e[-+]?\d+)?|[-+]?\d+\.\d+(?:[ ,;]+[-+]?\d+\.\d+)*|)$"
)
SEPARATORS = re.compile(r"[_.\-\[\]()]+")
# Tags whose tokens are looked for; the rest of the DICOM attributes is removed without being remembered.
REMEMBERED = {
    "PatientName": (0x00100010, "PN"),
    "PatientID": (0x00100020, "LO"),
    "PatientBirthDate": (0x00100030, "DA"),
    "StudyDate": (0x00080020, "DA"),
    "SeriesDate": (0x00080021, "DA"),
    "StudyInstanceUID": (0x0020000D, "UI"),
    "ReferringPhysicianName": (0x00080090, "PN"),
    "AccessionNumber": (0x00080050, "SH"),
    "InstitutionName": (0x00080080, "LO"),
    "StudyID": (0x00200010, "SH"),
    "instanceUIDs": (0x00080018, "UI"),
    "PatientComments": (0x00104000, "LT"),
    "OperatorsName": (0x00081070, "PN"),
    "PerformingPhysicianName": (0x00081050, "PN"),
    "StationName": (0x00081010, "SH"),
    "OtherPatientIDs": (0x00101000, "LO"),
    "PatientAddress": (0x00101040, "LO"),
}


class SceneIdentifiers:
    """Collects values, then tells of any text whether it still identifies somebody."""

    def __init__(self) -> None:
        self._originals: list[Original] = []
        self.tokens = Tokens()

    def remember(self, name: str, value: str) -> None:
        """Note the value of a DICOM attribute ('DICOM.PatientName' or the keyword alone)."""
        key = name.removeprefix(DICOM_PREFIX).replace("Instance.UID", "instanceUIDs")
        tag, vr = REMEMBERED.get(key, (0, ""))
        if vr and value:
            value = "\\".join(value.split()) if vr == "UI" else value
            self._originals.append(Original(tag, vr, value.encode("utf-8")))
            self.tokens = tokens_of(self._originals, ["utf-8"])

    def identifies(self, text: str) -> bool:
        """Whether a text holds an identifier of this scene, or a path of a computer."""
        return text_names(SEPARATORS.sub(" ", text), self.tokens) or (
            text_names(text, self.tokens) or PATH.search(text) is not None
        )

    def may_stay(self, text: str) -> bool:
        """Whether a name, label or remark consists of harmless words only, and identifies nobody."""
        return not self.identifies(text) and any(
            label_may_stay(words) for words in (SEPARATORS.sub(" ", text), _as_words(text))
        )

    def value_may_stay(self, value: str) -> bool:
        """Whether the value of an attribute is a number, a reference between nodes, or text that may stay."""
        if self.identifies(value):
            return False
        return PLAIN_VALUE.match(value) is not None or self.may_stay(value)


def _as_words(text: str) -> str:
    """Read a name of nodes as a text: words that are only told apart by capital letters get spaces."""
    return SEPARATORS.sub(" ", CAMEL.sub(" ", CLASS_NAME.sub(" ", text)))


def collect(scene: slicer.vtkMRMLScene) -> SceneIdentifiers:
    """Collect the identifiers of a scene from its nodes and its subject hierarchy."""
    found = SceneIdentifiers()
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        for name in attribute_names(node):
            if name.startswith(DICOM_PREFIX):
                found.remember(name, node.GetAttribute(name) or "")
    hierarchy = subject_hierarchy()
    for item in hierarchy_items():
        for name in hierarchy.GetItemAttributeNames(item):
            if name.startswith(DICOM_PREFIX):
                found.remember(name, hierarchy.GetItemAttribute(item, name) or "")
        found.remember("instanceUIDs", hierarchy.GetItemUID(item, "DICOM") or "")
    return found


def attribute_names(node: slicer.vtkMRMLNode) -> list[str]:
    """List the names of a node's attributes."""
    return list(node.GetAttributeNames())


def hierarchy_items() -> list[int]:
    """Every item of the subject hierarchy, however deep."""
    import vtk

    children = vtk.vtkIdList()
    hierarchy = subject_hierarchy()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), children, True)
    return [children.GetId(index) for index in range(children.GetNumberOfIds())]
