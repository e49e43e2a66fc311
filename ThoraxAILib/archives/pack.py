"""A folder as a zip archive: plain entries in the order of their names."""

from __future__ import annotations

import zipfile
from pathlib import Path

ALREADY_COMPRESSED = (".nrrd", ".gz", ".png", ".mrb")


def pack(folder: Path, archive: Path) -> None:
    """Write all files below ``folder``, with paths relative to it; what is compressed already is stored as it is."""
    with zipfile.ZipFile(archive, "w") as target:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                stored = file.name.lower().endswith(ALREADY_COMPRESSED)
                target.write(file, file.relative_to(folder), zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
