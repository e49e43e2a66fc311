"""Files that name inputs beside their pseudonyms: readable by their owner only (folder 0700, files 0600)."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE_FOLDER_MODE, PRIVATE_FILE_MODE = 0o700, 0o600


def make_private_folder(path: Path) -> None:
    """Make the folder, or take the rights of others away from one that is there and ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
    _restrict(path, PRIVATE_FOLDER_MODE)


def restrict_file(path: Path) -> None:
    """Take the rights of others away from a file that a library wrote."""
    _restrict(path, PRIVATE_FILE_MODE)


def open_private(path: Path, flags: int) -> int:
    """Return a descriptor of a file that only its owner can read; an older one is restricted too."""
    descriptor = os.open(
        path, flags | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), PRIVATE_FILE_MODE
    )
    _restrict(path, PRIVATE_FILE_MODE)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Write a text at once, or not at all; names that are no Unicode text are written with escapes."""
    temporary = path.with_name(path.name + ".part")
    descriptor = open_private(temporary, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(text)
    os.replace(temporary, path)


def _restrict(path: Path, mode: int) -> None:
    """Change the rights where the file system has such; a file of somebody else keeps its own."""
    try:
        if path.stat().st_mode & 0o777 != mode:
            os.chmod(path, mode)
    except OSError:
        return
