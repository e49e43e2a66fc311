"""Does an HDF5 file (ITK's transforms, .h5) keep all its data itself? Data sets may name external raw files, be made
of other files' data sets (virtual), and links may lead into other files; the HDF5 library follows them all.

Reads only structure, and refuses what it does not know: HDF5 File Format Specification 3.0, superblock (II.A), group
B-trees (III.A), symbol tables (III.B, III.C), object headers (IV.A).
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from ThoraxAILib.errors import InputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
FIRST_OFFSET_BYTES = 512  # the signature may stand at 0, 512, 1024, 2048, ... (II.A)
UNDEFINED = 0xFFFFFFFFFFFFFFFF
MAX_OBJECTS = 10_000
MAX_BLOCK_BYTES = 1 << 20
# Messages of object headers (IV.A.2)
LINK_INFO, LINK, LAYOUT, CONTINUATION, SYMBOL_TABLE = 0x02, 0x06, 0x08, 0x10, 0x11
# nothing, dataspace, datatype, fill values, group info, filters, attribute, comment, times, B-tree sizes, attribute
# info, reference count; not among them: external data files (0x07), driver (0x14)
HARMLESS = frozenset((0x00, 0x01, 0x03, 0x04, 0x05, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x12, 0x13, 0x15, 0x16))
SHARED, HARD_LINK, PLAIN_LAYOUTS = 0x02, 0, (0, 1, 2)  # compact, contiguous, chunked; 3 is virtual


class _NotPlain(Exception):
    """The file refers to others, or has a structure that is not known here."""


def is_hdf5(path: Path) -> bool:
    """Whether the HDF5 library would open a file, whatever its name."""
    size, offset = path.stat().st_size, 0
    with path.open("rb") as file:
        while offset + len(SIGNATURE) <= size:
            file.seek(offset)
            if file.read(len(SIGNATURE)) == SIGNATURE:
                return True
            offset = max(FIRST_OFFSET_BYTES, offset * 2)
    return False


def require_own_data(path: Path) -> None:
    """Raise InputError when an HDF5 file refers to other files, or is built in a way that ITK does not write."""
    try:
        with path.open("rb") as file:
            _Structure(file).walk()
    except (_NotPlain, struct.error, IndexError, OSError, RecursionError) as error:
        raise InputError(
            f"'{path.name}' is no transform file that keeps all its data itself: write it again with ITK or Slicer."
        ) from error


class _Structure:
    """Walks every object that can be reached from the root group."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._size = file, os.fstat(file.fileno()).st_size
        self._waiting: list[int] = []
        self._seen: set[int] = set()

    def walk(self) -> None:
        self._superblock()
        while self._waiting:
            address = self._waiting.pop()
            if address in self._seen:
                continue
            self._seen.add(address)
            _require(len(self._seen) <= MAX_OBJECTS)
            if self._at(address, 4) == b"OHDR":
                self._header_2(address)
            else:
                self._header_1(address)

    def _at(self, address: int, length: int) -> bytes:
        _require(0 <= length <= MAX_BLOCK_BYTES and address + length <= self._size)
        self._file.seek(address)
        return self._file.read(length)

    def _superblock(self) -> None:
        start = self._at(0, 48)
        _require(start.startswith(SIGNATURE))
        if start[8] in (2, 3):
            _require(start[9] == start[10] == 8)
            base, extension, _end, root = struct.unpack_from("<4Q", start, 12)
            _require(base == 0)
            self._waiting += [root] + ([extension] if extension != UNDEFINED else [])
            return
        _require(start[8] in (0, 1) and start[13] == start[14] == 8)
        addresses = 24 if start[8] == 0 else 28
        base, _free, _end, driver = struct.unpack("<4Q", self._at(addresses, 32))
        _require(base == 0 and driver == UNDEFINED)
        self._symbol(self._at(addresses + 32, 40))

    def _header_1(self, address: int) -> None:
        version, count, size = struct.unpack("<BxHxxxxI", self._at(address, 12))
        _require(version == 1)
        blocks, messages = [(address + 16, size)], 0
        while blocks:
            block = self._at(*blocks.pop())
            place = 0
            while place + 8 <= len(block) and messages < count:
                kind, length, flags = struct.unpack_from("<HHB", block, place)
                data = block[place + 8 : place + 8 + length]
                if kind == CONTINUATION:
                    blocks.append(struct.unpack_from("<QQ", data))
                else:
                    self._message(kind, flags, data)
                place, messages = place + 8 + length, messages + 1

    def _header_2(self, address: int) -> None:
        version, flags = self._at(address + 4, 2)
        _require(version == 2)
        place = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(self._at(place, width), "little")
        prefix = 6 if flags & 0x04 else 4
        blocks, taken = [self._at(place + width, size)], 0
        while blocks:
            block, place = blocks.pop(), 0
            while place + prefix <= len(block):
                kind, length, message_flags = struct.unpack_from("<BHB", block, place)
                data = block[place + prefix : place + prefix + length]
                if kind == CONTINUATION:
                    start, extent = struct.unpack_from("<QQ", data)
                    _require(self._at(start, 4) == b"OCHK" and extent >= 8)
                    blocks.append(self._at(start + 4, extent - 8))
                else:
                    self._message(kind, message_flags, data)
                place, taken = place + prefix + length, taken + 1
                _require(taken <= MAX_OBJECTS)

    def _message(self, kind: int, flags: int, data: bytes) -> None:
        if kind in HARMLESS:
            return
        _require(not flags & SHARED)
        if kind == LAYOUT:
            _require(data[0] in (1, 2, 3, 4) and data[1 if data[0] > 2 else 2] in PLAIN_LAYOUTS)
        elif kind == LINK_INFO:  # links kept elsewhere than in the header, which takes more than eight: not known here
            _require(struct.unpack_from("<Q", data, 10 if data[1] & 1 else 2)[0] == UNDEFINED)
        elif kind == LINK:
            self._link(data)
        elif kind == SYMBOL_TABLE:
            self._tree(struct.unpack_from("<Q", data)[0])
        else:
            raise _NotPlain

    def _link(self, data: bytes) -> None:
        flags, place = data[1], 2
        if flags & 0x08:
            _require(data[place] == HARD_LINK)
            place += 1
        place += (8 if flags & 0x04 else 0) + (1 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        place += width + int.from_bytes(data[place : place + width], "little")
        self._waiting.append(struct.unpack_from("<Q", data, place)[0])

    def _tree(self, root: int) -> None:
        """Every symbol of a group's B-tree, siblings and all levels."""
        nodes, seen = [root], set()
        while nodes:
            address = nodes.pop()
            if address in seen or address == UNDEFINED:
                continue
            seen.add(address)
            _require(len(seen) <= MAX_OBJECTS)
            signature, kind, _level, used, left, right = struct.unpack("<4sBBHQQ", self._at(address, 24))
            if signature[:4] == b"SNOD":
                (count,) = struct.unpack("<H", self._at(address + 6, 2))
                for number in range(count):
                    self._symbol(self._at(address + 8 + 40 * number, 40))
                continue
            _require(signature == b"TREE" and kind == 0)
            values = struct.unpack(f"<{2 * used + 1}Q", self._at(address + 24, 8 * (2 * used + 1)))
            nodes += [left, right, *values[1::2]]

    def _symbol(self, entry: bytes) -> None:
        """One name of a group: no soft link; a group's tree is walked from here too, as the library may."""
        _name, address, cached, _reserved, tree = struct.unpack_from("<QQIIQ", entry)
        _require(cached in (0, 1))
        self._waiting.append(address)
        if cached == 1:
            self._tree(tree)


def _require(condition: bool) -> None:
    if not condition:
        raise _NotPlain
