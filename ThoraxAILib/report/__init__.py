"""Pictures of volumes for reports and files: slices, slabs, overlays and sheets, without VTK or Qt."""

from ThoraxAILib.report.drawing import Box, contact_sheet, draw_boxes, draw_markers, encoded, with_title
from ThoraxAILib.report.slices import LUNG_WINDOW, PLANES, SOFT_WINDOW, Overlay, Picture, Window, render

__all__ = [
    "LUNG_WINDOW",
    "PLANES",
    "SOFT_WINDOW",
    "Box",
    "Overlay",
    "Picture",
    "Window",
    "contact_sheet",
    "draw_boxes",
    "draw_markers",
    "encoded",
    "render",
    "with_title",
]
