"""Points and boxes in the scene, locked and drawn so that they do not hide what they mark."""

from __future__ import annotations

from dataclasses import dataclass

import slicer
import vtk

from ThoraxAILib.scene.labels.layers import Color
from ThoraxAILib.scene.names import unused_name

Point = tuple[float, float, float]
BOX_OPACITY, SELECTED_BOX_OPACITY = 0.5, 1.0
GLYPH_SIZE_MM = 2.5


@dataclass(frozen=True)
class LabeledPoint:
    """A position (RAS mm) with the words shown beside it and in its tooltip."""

    position: Point
    label: str
    description: str


def points_node(name: str, points: list[LabeledPoint], color: Color, dimmed_color: Color):
    """Return a new locked point list; unselected points show in ``dimmed_color``."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", unused_name(name))
    node.CreateDefaultDisplayNodes()
    set_points(node, points)
    node.SetLocked(True)
    display = node.GetDisplayNode()
    display.SetSelectedColor(*color)
    display.SetColor(*dimmed_color)
    display.SetUseGlyphScale(False)
    display.SetGlyphSize(GLYPH_SIZE_MM)
    display.SetTextScale(2.5)
    display.SetPropertiesLabelVisibility(False)
    return node


def set_points(node, points: list[LabeledPoint]) -> None:
    """Give a point list these locked points instead of those it had."""
    was_modifying = node.StartModify()
    node.RemoveAllControlPoints()
    for index, point in enumerate(points):
        node.AddControlPointWorld(vtk.vtkVector3d(*point.position), point.label)
        node.SetNthControlPointDescription(index, point.description)
        node.SetNthControlPointLocked(index, True)
    node.EndModify(was_modifying)


def box_node(name: str, center: Point, size: Point, color: Color):
    """Return a new locked box (ROI) around ``center`` with edges ``size`` along R, A, S in mm: outlines only, no
    handles.
    """
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", unused_name(name))
    node.CreateDefaultDisplayNodes()
    node.SetCenter(*center)
    node.SetSize(*size)
    node.SetLocked(True)
    display = node.GetDisplayNode()
    set_box_color(node, color)
    display.SetFillOpacity(0.0)
    display.SetHandlesInteractive(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    display.SetUseGlyphScale(False)
    display.SetGlyphSize(0.05)  # the center handle would cover the nodule
    select_box(node, False)
    return node


def set_box_color(node, color: Color) -> None:
    """Draw a box in ``color`` whether it is selected or not."""
    node.GetDisplayNode().SetSelectedColor(*color)
    node.GetDisplayNode().SetColor(*color)


def select_box(node, selected: bool) -> None:
    """Draw a box stronger than the others, or like them; boxes have no line width that views respect."""
    node.GetDisplayNode().SetOutlineOpacity(SELECTED_BOX_OPACITY if selected else BOX_OPACITY)
