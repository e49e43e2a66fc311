"""The qMRML widgets the panels use, on the real vtkMRMLScene and its nodes."""

from __future__ import annotations

from typing import Any

import shiboken6
from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal


class qMRMLWidget(QtWidgets.QWidget):  # noqa: N801
    """A widget that knows the scene and tells it on."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        """The vtkMRMLScene."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Use this scene."""
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):  # noqa: N801
    """What holds the panel of a scripted module; ``self()`` is the panel's Python object."""

    def setPanel(self, panel: Any) -> None:
        """Hold this panel."""
        self._panel = panel

    def self(self) -> Any:
        """The Python object of the panel."""
        return self._panel


class qMRMLNodeComboBox(QtWidgets.QWidget):  # noqa: N801
    """A choice among the nodes of some classes; follows nodes as they come and go."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeAddedByUser = Signal(object)
    nodeActivated = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._observers: list[int] = []
        self._nodeTypes: list[str] = []
        self._options = {
            "noneEnabled": False,
            "addEnabled": True,
            "removeEnabled": True,
            "editEnabled": False,
            "renameEnabled": False,
            "showChildNodeTypes": True,
            "showHidden": False,
            "selectNodeUponCreation": True,
        }
        self._currentID = ""
        self._isFilling = False
        self._box = QtWidgets.QComboBox()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(self._onIndexChanged)

    def mrmlScene(self) -> Any:
        """The vtkMRMLScene."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Offer the nodes of this scene."""
        for tag in self._observers:
            self._scene.RemoveObserver(tag)
        self._scene, self._observers = scene, []
        if scene is not None:
            events = (
                scene.NodeAddedEvent,
                scene.NodeRemovedEvent,
                scene.EndCloseEvent,
                scene.EndImportEvent,
                scene.EndBatchProcessEvent,
            )
            self._observers = [scene.AddObserver(event, self._onSceneEvent) for event in events]
        self._refill()

    def _onSceneEvent(self, scene: Any, _event: str) -> None:
        if shiboken6.isValid(self._box):
            self._refill()
            return
        for tag in self._observers:  # Qt has deleted the widget, the scene still knows the Python object
            scene.RemoveObserver(tag)
        self._observers = []

    def _nodes(self) -> list[Any]:
        if self._scene is None:
            return []
        nodes = [self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes())]
        return [node for node in nodes if self._isOffered(node)]

    def _isOffered(self, node: Any) -> bool:
        children = self._options["showChildNodeTypes"]
        fits = any(node.IsA(name) if children else node.GetClassName() == name for name in self._nodeTypes)
        return fits and (self._options["showHidden"] or not node.GetHideFromEditors())

    def _refill(self) -> None:
        """List the nodes anew. Without "None" a real qMRMLNodeComboBox takes the first node; so does this one."""
        self._isFilling = True
        self._box.clear()
        if self._options["noneEnabled"]:
            self._box.addItem("None", "")
        for node in self._nodes():
            self._box.addItem(node.GetName() or node.GetID(), node.GetID())
        index = self._box.findData(self._currentID)
        if index < 0 and self._box.count():
            index = 0
        self._box.setCurrentIndex(index)
        self._isFilling = False
        self._onIndexChanged(index)

    def _onIndexChanged(self, index: int) -> None:
        if self._isFilling:
            return
        nodeID = (self._box.itemData(index) or "") if index >= 0 else ""
        if nodeID != self._currentID:
            self._currentID = nodeID
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(nodeID)

    def currentNode(self) -> Any:
        """The chosen node or None."""
        return self._scene.GetNodeByID(self._currentID) if self._scene is not None and self._currentID else None

    def setCurrentNode(self, node: Any) -> None:
        """Choose a node; None chooses nothing where that is offered."""
        self.setCurrentNodeID(node.GetID() if node is not None else "")

    def setCurrentNodeID(self, nodeID: str) -> None:
        """Choose a node by its ID."""
        self._box.setCurrentIndex(self._box.findData(nodeID or ""))

    def nodeCount(self) -> int:
        """How many nodes are offered."""
        return len(self._nodes())

    def addNode(self) -> Any:
        """A new node of the first class, chosen at once."""
        node = self._scene.AddNewNodeByClass(self._nodeTypes[0])
        self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def _getNodeTypes(self) -> list[str]:
        return self._nodeTypes

    def _setNodeTypes(self, names: list[str] | str) -> None:
        self._nodeTypes = [names] if isinstance(names, str) else list(names)
        self._refill()

    @staticmethod
    def _option(name: str) -> Property:
        def read(self: qMRMLNodeComboBox) -> bool:
            return self._options[name]

        def write(self: qMRMLNodeComboBox, value: bool) -> None:
            self._options[name] = value
            self._refill()

        return Property(bool, read, write)

    nodeTypes = Property("QStringList", _getNodeTypes, _setNodeTypes)
    currentNodeID = Property(str, lambda self: self._currentID, setCurrentNodeID, notify=currentNodeIDChanged)
    noneEnabled = _option("noneEnabled")
    addEnabled = _option("addEnabled")
    removeEnabled = _option("removeEnabled")
    editEnabled = _option("editEnabled")
    renameEnabled = _option("renameEnabled")
    showChildNodeTypes = _option("showChildNodeTypes")
    showHidden = _option("showHidden")
    selectNodeUponCreation = _option("selectNodeUponCreation")


MRML_WIDGETS: dict[str, type] = {
    cls.__name__: cls for cls in (qMRMLWidget, qSlicerScriptedLoadableModuleWidget, qMRMLNodeComboBox)
}
