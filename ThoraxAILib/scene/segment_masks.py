"""Segments as masks on the grid of a volume, and back: what a person drew in the Segment Editor, as an array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

LABELMAP = "Binary labelmap"
ON_GRID = 1e-3  # voxels by which a lattice may be off and still be the same


def segment_masks(node, segment_ids: Iterable[str], volume: Volume) -> dict[str, Mask]:
    """Return the mask of each segment that has voxels, on the grid of ``volume``; segments on another grid are
    resampled to the nearest voxel.
    """
    import scipy.ndimage as ndi

    segmentation = node.GetSegmentation()
    layers: dict[int, tuple] = {}  # segments of one layer share one array: it is searched once
    found = {}
    for name in segment_ids:
        segment = segmentation.GetSegment(name)
        image = None if segment is None else segment.GetRepresentation(LABELMAP)
        if image is None or image.GetPointData().GetScalars() is None:
            continue
        key = image.GetAddressAsString("")
        if key not in layers:
            array, offset = _on_grid(image, volume)
            layers[key] = (array, offset, ndi.find_objects(array))
        array, offset, boxes = layers[key]
        value = segment.GetLabelValue()
        box = boxes[value - 1] if 0 < value <= len(boxes) else None
        if box is not None:
            start = three(int(o + span.start) for o, span in zip(offset, box, strict=True))
            found[name] = Mask(start, array[box] == value)
    return found


def labels_of_segments(node, values: Mapping[str, int], volume: Volume) -> np.ndarray:
    """Return uint8 labels (k, j, i) on the grid of ``volume``: the value of each segment that is there."""
    labels = np.zeros(volume.array.shape, np.uint8)
    for name, mask in segment_masks(node, values, volume).items():
        labels[mask.slices][mask.array] = values[name]
    return labels


def set_segment_mask(node, segment_id: str, mask: Mask, volume: Volume) -> None:
    """Give a segment these voxels of the grid of ``volume`` instead of its own; other segments stay as they are."""
    array = np.ascontiguousarray(np.asarray(mask.array) > 0, dtype=np.uint8)
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*array.shape[::-1])
    image.GetPointData().SetScalars(
        numpy_support.numpy_to_vtk(array.ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR)
    )
    shift = np.eye(4)
    shift[:3, 3] = mask.offset_kji[::-1]
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(volume.ijk_to_ras @ shift))
    node.GetSegmentation().SeparateSegmentLabelmap(segment_id)  # a layer it shared with others stays theirs
    segment = node.GetSegmentation().GetSegment(segment_id)
    segment.SetLabelValue(1)
    segment.AddRepresentation(LABELMAP, image)
    node.GetSegmentation().InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified, segment_id)
    segment.Modified()
    node.Modified()


def _on_grid(image, volume: Volume) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Labels of a segment's image and the voxel (k, j, i) of the volume at which they start."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    extent = image.GetExtent()
    first = np.eye(4)
    first[:3, 3] = extent[0::2]
    to_volume = np.linalg.inv(volume.ijk_to_ras) @ slicer.util.arrayFromVTKMatrix(matrix) @ first
    axes = np.abs(to_volume[:3, :3]).argmax(axis=1)  # of the image, for each axis i, j, k of the volume
    signs = np.sign(to_volume[np.arange(3), axes])
    if sorted(axes) != [0, 1, 2] or np.abs(to_volume[:3, :3] - np.eye(3)[axes] * signs[:, None]).max() > ON_GRID:
        return _resampled(image, volume), (0, 0, 0)
    array = _array_of(image).transpose([2 - axis for axis in axes[::-1]])
    flips = signs[::-1] < 0
    array = array[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]
    start = np.rint(to_volume[:3, 3]).astype(int)[::-1] - np.where(flips, np.array(array.shape) - 1, 0)
    low = np.maximum(-start, 0)
    high = np.minimum(array.shape, np.array(volume.array.shape) - start)
    inside = array[tuple(slice(int(a), int(max(a, b))) for a, b in zip(low, high, strict=True))]
    return np.ascontiguousarray(inside), three(int(v) for v in start + low)


def _array_of(image) -> np.ndarray:
    array = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    return array.reshape(image.GetDimensions()[::-1])


def _resampled(image, volume: Volume) -> np.ndarray:
    reference = slicer.vtkOrientedImageData()
    reference.SetDimensions(*volume.array.shape[::-1])
    reference.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(volume.ijk_to_ras))
    reference.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    target = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, reference, target)
    return _array_of(target)
