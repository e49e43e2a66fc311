"""Segmentation nodes from label arrays: the one place where labels become segments.

Segments that share a label array share one layer in memory and on disk; overlapping structures go to different
layers. Segment ids are chosen by the caller, so that they can be found again.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from ThoraxAILib.image.volume import Volume
from ThoraxAILib.scene.labels.layers import Layer, Segment
from ThoraxAILib.scene.names import unused_name
from ThoraxAILib.scene.volumes import volume_from_node


def segmentation_from_layers(name: str, volume_node, layers: list[Layer]):
    """Return a new segmentation node on the grid of ``volume_node``, one segment per label that has voxels.

    Lies in the world, as volume_from_node does. Raises ValueError when an array does not have the volume's shape.
    """
    volume = volume_from_node(volume_node)
    for layer in layers:
        if layer.labels.shape != volume.array.shape or layer.labels.dtype != np.uint8:
            raise ValueError(
                f"labels must be uint8 of shape {volume.array.shape}, "
                f"they are {layer.labels.dtype} of shape {layer.labels.shape}"
            )
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", unused_name(name))
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), volume_node.GetID())
    for layer in layers:
        _add_layer(node, layer, volume)
    return node


def _add_layer(node, layer: Layer, volume: Volume) -> None:
    # by plane: it casts to int64
    counts = np.sum([np.bincount(plane.ravel(), minlength=256) for plane in layer.labels], axis=0)
    image = _oriented_image(layer.labels, volume.ijk_to_ras)
    for value, segment in layer.segments.items():
        if counts[value]:
            _add_segment(node, segment, value, image)


def _oriented_image(labels: np.ndarray, ijk_to_ras: np.ndarray):
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*labels.shape[::-1])
    scalars = numpy_support.numpy_to_vtk(labels.ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR)
    image.GetPointData().SetScalars(scalars)
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
    return image


def add_empty_segment(node, spec: Segment) -> None:
    """Add a segment without voxels to a segmentation node."""
    image = slicer.vtkOrientedImageData()
    image.SetExtent(0, -1, 0, -1, 0, -1)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    _add_segment(node, spec, 1, image)


def set_segment_looks(node, spec: Segment) -> None:
    """Give a segment that is there another color and term."""
    segment = node.GetSegmentation().GetSegment(spec.id)
    segment.SetColor(*spec.color)
    segment.SetTag(segment.GetTerminologyEntryTagName(), str(spec.term))


def _add_segment(node, spec: Segment, value: int, image) -> None:
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
    display.SetSegmentOpacity2DFill(spec.id, spec.fill_opacity)
    display.SetSegmentOpacity2DOutline(spec.id, spec.outline_opacity)
    display.SetSegmentOpacity3D(spec.id, spec.opacity_3d)
    display.SetSegmentVisibility3D(spec.id, spec.opacity_3d > 0)
    display.SetSegmentVisibility(spec.id, spec.visible)
