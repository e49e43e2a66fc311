"""Deflated data sets (PS3.5 A.5), unpacked piece by piece under a limit: a small file may stand for terabytes of zeros.

Deflate makes at most 1,032 bytes of one (zlib, "Maximum Compression Factor"), images seldom more than 20.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

from AnonymizerLib.bounds.maxima import HARMLESS_INFLATED_BYTES, MAX_INFLATED_BYTES, MAX_INFLATION
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    import mmap

    from pydicom.dataset import Dataset

PACKED_PIECE, PIECE = 1 << 16, 1 << 20
META_GROUP, TRANSFER_SYNTAX = 2, 0x0010
LONG_VRS = frozenset({b"OB", b"OW", b"UN", b"SQ", b"UT"})


def split_meta(data: bytes | mmap.mmap) -> tuple[int, int, str]:
    """Where the file meta information begins and ends, and the transfer syntax it names ('' when it names none)."""
    start = position = 132 if data[128:132] == b"DICM" else 0
    syntax = ""
    while position + 8 <= len(data):
        group, element, vr = struct.unpack_from("<HH2s", data, position)
        if group != META_GROUP:
            break
        if vr in LONG_VRS:
            if position + 12 > len(data):
                break
            (length,), value = struct.unpack_from("<I", data, position + 8), position + 12
        else:
            (length,), value = struct.unpack_from("<H", data, position + 6), position + 8
        if element == TRANSFER_SYNTAX:
            syntax = bytes(data[value : value + length]).decode("ascii", "replace").strip("\0 ")
        position = value + length
    return start, min(position, len(data)), syntax


def read_deflated(data: bytes | mmap.mmap, start: int, end: int) -> tuple[Dataset, int]:
    """Read the data set of a deflated file with its meta information at ``start``..``end``, and its unpacked length.

    Raises InputError when it unpacks to more than a file may, zlib.error when it is damaged.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset

    unpacked = inflated(data, end)
    ds = read_dataset(BytesIO(unpacked), False, True)
    ds.file_meta = FileMetaDataset(read_dataset(BytesIO(data[start:end]), False, True))
    return ds, len(unpacked)


def inflated(data: bytes | mmap.mmap, start: int) -> bytes:
    """Unpack the bytes behind ``start``; InputError when they are more than a file may unpack to."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    most = max(HARMLESS_INFLATED_BYTES, min(MAX_INFLATED_BYTES, MAX_INFLATION * (len(data) - start)))
    parts: list[bytes] = []
    total = 0
    for position in range(start, len(data), PACKED_PIECE):
        packed = data[position : position + PACKED_PIECE]
        while packed and not unpacker.eof:
            parts.append(unpacker.decompress(packed, PIECE))
            total += len(parts[-1])
            if total > most:
                raise InputError(
                    f"Its deflated data set unpacks to more than {most >> 20} MB: it may be made to do harm."
                )
            packed = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise InputError("The deflated data set is cut off before its end.")
    return b"".join(parts)
