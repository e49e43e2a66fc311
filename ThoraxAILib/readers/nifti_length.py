"""Is a NIfTI file as long as its header says? ITK fills the rest of a cut file with arbitrary values and says nothing.

Header offsets: NIfTI-1 (nifti1.h): dim at 40, bitpix at 72, vox_offset at 108. NIfTI-2 files are not checked.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

HEADER_BYTES = 348
LONGEST_EXTENSION = 1 << 20
CHUNK = 1 << 22


def is_cut_short(path: Path) -> bool:
    """Whether a .nii or .nii.gz file ends before its last voxel, or its compressed stream is damaged."""
    packed = path.name.lower().endswith(".gz")
    try:
        with (gzip.open(path) if packed else path.open("rb")) as file:
            expected = _expected_bytes(file.read(HEADER_BYTES))
            if expected is None:
                return False
            if not packed:
                return path.stat().st_size < expected
            if expected <= _size_in_trailer(path) <= expected + LONGEST_EXTENSION:
                return False
            # The trailer does not fit: several members, more than 4 GiB, or a cut stream. Only unpacking tells.
            length = HEADER_BYTES
            while length < expected and (chunk := file.read(CHUNK)):
                length += len(chunk)
            return length < expected
    except (OSError, EOFError, zlib.error):
        return True


def _expected_bytes(header: bytes) -> int | None:
    """Bytes up to the last voxel of an unpacked file; None when this is no NIfTI-1 header."""
    for order in "<>":
        if len(header) == HEADER_BYTES and struct.unpack_from(f"{order}i", header)[0] == HEADER_BYTES:
            dimensions = struct.unpack_from(f"{order}8h", header, 40)
            bits, = struct.unpack_from(f"{order}h", header, 72)
            offset, = struct.unpack_from(f"{order}f", header, 108)
            voxels = prod(max(1, size) for size in dimensions[1:1 + min(max(dimensions[0], 0), 7)])
            return int(offset) + voxels * bits // 8
    return None


def _size_in_trailer(path: Path) -> int:
    """Unpacked size that the last gzip member states (RFC 1952, modulo 4 GiB)."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return struct.unpack("<I", file.read(4))[0]
