"""Is a NIfTI file as long as its header says? ITK fills the rest of a cut file with arbitrary values in silence."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from ThoraxAILib.io.nifti.header import CHUNK, HEADER_BYTES, is_packed, open_unpacked, read_header

MAX_EXTENSION = 1 << 20


def is_cut_short(path: Path) -> bool:
    """Whether a .nii or .nii.gz file ends before its last voxel, or its compressed stream is damaged."""
    try:
        with open_unpacked(path) as file:
            header = read_header(file)
            if header is None:
                return False
            expected = header.offset + header.voxels * header.bits // 8
            if not is_packed(path):
                return path.stat().st_size < expected
            if expected <= _size_in_trailer(path) <= expected + MAX_EXTENSION:
                return False
            # The trailer does not fit: several members, more than 4 GiB, or a cut stream. Only unpacking tells.
            length = HEADER_BYTES
            while length < expected and (chunk := file.read(CHUNK)):
                length += len(chunk)
            return length < expected
    except (OSError, EOFError, zlib.error):
        return True


def _size_in_trailer(path: Path) -> int:
    """Unpacked size that the last gzip member states (RFC 1952, modulo 4 GiB)."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return struct.unpack("<I", file.read(4))[0]
