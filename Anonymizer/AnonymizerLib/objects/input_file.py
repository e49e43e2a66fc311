"""The bytes of one input file: regular files only, read to their length, and large ones mapped instead of loaded.

A pipe or a device in a folder would block a run or never end; it is refused by what it is, before it is opened.
"""

from __future__ import annotations

import mmap
import os
import stat
from pathlib import Path

from AnonymizerLib.objects.dicom_file import Buffer
from ThoraxAILib.errors import InputError

LARGE_BYTES = 64 << 20
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def read_regular(path: Path) -> Buffer:
    """Read a regular file; InputError when it is another kind of thing, OSError when it cannot be opened."""
    _refuse_others(os.stat(path))
    # between the look and the opening the name may have become a pipe: never wait for one
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        _refuse_others(facts)
        if facts.st_size > LARGE_BYTES:
            return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        return file.read(facts.st_size)


def _refuse_others(facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        kind = KINDS.get(stat.S_IFMT(facts.st_mode), "something else")
        raise InputError(f"It is not a file but {kind}.")
