"""One click into a slice view: Slicer's place mode with a point that is gone as soon as it has said where."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer

NAME = "Click into the nodule"
CLASS = "vtkMRMLMarkupsFiducialNode"


class PlaceTool:
    """start() waits for one click and hands its place (RAS mm) to ``on_placed``; ``on_stopped`` hears of every end."""

    def __init__(self, on_stopped: Callable[[], None]) -> None:
        self._onStopped = on_stopped
        self._onPlaced: Callable[[tuple[float, float, float]], None] | None = None
        self._node: slicer.vtkMRMLMarkupsFiducialNode | None = None
        self._place: tuple[float, float, float] | None = None
        self._tag = 0

    @property
    def is_waiting(self) -> bool:
        """Whether a click is waited for."""
        return self._node is not None

    def start(self, on_placed: Callable[[tuple[float, float, float]], None]) -> None:
        """Wait for a click, instead of one that was waited for before."""
        self.stop()
        self._onPlaced, self._place = on_placed, None
        node = slicer.mrmlScene.AddNewNodeByClass(CLASS, NAME)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        self._node = node
        self._tag = node.AddObserver(slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent, self._on_defined)
        selection = slicer.app.applicationLogic().GetSelectionNode()
        selection.SetReferenceActivePlaceNodeClassName(CLASS)
        selection.SetActivePlaceNodeID(node.GetID())
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetPlaceModePersistence(0)
        interaction.SetCurrentInteractionMode(interaction.Place)

    def stop(self) -> None:
        """Wait no longer."""
        node, self._node = self._node, None
        if node is None:
            return
        node.RemoveObserver(self._tag)
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        slicer.app.applicationLogic().GetSelectionNode().SetActivePlaceNodeID(None)
        if slicer.mrmlScene.IsNodePresent(node):
            for index in range(node.GetNumberOfDisplayNodes()):
                slicer.mrmlScene.RemoveNode(node.GetNthDisplayNode(index))
            slicer.mrmlScene.RemoveNode(node)
        self._onStopped()

    def _on_defined(self, node: slicer.vtkMRMLMarkupsFiducialNode, _event: str) -> None:
        place = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(node.GetNumberOfControlPoints() - 1, place)
        r, a, s = place
        self._place = (r, a, s)
        qt.QTimer.singleShot(0, self._finish)  # the views still use the node until this event is over

    def _finish(self) -> None:
        on_placed, place = self._onPlaced, self._place
        if self._node is None or on_placed is None or place is None:
            return
        self.stop()
        on_placed(place)
