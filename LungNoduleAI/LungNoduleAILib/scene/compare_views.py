"""Two dates in the views: prior and current side by side and linked, the difference over the current, the chart."""

from __future__ import annotations

import slicer

PRIOR_VIEW, CURRENT_VIEW = "Red", "Yellow"
DIFFERENCE_OPACITY = 0.4


def show_side_by_side(prior_node, current_node) -> None:
    """Prior left and current right, both axial and linked: scrolling, zooming and windowing move both."""
    _arrange(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    for view, volume_node in ((PRIOR_VIEW, prior_node), (CURRENT_VIEW, current_node)):
        for slice_node in _slice_nodes(view):
            slice_node.SetOrientation("Axial")
        for composite in _composites(view):
            composite.SetBackgroundVolumeID(volume_node.GetID())
            composite.SetForegroundVolumeID(None)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetLinkedControl(True)


def show_over(volume_node, background_node, show: bool) -> None:
    """Show a volume half transparent over every view of ``background_node``, or take it away."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetBackgroundVolumeID() == background_node.GetID():
            composite.SetForegroundVolumeID(volume_node.GetID() if show else None)
            composite.SetForegroundOpacity(DIFFERENCE_OPACITY if show else 0.0)


def show_chart(chart_node) -> None:
    """Arrange the views with a plot and show the chart in it."""
    _arrange(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
    views = slicer.util.getNodesByClass("vtkMRMLPlotViewNode")
    for view in views:
        view.SetPlotChartNodeID(chart_node.GetID())
    selection = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    if selection is not None:
        selection.SetActivePlotChartID(chart_node.GetID())


def _arrange(arrangement: int) -> None:
    for layout in slicer.util.getNodesByClass("vtkMRMLLayoutNode"):
        layout.SetViewArrangement(arrangement)


def _slice_nodes(view: str) -> list:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSliceNode") if node.GetLayoutName() == view]


def _composites(view: str) -> list:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode") if node.GetLayoutName() == view]
