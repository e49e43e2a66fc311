"""Volume nodes to ``Volume`` and back: voxels shared or exact, positions in RAS mm of the world."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import slicer
import vtk

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.io.kept_identity import PREFIX, from_header, to_header
from ThoraxAILib.scene.files.array_files import storable
from ThoraxAILib.scene.files.saving import write_node

SERIES_UID = "ThoraxAI.seriesUID"
MODALITY = "ThoraxAI.modality"
_DICOM_TAGS = {
    "study_date": "0008,0020",
    "kernel": "0018,1210",
    "slice_thickness_mm": "0018,0050",
    "contrast": "0018,0010",
    "manufacturer": "0008,0070",
}
LUNG_WINDOW_HU = (1500.0, -600.0)  # width, level
NRRD_STORAGE = "vtkMRMLNRRDStorageNode"  # keeps attributes in the header


def volume_from_node(node) -> Volume:
    """Return the image of a scalar volume node, placed in the world (linear parent transforms applied).

    The array is a read-only view of the node's voxels. Raises InputError for a node without scalar voxels or under
    a transform that bends space.
    """
    if node is None or node.GetImageData() is None or node.GetImageData().GetPointData().GetScalars() is None:
        raise InputError("The selected volume holds no voxels: load a CT and select it.")
    if node.GetImageData().GetNumberOfScalarComponents() != 1:
        raise InputError("The selected volume has several values per voxel: select a scalar volume such as a CT.")
    array = slicer.util.arrayFromVolume(node).view()
    array.flags.writeable = False
    return Volume(array, ijk_to_world(node), _modality(node), _identity(node))


def ijk_to_world(node) -> np.ndarray:
    """4x4 matrix from (i, j, k, 1) to world RAS mm; raises InputError under a non-linear parent transform."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    ijk_to_ras = slicer.util.arrayFromVTKMatrix(matrix)
    parent = node.GetParentTransformNode()
    if parent is None:
        return ijk_to_ras
    if not parent.IsTransformToWorldLinear():
        raise InputError("The selected volume is under a non-linear transform: harden the transform first.")
    parent.GetMatrixTransformToWorld(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix) @ ijk_to_ras


def node_from_volume(volume: Volume, name: str):
    """Return a new scalar volume node with the voxels and the exact geometry of ``volume``, shown in the lung window
    if CT.
    """
    array = storable(volume.array)
    node = slicer.util.addVolumeFromArray(array, ijkToRAS=volume.ijk_to_ras, name=name)
    if volume.identity.series_uid:
        node.SetAttribute(SERIES_UID, volume.identity.series_uid)
    node.SetAttribute(MODALITY, volume.modality)
    for key, text in to_header(volume.identity).items():
        node.SetAttribute(key, text)
    if volume.modality == "CT":
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().AutoWindowLevelOff()
        node.GetDisplayNode().SetWindowLevel(*LUNG_WINDOW_HU)
    return node


def volume_node_named(name: str):
    """Return the scalar volume node of this name; None without one. Raises InputError when several have it."""
    found = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if node.GetName() == name]
    if len(found) > 1:
        raise InputError(f"{len(found)} volumes of the scene have this name: give the node itself.")
    return found[0] if found else None


def write_volume(node, path: Path) -> Path:
    """Write a volume node, placed in the world, as uncompressed NRRD; raises InputError or OutputError.

    Study date, kernel and slice thickness go along in its header.
    """
    volume = volume_from_node(node)
    copy = slicer.vtkMRMLScalarVolumeNode()  # knows the scene, is not in it, shares the voxels
    copy.SetScene(slicer.mrmlScene)
    copy.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(volume.ijk_to_ras))
    copy.SetAndObserveImageData(node.GetImageData())
    for key, text in to_header(volume.identity).items():
        copy.SetAttribute(key, text)
    # the class for any image, which Slicer takes by default, leaves the attributes out
    return write_node(copy, path, compress=False, storage_class=NRRD_STORAGE)


def _series_uid(node) -> str:
    """Series UID that this package or Slicer's DICOM module noted; empty when unknown."""
    hierarchy, item = _hierarchy_item(node)
    dicom_name = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMUIDName()
    return node.GetAttribute(SERIES_UID) or (hierarchy.GetItemUID(item, dicom_name) if item else "") or ""


def _identity(node) -> SeriesIdentity:
    """Return what the node's attributes tell, else what Slicer's DICOM database and its hierarchy know."""
    kept = {name: node.GetAttribute(name) for name in node.GetAttributeNames() if name.startswith(PREFIX)}
    identity = from_header({**_dicom_header(node), **kept}, SeriesIdentity())
    return replace(identity, series_uid=_series_uid(node))


def _dicom_header(node) -> dict[str, str]:
    """Return the same entries from the first DICOM file of the node, where Slicer's database has it."""
    database = getattr(slicer, "dicomDatabase", None)
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    if database is None or not uids:
        return {}
    texts = {PREFIX + name: database.instanceValue(uids[0], tag).strip() for name, tag in _DICOM_TAGS.items()}
    return {key: text for key, text in texts.items() if text}


def _modality(node) -> str:
    hierarchy, item = _hierarchy_item(node)
    name = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    return node.GetAttribute(MODALITY) or (hierarchy.GetItemAttribute(item, name) if item else "") or "CT"


def _hierarchy_item(node) -> tuple:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    return hierarchy, hierarchy.GetItemByDataNode(node)
