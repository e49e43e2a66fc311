"""Two dates in the views: prior and current side by side and linked, the difference over the current, the chart."""

from __future__ import annotations

import slicer

PRIOR_VIEW, CURRENT_VIEW = "Red", "Yellow"
DIFFERENCE_OPACITY = 0.4


def showSideBySide(priorNode, currentNode) -> None:
    """Prior left and current right, both axial and linked: scrolling, zooming and windowing move both."""
    _arrange(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    for view, volumeNode in ((PRIOR_VIEW, priorNode), (CURRENT_VIEW, currentNode)):
        for sliceNode in _sliceNodes(view):
            sliceNode.SetOrientation("Axial")
        for composite in _composites(view):
            composite.SetBackgroundVolumeID(volumeNode.GetID())
            composite.SetForegroundVolumeID(None)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetLinkedControl(True)


def showOver(volumeNode, backgroundNode, show: bool) -> None:
    """Show a volume half transparent over every view of ``backgroundNode``, or take it away."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetBackgroundVolumeID() == backgroundNode.GetID():
            composite.SetForegroundVolumeID(volumeNode.GetID() if show else None)
            composite.SetForegroundOpacity(DIFFERENCE_OPACITY if show else 0.0)


def showChart(chartNode) -> None:
    """Arrange the views with a plot and show the chart in it."""
    _arrange(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
    views = slicer.util.getNodesByClass("vtkMRMLPlotViewNode")
    for view in views:
        view.SetPlotChartNodeID(chartNode.GetID())
    selection = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    if selection is not None:
        selection.SetActivePlotChartID(chartNode.GetID())


def _arrange(arrangement: int) -> None:
    for layout in slicer.util.getNodesByClass("vtkMRMLLayoutNode"):
        layout.SetViewArrangement(arrangement)


def _sliceNodes(view: str) -> list:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSliceNode") if node.GetLayoutName() == view]


def _composites(view: str) -> list:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode") if node.GetLayoutName() == view]
