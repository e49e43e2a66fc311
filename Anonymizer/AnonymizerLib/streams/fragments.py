"""Encapsulated pixel data (PS3.5 A.4) taken apart into frames and put together again."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ThoraxAILib.errors import InputError

PIXEL_DATA, EXTENDED_OFFSETS, EXTENDED_LENGTHS = b"\xe0\x7f\x10\x00", b"\xe0\x7f\x01\x00", b"\xe0\x7f\x02\x00"
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
UNDEFINED = 0xFFFFFFFF
LONGEST_OFFSET = 0xFFFFFFFF
STARTS = (b"\xff\xd8", b"\xff\x4f")  # JPEG, JPEG 2000


@dataclass(frozen=True)
class Encapsulated:
    """Fragments of pixel data and the offsets that say which frame begins where; offsets may be absent."""

    fragments: tuple[bytes, ...]
    offsets: tuple[int, ...] = ()
    is_extended: bool = False

    @classmethod
    def of(cls, element: memoryview) -> Encapsulated:
        """From the bytes of group 7FE0 in explicit little endian; InputError when they are not as they should be."""
        offsets: tuple[int, ...] = ()
        is_extended, position = False, 0
        while element[position : position + 4] in (EXTENDED_OFFSETS, EXTENDED_LENGTHS):
            (length,) = struct.unpack_from("<I", element, position + 8)
            if length % 8 or position + 12 + length > len(element):
                raise InputError("The table of frame offsets is damaged.")
            if element[position : position + 4] == EXTENDED_OFFSETS:
                offsets = struct.unpack_from(f"<{length // 8}Q", element, position + 12)
                is_extended = True
            position += 12 + length
        if element[position : position + 4] != PIXEL_DATA:
            raise InputError("Compressed pixels are stored as another kind of pixels: they cannot be checked.")
        (length,) = struct.unpack_from("<I", element, position + 8)
        if length != UNDEFINED:
            raise InputError("Compressed pixels are not stored in fragments: they cannot be checked.")
        items = _items(element, position + 12)
        table = items[0]
        if not is_extended and table:
            if len(table) % 4:
                raise InputError("The table of frame offsets is damaged.")
            offsets = struct.unpack(f"<{len(table) // 4}I", table)
        elif is_extended and table:
            raise InputError("There are two tables of frame offsets.")
        return cls(tuple(items[1:]), offsets, is_extended)

    def frames(self, count: int) -> list[tuple[int, int]]:
        """First and last-but-one fragment of every frame; InputError when frames cannot be told apart."""
        total = len(self.fragments)
        if self.offsets:
            starts = self._numbers_at(self.offsets)
        elif count == 1:
            starts = [0]
        elif total == count:
            starts = list(range(total))
        else:
            starts = [number for number, part in enumerate(self.fragments) if part[:2] in STARTS]
        if len(starts) != count or not starts or starts[0] != 0:
            raise InputError("The fragments of the pixel data do not make as many frames as stated.")
        return list(zip(starts, [*starts[1:], total], strict=True))

    def _numbers_at(self, offsets: tuple[int, ...]) -> list[int]:
        """Find the fragments that begin at these offsets; InputError where none does."""
        numbers, position = {}, 0
        for number, part in enumerate(self.fragments):
            numbers[position] = number
            position += 8 + len(part)
        try:
            found = [numbers[offset] for offset in offsets]
        except KeyError as error:
            raise InputError("The table of frame offsets does not fit the fragments.") from error
        if found != sorted(set(found)):
            raise InputError("The table of frame offsets does not fit the fragments.")
        return found

    def joined(self, frame: tuple[int, int]) -> bytes:
        """Join the bytes of one frame."""
        return b"".join(self.fragments[frame[0] : frame[1]])

    def with_frames(self, frames: list[bytes | None], places: list[tuple[int, int]]) -> Encapsulated:
        """Put other bytes in place of some frames (None: as it was), each of those in one fragment."""
        parts: list[bytes] = []
        offsets, position = [], 0
        for new, (first, behind) in zip(frames, places, strict=True):
            offsets.append(position)
            own = self.fragments[first:behind] if new is None else (new + b"\0" * (len(new) % 2),)
            parts += own
            position += sum(8 + len(part) for part in own)
        return Encapsulated(tuple(parts), tuple(offsets) if self.offsets else (), self.is_extended)

    def encoded(self) -> bytes:
        """Encode group 7FE0."""
        is_basic = bool(self.offsets) and not self.is_extended and max(self.offsets) <= LONGEST_OFFSET
        parts = []
        if self.is_extended:
            ends = [*self.offsets[1:], sum(8 + len(part) for part in self.fragments)]
            lengths = [end - start - 8 for start, end in zip(self.offsets, ends, strict=True)]
            for tag, numbers in ((EXTENDED_OFFSETS, self.offsets), (EXTENDED_LENGTHS, lengths)):
                parts.append(tag + b"OV\0\0" + struct.pack(f"<I{len(numbers)}Q", 8 * len(numbers), *numbers))
        table = struct.pack(f"<{len(self.offsets)}I", *self.offsets) if is_basic else b""
        parts.append(PIXEL_DATA + b"OB\0\0" + struct.pack("<I", UNDEFINED))
        for part in (table, *self.fragments):
            parts += (ITEM, struct.pack("<I", len(part)), part)
        parts.append(END + bytes(4))
        return b"".join(parts)


def _items(element: memoryview, position: int) -> list[bytes]:
    items: list[bytes] = []
    while position + 8 <= len(element):
        kind = bytes(element[position : position + 4])
        (length,) = struct.unpack_from("<I", element, position + 4)
        position += 8
        if kind == END:
            if items:
                return items
            break
        if kind != ITEM or position + length > len(element):
            break
        items.append(bytes(element[position : position + length]))
        position += length
    raise InputError("The fragments of the pixel data do not end as they should.")
