"""The map of importance of an explanation as a volume over the CT: red where the detector's answer rests."""

from __future__ import annotations

import numpy as np
import slicer

from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene.hierarchy import remove_node
from ThoraxAILib.scene.volumes import node_from_volume

MAP_ATTRIBUTE = "LungNoduleAI.importanceOf"
COLORS = "vtkMRMLColorTableNodeRed"
OPACITY = 0.6
SHARE_SHOWN = 0.15  # of the strongest voxel; below it the CT alone is seen


def show_importance(importance: Volume, volume_node, finding_id: str, description: str):
    """Return the node of a map over ``volume_node`` in all slice views; an older map of the same CT is replaced."""
    remove_importance(volume_node)
    array = np.maximum(importance.array, 0.0).astype(np.float32)
    node = node_from_volume(Volume(array, importance.ijk_to_ras, "OT"), f"Importance for {finding_id}")
    node.SetAttribute(MAP_ATTRIBUTE, volume_node.GetID())
    node.SetDescription(description)
    node.CreateDefaultDisplayNodes()
    display, strongest = node.GetDisplayNode(), max(float(array.max()), 1e-6)
    display.SetAndObserveColorNodeID(COLORS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, strongest)
    display.SetLowerThreshold(SHARE_SHOWN * strongest)
    display.SetUpperThreshold(strongest)
    display.SetApplyThreshold(True)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetBackgroundVolumeID(volume_node.GetID())
        composite.SetForegroundVolumeID(node.GetID())
        composite.SetForegroundOpacity(OPACITY)
    return node


def importance_of(volume_node):
    """Return the node of the map over a CT; None without one."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return next((node for node in nodes if node.GetAttribute(MAP_ATTRIBUTE) == volume_node.GetID()), None)


def remove_importance(volume_node) -> None:
    """Take the map over a CT out of the scene."""
    node = importance_of(volume_node)
    if node is None:
        return
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetForegroundVolumeID() == node.GetID():
            composite.SetForegroundVolumeID(None)
    remove_node(node)
