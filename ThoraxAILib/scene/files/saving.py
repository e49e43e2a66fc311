"""Nodes and scenes to files: a file is there whole or not at all, and every failure is told."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import slicer

from ThoraxAILib.errors import OutputError
from ThoraxAILib.scene.files.array_files import ArrayFile, write_array_file
from ThoraxAILib.scene.files.native_output import stderr_to_logging

BARE_AMPERSAND = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)")
ALREADY_COMPRESSED = (".nrrd", ".gz", ".png")
COPY_BYTES = 1 << 20


def write_node(node, path: Path, compress: bool = True, storage_class: str = "") -> Path:
    """Write one node, without changing where the node itself is stored; raises OutputError and leaves nothing.

    ``storage_class`` is the MRML class that writes it, where that of the file's ending is not the one.
    """
    with _unfinished(path) as unfinished:
        storage = getattr(slicer, storage_class or node.GetDefaultStorageNodeClassName(path.name))()
        storage.SetFileName(str(unfinished))
        storage.SetUseCompression(compress)
        if not storage.WriteData(node) or not _is_whole(unfinished):
            raise _failure(path)
    return path


def write_scene(
    path: Path, copies: Mapping[Path, object] | None = None, arrays: Mapping[object, ArrayFile] | None = None
) -> Path:
    """Write the scene with all its data as a Slicer bundle (.mrb); raises OutputError and leaves nothing.

    ``copies`` are files that single nodes get beside it: the bundle holds them, so they need not be written twice.
    ``arrays`` are what nodes that hold a stand-in are written with (see array_files).
    Same layout as vtkMRMLScene.WriteToMRB, but image files, which are compressed already, are stored as they are.
    """
    with _unfinished(path) as unfinished:
        bundle = unfinished.parent / path.stem
        bundle.mkdir()
        if not slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(bundle), None, None):
            raise _failure(path)
        if not all(_is_whole(file) for file in bundle.rglob("*.json")):
            raise _failure(path)
        _mend_description(bundle / f"{bundle.name}.mrml")
        beside = {_file_in_bundle(node, bundle): copy for copy, node in (copies or {}).items()}
        contents = {_file_in_bundle(node, bundle): content for node, content in (arrays or {}).items()}
        for file in contents.keys() & beside.keys():  # needed on its own as well
            _write_over(file, contents.pop(file))
        _zip(bundle, unfinished, contents)
        for file, copy in beside.items():
            file.replace(copy)
    return path


def _write_over(stand_in: Path, content: ArrayFile) -> None:
    """Write the file of an array in place of its stand-in's."""
    small = stand_in.read_bytes()
    with stand_in.open("wb") as target:
        write_array_file(target, small, content)


def _mend_description(description: Path) -> None:
    """Write each bare '&' of a scene description as XML asks, so that it can be read again.

    MRML writes file names percent-encoded, but leaves an '&' of a node's name in them as it is; Slicer then cannot
    read the scene that it has just written.
    """
    text = description.read_bytes()
    mended = BARE_AMPERSAND.sub(b"&amp;", text)
    if mended != text:
        description.write_bytes(mended)


def _file_in_bundle(node, bundle: Path) -> Path:
    """Return the file that the scene description in a bundle names for a node."""
    scene = ElementTree.parse(bundle / f"{bundle.name}.mrml")
    storage = next(entry for entry in scene.iter() if entry.get("id") == node.GetStorageNodeID())
    return bundle / unquote(storage.get("fileName", ""))


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """Yield place in a temporary folder beside ``path``; what was written there becomes ``path`` when all went well."""
    try:
        with tempfile.TemporaryDirectory(dir=path.resolve().parent, prefix=".unfinished-") as folder:
            unfinished = Path(folder) / path.name
            with stderr_to_logging():
                yield unfinished
            unfinished.replace(path)
    except OutputError:
        raise
    except OSError as error:
        raise _failure(path) from error


def _is_whole(path: Path) -> bool:
    """Whether a written file is complete: the writers of JSON files do not notice a full disk, the others do."""
    if not path.is_file():
        return False
    if path.suffix != ".json":
        return True
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _zip(bundle: Path, archive: Path, contents: Mapping[Path, ArrayFile]) -> None:
    """Pack a bundle; files with ``contents`` are stand-ins, and those of the arrays go to the archive at once."""
    with zipfile.ZipFile(archive, "w") as target:
        for file in sorted(bundle.rglob("*")):
            if not file.is_file():
                continue
            entry = zipfile.ZipInfo.from_file(file, file.relative_to(bundle.parent))
            is_compressed = file.name.endswith(ALREADY_COMPRESSED)
            entry.compress_type = zipfile.ZIP_STORED if is_compressed else zipfile.ZIP_DEFLATED
            with target.open(entry, "w", force_zip64=file in contents) as place:
                if file in contents:
                    write_array_file(place, file.read_bytes(), contents[file])
                else:
                    with file.open("rb") as source:
                        shutil.copyfileobj(source, place, COPY_BYTES)


def _failure(path: Path) -> OutputError:
    return OutputError(f"{path.name} could not be written: check that the output folder is writable and not full.")
