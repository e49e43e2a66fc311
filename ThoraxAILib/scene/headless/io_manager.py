"""The four calls slicer.util makes to Slicer's IO manager, answered with MRML storage nodes (for plain Python)."""

from __future__ import annotations

from pathlib import Path

import slicer

from ThoraxAILib.scene.files.opening import safe_description
from ThoraxAILib.untrusted.detached_data import require_data_beside
from ThoraxAILib.untrusted.hdf5_references import is_hdf5, require_own_data

# file type as slicer.util names it: (endings, node class made before its storage node reads)
_FILE_TYPES = {
    "SceneFile": ((".mrb", ".mrml"), None),
    "SegmentationFile": ((".seg.nrrd", ".seg.nhdr"), "vtkMRMLSegmentationNode"),
    "SequenceFile": ((".seq.nrrd", ".seq.nhdr"), "vtkMRMLSequenceNode"),
    "MarkupsFile": ((".mrk.json", ".fcsv"), None),
    "VolumeFile": ((".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd"), None),
    "ModelFile": ((".vtp", ".vtk", ".stl", ".ply", ".obj"), "vtkMRMLModelNode"),
    "TransformFile": ((".tfm", ".h5"), "vtkMRMLTransformNode"),
    "TableFile": ((".tsv", ".csv"), "vtkMRMLTableNode"),
    "TextFile": ((".txt", ".json", ".xml"), "vtkMRMLTextNode"),
}
# nodes that do not know their storage node while they are empty
_STORAGE_OF_EMPTY = {
    "vtkMRMLSequenceNode": "vtkMRMLVolumeSequenceStorageNode",
    "vtkMRMLTextNode": "vtkMRMLTextStorageNode",
}


class CoreIOManager:
    """Stands in for qSlicerCoreIOManager, so that slicer.util.load… and save… run unchanged."""

    def fileType(self, fileName: str) -> str:
        """Return the file type of a name, as slicer.util spells it; ``NoFile`` when unknown."""
        name = str(fileName).lower()
        return next((kind for kind, (endings, _) in _FILE_TYPES.items() if name.endswith(endings)), "NoFile")

    def fileWriterFileType(self, _node) -> str:
        """Storage nodes choose by file name, so any word does."""
        return "NodeFile"

    def loadNodes(self, fileType: str, properties: dict, loaded, _messages=None) -> bool:
        """Read ``properties["fileName"]`` into the scene and add the new nodes to the collection ``loaded``."""
        path = Path(properties["fileName"]).resolve()
        if not path.is_file():
            return False
        name = properties.get("name") or path.name.split(".")[0]
        if fileType == "SceneFile":
            return _readScene(path, bool(properties.get("clear", False)))
        require_data_beside(path)
        if is_hdf5(path):
            require_own_data(path)
        if fileType == "MarkupsFile":
            nodeId = slicer.modules.markups.logic().LoadMarkups(str(path), name)
            node = slicer.mrmlScene.GetNodeByID(nodeId) if nodeId else None
        elif fileType == "VolumeFile":
            isLabelmap = 1 if properties.get("labelmap") else 0
            node = slicer.modules.volumes.logic().AddArchetypeVolume(str(path), name, isLabelmap)
        elif (className := _FILE_TYPES[fileType][1]) is not None:
            node = _readWithStorageNode(className, path, name)
        else:
            return False
        if node is None:
            return False
        loaded.AddItem(node)
        return True

    def saveNodes(self, _fileType: str, properties: dict, _messages=None) -> bool:
        """Write the node ``properties["nodeID"]``, or the whole scene, to ``properties["fileName"]``."""
        path = str(Path(properties["fileName"]).resolve())
        if path.endswith(".mrb"):
            return bool(slicer.mrmlScene.WriteToMRB(path, None, None))
        if path.endswith(".mrml"):
            return bool(slicer.mrmlScene.Commit(path))
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        node.AddDefaultStorageNode(path)
        storage = node.GetStorageNode()
        if storage is None:
            return False
        storage.SetFileName(path)
        storage.SetUseCompression(int(properties.get("useCompression", storage.GetUseCompression())))
        return bool(storage.WriteData(node))


def _readScene(path: Path, clear: bool) -> bool:
    """As vtkMRMLScene.ReadFromMRB, which unpacks and loads without any check; the scene's address is ``path`` after."""
    scene = slicer.mrmlScene
    with safe_description(path) as description:
        scene.SetURL(str(description))
        isRead = bool(scene.Connect() if clear else scene.Import())
        scene.SetURL(str(path.with_suffix(".mrml")))
        scene.SetRootDirectory(str(path.parent))
    return isRead


def _readWithStorageNode(className: str, path: Path, name: str):
    node = slicer.mrmlScene.AddNewNodeByClass(className, name)
    if className in _STORAGE_OF_EMPTY:
        storage = slicer.mrmlScene.AddNewNodeByClass(_STORAGE_OF_EMPTY[className])
        node.SetAndObserveStorageNodeID(storage.GetID())
    else:
        node.AddDefaultStorageNode(str(path))
    storage = node.GetStorageNode()
    storage.SetFileName(str(path))
    if not storage.ReadData(node):
        slicer.mrmlScene.RemoveNode(storage)
        slicer.mrmlScene.RemoveNode(node)
        return None
    if hasattr(node, "CreateDefaultDisplayNodes"):
        node.CreateDefaultDisplayNodes()
    return node
