"""Charts in the scene: lines over a column of a table node, and the views that show them."""

from __future__ import annotations

import slicer

from ThoraxAILib.scene.labels.layers import Color
from ThoraxAILib.scene.names import unused_name

COLORS: tuple[Color, ...] = (
    (0.90, 0.30, 0.25),
    (0.20, 0.55, 0.90),
    (0.25, 0.70, 0.35),
    (0.85, 0.60, 0.10),
    (0.60, 0.35, 0.80),
    (0.10, 0.70, 0.70),
    (0.85, 0.40, 0.65),
    (0.50, 0.50, 0.50),
)


def chart_nodes(name: str, table, x: str, columns: list[str], titles: tuple[str, str, str]) -> tuple:
    """Return a new chart node and its series nodes: ``columns`` of a table over its column ``x``.

    ``titles`` are those of the chart, of its x axis and of its y axis.
    """
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", unused_name(name))
    chart.SetTitle(titles[0])
    chart.SetXAxisTitle(titles[1])
    chart.SetYAxisTitle(titles[2])
    series = [_series(table, x, column, COLORS[n % len(COLORS)]) for n, column in enumerate(columns)]
    for one in series:
        chart.AddAndObservePlotSeriesNodeID(one.GetID())
    return chart, series


def show_chart(chart_node, with_3d_view: bool = False) -> None:
    """Arrange the views with a plot, beside the slices or beside slices and 3D view, and show the chart in it."""
    layouts = slicer.vtkMRMLLayoutNode
    arrange_views(layouts.SlicerLayoutConventionalPlotView if with_3d_view else layouts.SlicerLayoutFourUpPlotView)
    for view in slicer.util.getNodesByClass("vtkMRMLPlotViewNode"):
        view.SetPlotChartNodeID(chart_node.GetID())
    selection = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    if selection is not None:
        selection.SetActivePlotChartID(chart_node.GetID())


def arrange_views(arrangement: int) -> None:
    """Arrange the views in a way that vtkMRMLLayoutNode numbers."""
    for layout in slicer.util.getNodesByClass("vtkMRMLLayoutNode"):
        layout.SetViewArrangement(arrangement)


def _series(table, x: str, y: str, color: Color):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", unused_name(y))
    node.SetAndObserveTableNodeID(table.GetID())
    node.SetXColumnName(x)
    node.SetYColumnName(y)
    node.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    node.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleCircle)
    node.SetColor(*color)
    return node
