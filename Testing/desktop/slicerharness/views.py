"""Slice and 3D views of the session's scene, rendered off screen into images (VTK through EGL, no display needed).

trame-slicer's view classes are used on the harness' own scene; they need its extra ``standalone``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import numpy as np
import slicer
import vtk
from PySide6 import QtGui
from vtk.util.numpy_support import vtk_to_numpy

SLICE_VIEWS = {
    "Red": ("Axial", (0.95, 0.29, 0.19)),
    "Yellow": ("Sagittal", (0.93, 0.84, 0.30)),
    "Green": ("Coronal", (0.43, 0.69, 0.29)),
}
BACKGROUND_3D = ((0.757, 0.764, 0.909), (0.455, 0.471, 0.745))


@dataclass(frozen=True)
class Views:
    """The four views by name; keep it as long as they are used."""

    slices: dict[str, Any]
    threeD: Any


def makeViews(size: tuple[int, int]) -> Views:
    """Red, yellow and green slice views and one 3D view of ``size`` pixels on slicer.mrmlScene."""
    from trame_slicer.views import NoScheduleRendering, SliceView, ThreeDView

    _prepareApplicationLogic()
    arguments = (slicer.mrmlScene, slicer.app.applicationLogic())
    strategy = {"scheduled_render_strategy": NoScheduleRendering()}
    slices = {}
    for name, (orientation, color) in SLICE_VIEWS.items():
        view = slices[name] = SliceView(*arguments, name, **strategy)
        view.get_view_node().SetOrientation(orientation)
        view.get_view_node().SetLayoutColor(*color)
    threeD = ThreeDView(*arguments, "1", **strategy)
    threeD.get_view_node().SetBackgroundColor(BACKGROUND_3D[0])
    threeD.get_view_node().SetBackgroundColor2(BACKGROUND_3D[1])
    threeD.get_view_node().SetBoxVisible(False)
    threeD.get_view_node().SetAxisLabelsVisible(False)
    views = Views(slices, threeD)
    for view in (*slices.values(), threeD):
        _prepare(view, size)
    threeD.renderer().SetMaximumNumberOfPeels(8)
    return views


def _prepareApplicationLogic() -> None:
    """What the desktop's main window sets up before views."""
    logic = slicer.app.applicationLogic()
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    for kind in ("ThreeD", "Slice"):
        factory = getattr(slicer, f"vtkMRML{kind}ViewDisplayableManagerFactory")
        factory.GetInstance().SetMRMLApplicationLogic(logic)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(slicer.mrmlScene, True)


def _prepare(view: Any, size: tuple[int, int]) -> None:
    window = view.render_window()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)  # with software GL translucent surfaces vanish otherwise
    view.update_size(*size)
    view.interactor().InvokeEvent("WindowResizeEvent")


def imageOf(view: Any) -> QtGui.QImage:
    """What the view shows now."""
    window = view.render_window()
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.ShouldRerenderOff()
    grab.Update()
    width, height, _depth = grab.GetOutput().GetDimensions()
    pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3]
    pixels = np.ascontiguousarray(pixels)
    return QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888).copy()
