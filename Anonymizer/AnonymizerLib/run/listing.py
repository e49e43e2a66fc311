"""Which files a folder holds, and which parts of it could not be looked into: nothing is left out in silence."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ThoraxAILib.errors import InputError

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")


@dataclass(frozen=True)
class Listing:
    """Files relative to the folder, in a stable order, and folders that were not entered, with the reason."""

    files: list[str]
    set_aside: dict[str, str] = field(default_factory=dict)


def list_folder(source: Path) -> Listing:
    """Everything below a folder; folders that cannot be read and links to folders are named, not followed.

    A link may lead anywhere, also back into this folder, so what lies behind it is not taken as part of the input.
    Raises InputError when ``source`` is no folder or cannot be opened.
    """
    if not source.exists():
        raise InputError(f"'{source}' does not exist: check the path.")
    if not source.is_dir():
        what = "an archive: unpack it and" if source.name.lower().endswith(ARCHIVES) else "a file:"
        raise InputError(f"'{source.name}' is {what} give the folder that holds the DICOM files.")
    files: list[str] = []
    set_aside: dict[str, str] = {}

    def could_not_enter(error: OSError) -> None:
        name = os.path.relpath(error.filename, source)
        if name == os.curdir:
            raise InputError(
                f"The folder '{source.name}' cannot be opened ({error.strerror}): ask for the right to read it."
            ) from error
        set_aside[f"{name}/"] = f"This folder cannot be opened ({error.strerror}): what is in it was not looked at."

    for folder, folders, names in os.walk(source, onerror=could_not_enter):
        folders.sort()
        for name in [name for name in folders if _is_link(os.path.join(folder, name))]:
            set_aside[os.path.relpath(os.path.join(folder, name), source) + "/"] = (
                "This is a link to a folder: what lies behind it was not looked at."
            )
            folders.remove(name)
        files += [os.path.relpath(os.path.join(folder, name), source) for name in sorted(names)]
    return Listing(files, dict(sorted(set_aside.items())))


def list_inputs(source: Path) -> Listing:
    """As ``list_folder``; InputError also when there is nothing in it."""
    listing = list_folder(source)
    if not listing.files and not listing.set_aside:
        raise InputError(f"The folder '{source.name}' holds no file: choose the folder with the DICOM files.")
    return listing


def _is_link(path: str) -> bool:
    """Whether a folder is a symbolic link or, on Windows, a junction."""
    return os.path.islink(path) or (hasattr(os.path, "isjunction") and os.path.isjunction(path))
