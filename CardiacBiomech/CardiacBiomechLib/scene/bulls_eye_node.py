"""The bull's-eyes of a study as a color image that Slicer's slice views show."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support


def bulls_eye_node(name: str, pixels: np.ndarray):
    """Return a new node of a picture (rows, columns, 3; uint8), upright in an axial view; a pixel is 1 mm."""
    rows, columns, colors = pixels.shape
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    values = np.ascontiguousarray(pixels.reshape(-1, colors), dtype=np.uint8)
    image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(values, deep=True))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", f"{name} bull's-eyes")
    node.SetAndObserveImageData(image)
    node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    node.SetOrigin(columns / 2.0, rows / 2.0, 0.0)
    node.CreateDefaultDisplayNodes()
    return node
