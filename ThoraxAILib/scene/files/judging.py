"""Is a Slicer scene of unknown origin safe to load: every file it names came with it, and nothing in it reaches out?

Slicer reads whatever a storage node names (file, list of files, address), so the description (.mrml) is judged before
Slicer sees it, and so are the files in its folder, which can name others. Needs no Slicer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from ThoraxAILib.archives.entries import DEFAULT_LIMITS
from ThoraxAILib.archives.pack import pack
from ThoraxAILib.archives.unpack import unpacked
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.detached_data import require_data_beside
from ThoraxAILib.untrusted.hdf5_references import is_hdf5, require_own_data
from ThoraxAILib.untrusted.plain_xml import read_plain_xml

ROOT = "MRML"
FILE_ATTRIBUTE = re.compile(r"\w*file_?name|filelistmember\d*|\w*filelist", re.IGNORECASE)
ADDRESS_ATTRIBUTE = re.compile(r"uri|urilistmember\d*|\w*url", re.IGNORECASE)
ADDRESS = re.compile(r"[A-Za-z][\w+.-]*:")  # a scheme (http:, file:) or the drive of a computer
# Nodes that open connections or start programs as soon as they are in a scene (OpenIGTLink, Plus, RemoteIO).
REACHING_OUT = re.compile(r".*(igtl|plusserver|plusremote|connector|remoteio|fetchmi|xnat|webserver).*", re.IGNORECASE)
AUTORUN = "autorun"
NO = ("", "0", "false")
# Files Slicer's storage nodes write. Others have readers that follow names of files (.pvtp, .spr, ...).
DATA_ENDINGS = (
    ".nrrd",
    ".nhdr",
    ".nii",
    ".nii.gz",
    ".mha",
    ".mhd",
    ".hdr",
    ".img",
    ".raw",
    ".raw.gz",
    ".zraw",
    ".vtk",
    ".vtp",
    ".vtu",
    ".vtm",
    ".stl",
    ".ply",
    ".obj",
    ".json",
    ".fcsv",
    ".acsv",
    ".csv",
    ".tsv",
    ".txt",
    ".xml",
    ".html",
    ".md",
    ".tfm",
    ".h5",
    ".mat",
    ".ctbl",
    ".cjson",
    ".vp",
    ".sp",
    ".schema",
    ".png",
    ".jpg",
    ".jpeg",
    ".tif",
    ".tiff",
    ".bmp",
    ".dcm",
    ".mrb",
)
SCENE_ENDING, ARCHIVE_ENDING, TRANSFORM_ENDING = ".mrml", ".mrb", ".h5"
BLOCKS_ENDING, BLOCK_ENDINGS = ".vtm", (".vtp", ".vti")  # surfaces of segments: one file each, named by the first
NESTED_ARCHIVES = 2  # a sequence of sequences; deeper ones nobody saves


def scene_in(folder: Path, name: str) -> Path:
    """Return the one scene description of an unpacked bundle; ``name`` of the bundle appears in error messages."""
    found = sorted(
        (path for path in folder.rglob("*") if path.name.lower().endswith(SCENE_ENDING)),
        key=lambda path: len(path.parts),
    )
    if len(found) != 1 or len(found[0].relative_to(folder).parts) > 2:
        raise InputError(
            f"'{name}' holds {len(found)} scene descriptions (.mrml) where a saved scene has one: save it "
            "again in Slicer."
        )
    return found[0]


def require_safe_scene(description: Path, name: str, repack: bool, nested: int = 0) -> None:
    """Raise InputError unless all that a scene names lies below its folder; ``name`` appears in error messages.

    ``repack``: archives among its files are packed anew from what was checked, so that nothing else in them counts;
    only for a private copy.
    """
    try:
        root = read_plain_xml(description)
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"'{name}' cannot be opened as a scene: save it again in Slicer.") from error
    if root.tag != ROOT:
        raise InputError(f"'{name}' cannot be opened as a scene (no {ROOT} in it): save it again in Slicer.")
    for path in sorted(set(_named_files(root, description.parent, name))):
        _require_safe_file(path, name, repack, nested)


def _named_files(root: ElementTree.Element, folder: Path, name: str) -> Iterator[Path]:
    """Every file a scene names, all below ``folder``; raises at the first that is not, and at nodes that reach out."""
    for element in root.iter():
        if REACHING_OUT.fullmatch(element.tag):
            raise InputError(
                f"'{name}' holds a node that connects to other programs or computers: remove it in "
                "Slicer and save the scene again."
            )
        for key, value in element.attrib.items():
            if key.lower() == AUTORUN and value.strip().lower() not in NO:
                raise InputError(
                    f"'{name}' holds a module that runs by itself when the scene is opened: switch that "
                    "off in Slicer and save the scene again."
                )
            if ADDRESS_ATTRIBUTE.fullmatch(key) and value.strip():
                raise _outside(name)
            if FILE_ATTRIBUTE.fullmatch(key) and value.strip():
                yield from _inside(value, folder, name)


def _inside(value: str, folder: Path, name: str) -> Iterator[Path]:
    """Yield the files a value may mean, as written and as Slicer decodes it (%20); raises unless each lies in
    ``folder``.
    """
    top = Path(os.path.realpath(folder))
    for text in {value, unquote(value)}:
        if (
            ADDRESS.match(text)
            or "\\" in text
            or text.startswith(("/", "~"))
            or "\0" in text
            or ".." in text.split("/")
        ):
            raise _outside(name)
        path = Path(os.path.realpath(folder / text))
        if not path.is_relative_to(top) or (os.path.exists(path) and not os.path.isfile(path)):
            raise _outside(name)
        if os.path.isfile(path):
            yield path


def _require_safe_file(path: Path, name: str, repack: bool, nested: int) -> None:
    """Check that a file is of a kind that Slicer writes and names no file elsewhere."""
    lower = path.name.lower()
    if not lower.endswith(DATA_ENDINGS):
        raise InputError(
            f"'{name}' names a data file of a kind that saved scenes do not hold: save the scene again in Slicer."
        )
    try:
        require_data_beside(path)
        if lower.endswith(TRANSFORM_ENDING) or is_hdf5(path):
            require_own_data(path)
    except InputError as error:
        raise InputError(
            f"'{name}' holds a file whose data lie in another file elsewhere: save the scene again in Slicer."
        ) from error
    if lower.endswith(BLOCKS_ENDING):
        _check_blocks(path, name)
    if lower.endswith(ARCHIVE_ENDING):
        _check_nested(path, name, nested + 1, repack)


def _check_blocks(blocks: Path, name: str) -> None:
    """Check that the files a VTK multi-block file names are surfaces or images in its own folder."""
    try:
        root = read_plain_xml(blocks)
    except ElementTree.ParseError as error:
        raise InputError(f"'{name}' holds a damaged file of surfaces: save the scene again in Slicer.") from error
    for element in root.iter():
        for key, value in element.attrib.items():
            if key.lower() in ("file", "source") and value.strip():
                if not value.lower().endswith(BLOCK_ENDINGS):
                    raise _outside(name)
                list(_inside(value, blocks.parent, name))


def _check_nested(archive: Path, name: str, nested: int, repack: bool) -> None:
    """Check a sequence like the scene: it is a scene in an archive."""
    if nested > NESTED_ARCHIVES:
        raise InputError(f"'{name}' holds archives in archives in archives: save the scene again in Slicer.")
    try:
        with unpacked(archive, DEFAULT_LIMITS) as folder:
            require_safe_scene(scene_in(folder, name), name, True, nested)
            if repack:
                pack(folder, archive)
    except InputError as error:
        raise InputError(
            f"'{name}' holds a sequence that cannot be opened safely: save the scene again in Slicer."
        ) from error


def _outside(name: str) -> InputError:
    return InputError(
        f"'{name}' names a data file that did not come with it (another folder or computer): save the "
        f"scene again in Slicer as a {ARCHIVE_ENDING} file, which takes its data along."
    )
