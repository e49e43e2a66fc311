"""Which CT the panel proposes: the one the person looks at, or the only one there is; never just the first."""

from __future__ import annotations

import slicer

AIR_HU = -500  # a chest CT in Hounsfield units holds air and lung


def looks_like_ct(volume_node: slicer.vtkMRMLScalarVolumeNode | None) -> bool:
    """Whether the voxels of a volume node can be a CT in Hounsfield units with air in it."""
    if volume_node is None or volume_node.GetClassName() != "vtkMRMLScalarVolumeNode":
        return False
    image = volume_node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or image.GetNumberOfScalarComponents() != 1:
        return False
    return image.GetScalarRange()[0] <= AIR_HU


def proposed_volume() -> slicer.vtkMRMLScalarVolumeNode | None:
    """Return the CT shown in the views, else the only CT of the scene, else None."""
    selection = slicer.app.applicationLogic().GetSelectionNode()
    shown = slicer.mrmlScene.GetNodeByID(selection.GetActiveVolumeID() or "") if selection is not None else None
    if looks_like_ct(shown):
        return shown
    candidates = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if looks_like_ct(node)]
    return candidates[0] if len(candidates) == 1 else None


def show_in_views(volume_node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Show a volume in all slice views and center them on it."""
    application_logic = slicer.app.applicationLogic()
    application_logic.GetSelectionNode().SetActiveVolumeID(volume_node.GetID())
    application_logic.PropagateVolumeSelection(1)
