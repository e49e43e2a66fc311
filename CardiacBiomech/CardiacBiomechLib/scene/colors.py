"""How the wall is colored by its strain."""

from __future__ import annotations

import slicer

STRAIN_RANGE = (-0.25, 0.05)
COLORS = "vtkMRMLColorTableNodeRainbow"  # a color table every scene has
STRAIN_NAME = "circumferential strain (Green-Lagrange)"


def color_by_strain(display) -> None:
    """Let the display node of a wall show its strain in colors of one range for all frames."""
    display.SetActiveScalarName(STRAIN_NAME)
    display.SetScalarVisibility(True)
    display.SetScalarRangeFlag(slicer.vtkMRMLDisplayNode.UseManualScalarRange)
    display.SetScalarRange(*STRAIN_RANGE)
    display.SetAndObserveColorNodeID(COLORS)
