"""Hanging layouts and windows: how the CT is laid out for reading, the same for every finding."""

from __future__ import annotations

from dataclasses import dataclass

import slicer
import vtk

from LungNoduleAILib.model.findings import Finding

ONE_UP, THREE_PLANES, MIP_SLAB, PRIOR_AND_CURRENT = "one_up", "three_planes", "mip_slab", "prior_and_current"
LAYOUTS = (ONE_UP, THREE_PLANES, MIP_SLAB, PRIOR_AND_CURRENT)
DEFAULT_SLAB_MM = 10.0
LUNG, SOFT_TISSUE, BY_FINDING = "lung", "soft_tissue", "by_finding"
WINDOWS = (BY_FINDING, LUNG, SOFT_TISSUE)
PLANES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}


@dataclass(frozen=True)
class WindowLevel:
    """Width and level of a gray scale window in HU."""

    width_hu: float
    level_hu: float


# The usual windows of chest CT; the lung window is that of the report.
HU_WINDOWS = {LUNG: WindowLevel(1500.0, -600.0), SOFT_TISSUE: WindowLevel(400.0, 40.0)}


def hang(layout: str, current_node, prior_node=None, slab_mm: float = DEFAULT_SLAB_MM) -> None:
    """Lay the CT out for reading: one axial view, three planes, axial slabs of brightest voxels (``slab_mm`` thick), or
    prior left and current right, linked.
    """
    from LungNoduleAILib.scene.compare_views import show_side_by_side

    if layout == PRIOR_AND_CURRENT and prior_node is not None:
        show_side_by_side(prior_node, current_node)
        _set_slab(None)
        return
    arrangement = slicer.vtkMRMLLayoutNode
    wanted = arrangement.SlicerLayoutFourUpView if layout == THREE_PLANES else arrangement.SlicerLayoutOneUpRedSliceView
    for node in slicer.util.getNodesByClass("vtkMRMLLayoutNode"):
        node.SetViewArrangement(wanted)
    for slice_node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        if slice_node.GetLayoutName() in PLANES:
            slice_node.SetOrientation(PLANES[slice_node.GetLayoutName()])
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetBackgroundVolumeID(current_node.GetID())
    _set_slab(slab_mm if layout == MIP_SLAB else None)


def _set_slab(slab_mm: float | None) -> None:
    """Show the brightest voxels of a slab in every slice view, or single slices for None."""
    for slice_node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        slice_node.SetSlabReconstructionEnabled(slab_mm is not None)
        if slab_mm is not None:
            slice_node.SetSlabReconstructionType(vtk.VTK_IMAGE_SLAB_MAX)
            slice_node.SetSlabReconstructionThickness(slab_mm)


def set_window(volume_nodes, name: str) -> None:
    """Show CTs in the lung or the soft tissue window."""
    window = HU_WINDOWS[name]
    for node in volume_nodes:
        if node is None:
            continue
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().AutoWindowLevelOff()
        node.GetDisplayNode().SetWindowLevel(window.width_hu, window.level_hu)


def window_for(finding: Finding) -> str:
    """Return the window that shows a finding best: soft tissue for masses and calcified nodules, else lung."""
    return SOFT_TISSUE if finding.type == "calcified" or finding.kind == "mass" else LUNG
