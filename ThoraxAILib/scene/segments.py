"""Segmentation nodes from label arrays: the one place where labels become segments.

Segments that share a label array share one layer in memory and on disk; overlapping structures go to different
layers. Segment ids are chosen by the caller, so that they can be found again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene.names import unusedName
from ThoraxAILib.scene.terminology import Term
from ThoraxAILib.scene.volumes import volumeFromNode

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Segment:
    """Identity and looks of one segment; opacities from 0 to 1, not drawn in 3D at all when opacity3D is 0.

    ``visible`` False: the segment is there, to be switched on in the segment list.
    """

    id: str
    name: str
    term: Term
    color: Color
    fillOpacity: float = 0.3
    outlineOpacity: float = 1.0
    opacity3D: float = 1.0
    tags: dict[str, str] = field(default_factory=dict)
    visible: bool = True


@dataclass(frozen=True, eq=False)
class Layer:
    """One uint8 label array (k, j, i) and the segment of each label value in it."""

    labels: np.ndarray
    segments: dict[int, Segment]


def segmentationFromLayers(name: str, volumeNode, layers: list[Layer]):
    """A new segmentation node on the grid of ``volumeNode``, one segment per label that has voxels.

    Lies in the world, as volumeFromNode does. Raises ValueError when an array does not have the volume's shape.
    """
    volume = volumeFromNode(volumeNode)
    for layer in layers:
        if layer.labels.shape != volume.array.shape or layer.labels.dtype != np.uint8:
            raise ValueError(
                f"labels must be uint8 of shape {volume.array.shape}, "
                f"they are {layer.labels.dtype} of shape {layer.labels.shape}"
            )
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", unusedName(name))
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), volumeNode.GetID())
    for layer in layers:
        _addLayer(node, layer, volume)
    return node


def _addLayer(node, layer: Layer, volume: Volume) -> None:
    # by plane: it casts to int64
    counts = np.sum([np.bincount(plane.ravel(), minlength=256) for plane in layer.labels], axis=0)
    image = _orientedImage(layer.labels, volume.ijk_to_ras)
    for value, segment in layer.segments.items():
        if counts[value]:
            _addSegment(node, segment, value, image)


def _orientedImage(labels: np.ndarray, ijkToRas: np.ndarray):
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*labels.shape[::-1])
    scalars = numpy_support.numpy_to_vtk(labels.ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR)
    image.GetPointData().SetScalars(scalars)
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijkToRas))
    return image


def _addSegment(node, spec: Segment, value: int, image) -> None:
    segment = slicer.vtkSegment()
    segment.SetName(spec.name)
    segment.SetColor(*spec.color)
    segment.SetTag(segment.GetTerminologyEntryTagName(), str(spec.term))
    for tag, text in spec.tags.items():
        segment.SetTag(tag, text)
    segment.SetLabelValue(value)
    segment.AddRepresentation(slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName(), image)
    if not node.GetSegmentation().AddSegment(segment, spec.id):
        raise RuntimeError(f"segment {spec.id} could not be added to {node.GetName()}")
    display = node.GetDisplayNode()
    display.SetSegmentOpacity2DFill(spec.id, spec.fillOpacity)
    display.SetSegmentOpacity2DOutline(spec.id, spec.outlineOpacity)
    display.SetSegmentOpacity3D(spec.id, spec.opacity3D)
    display.SetSegmentVisibility3D(spec.id, spec.opacity3D > 0)
    display.SetSegmentVisibility(spec.id, spec.visible)
