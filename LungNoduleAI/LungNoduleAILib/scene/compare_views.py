"""Two dates in the views: prior and current side by side and linked, the difference over the current."""

from __future__ import annotations

import slicer

from ThoraxAILib.scene.plots import arrange_views

PRIOR_VIEW, CURRENT_VIEW = "Red", "Yellow"
DIFFERENCE_OPACITY = 0.4


def show_side_by_side(prior_node, current_node) -> None:
    """Prior left and current right, both axial and linked: scrolling, zooming and windowing move both."""
    arrange_views(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
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


def _slice_nodes(view: str) -> list:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSliceNode") if node.GetLayoutName() == view]


def _composites(view: str) -> list:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode") if node.GetLayoutName() == view]
