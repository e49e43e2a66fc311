"""Nodes and scenes to files, with every failure told; callers give a folder where half-written files do no harm."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

import slicer

from ThoraxAILib.errors import OutputError

ALREADY_COMPRESSED = (".nrrd", ".gz", ".png")


def writeNode(node, path: Path, compress: bool = True) -> Path:
    """Write one node to a path, without changing where the node itself is stored; raises OutputError."""
    storage = getattr(slicer, node.GetDefaultStorageNodeClassName(path.name))()
    storage.SetFileName(str(path.resolve()))
    storage.SetUseCompression(compress)
    if not storage.WriteData(node) or not path.is_file():
        path.unlink(missing_ok=True)
        raise _failure(path)
    return path


def writeScene(path: Path) -> Path:
    """Write the scene with all its data as a Slicer bundle (.mrb); raises OutputError and leaves nothing.

    Same layout as vtkMRMLScene.WriteToMRB, but image files, which are compressed already, are stored as they are.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".scene-") as folder:
        bundle = Path(folder) / path.stem
        bundle.mkdir()
        if not slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(bundle.resolve()), None, None):
            raise _failure(path)
        _zip(bundle, Path(folder) / path.name)
        shutil.move(Path(folder) / path.name, path)
    return path


def _zip(bundle: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as target:
        for file in sorted(bundle.rglob("*")):
            if file.is_file():
                isCompressed = file.name.endswith(ALREADY_COMPRESSED)
                target.write(file, file.relative_to(bundle.parent),
                             zipfile.ZIP_STORED if isCompressed else zipfile.ZIP_DEFLATED)


def _failure(path: Path) -> OutputError:
    return OutputError(f"{path.name} could not be written: check that the output folder is writable and not full.")
