"""Which CT the panel proposes: the one the person looks at, or the only one there is; never just the first."""

from __future__ import annotations

import slicer

AIR_HU = -500  # a chest CT in Hounsfield units holds air and lung


def looksLikeCT(volumeNode: slicer.vtkMRMLScalarVolumeNode | None) -> bool:
    """Whether the voxels of a volume node can be a CT in Hounsfield units with air in it."""
    if volumeNode is None or volumeNode.GetClassName() != "vtkMRMLScalarVolumeNode":
        return False
    image = volumeNode.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or image.GetNumberOfScalarComponents() != 1:
        return False
    return image.GetScalarRange()[0] <= AIR_HU


def proposedVolume() -> slicer.vtkMRMLScalarVolumeNode | None:
    """The CT shown in the views, else the only CT of the scene, else None."""
    selection = slicer.app.applicationLogic().GetSelectionNode()
    shown = slicer.mrmlScene.GetNodeByID(selection.GetActiveVolumeID() or "") if selection is not None else None
    if looksLikeCT(shown):
        return shown
    candidates = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if looksLikeCT(node)]
    return candidates[0] if len(candidates) == 1 else None


def showInViews(volumeNode: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Show a volume in all slice views and center them on it."""
    applicationLogic = slicer.app.applicationLogic()
    applicationLogic.GetSelectionNode().SetActiveVolumeID(volumeNode.GetID())
    applicationLogic.PropagateVolumeSelection(1)
