"""The fields of a NIfTI-1 header that ITK does not check against the file.

Offsets (nifti1.h): dim at 40, datatype at 70, bitpix at 72, vox_offset at 108, magic at 344. NIfTI-2 is not read.
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from pathlib import Path

HEADER_BYTES = 348
CHUNK = 1 << 22  # how much of a file is read at once


@dataclass(frozen=True)
class NiftiHeader:
    """``byte_order`` as struct and numpy write it; ``offset`` of the first voxel; whether voxels lie in this file."""

    byte_order: str
    datatype: int
    bits: int
    voxels: int
    offset: int
    holds_voxels: bool


def is_packed(path: Path) -> bool:
    """Whether a file is compressed, by its name."""
    return path.name.lower().endswith(".gz")


def open_unpacked(path: Path) -> gzip.GzipFile | BufferedReader:
    """Return the file for reading; .gz is unpacked on the way."""
    return gzip.open(path) if is_packed(path) else path.open("rb")


def read_header(file: gzip.GzipFile | BufferedReader) -> NiftiHeader | None:
    """Return the header at the start of a file; None when there is no NIfTI-1 header."""
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    order = next((o for o in "<>" if struct.unpack_from(f"{o}i", header)[0] == HEADER_BYTES), None)
    if order is None:
        return None
    sizes = struct.unpack_from(f"{order}8h", header, 40)
    datatype, bits = struct.unpack_from(f"{order}2h", header, 70)
    (offset,) = struct.unpack_from(f"{order}f", header, 108)
    voxels = prod(max(1, size) for size in sizes[1 : 1 + min(max(sizes[0], 0), 7)])
    return NiftiHeader(order, datatype, bits, voxels, int(offset), header[344:347] == b"n+1")
