"""JPEG 2000 (ISO 15444-1) and high-throughput JPEG 2000 (ISO 15444-15) codestreams without comments and what follows.

A codestream wrapped in a JP2 file is taken out of it when its boxes do not change the colors. Main and tile-part
headers lose their comments; lengths of tile-parts follow, and the optional list of these lengths (TLM) goes.
"""

from __future__ import annotations

from AnonymizerLib.bounds.maxima import MAX_BOXES, MAX_JPEG2000_SEGMENTS, MAX_TILE_PARTS
from ThoraxAILib.errors import InputError

SOC, SIZ, CAP, COD, COC, TLM, PRF, PLM, PLT, CPF, QCD, QCC, RGN, POC, PPM, PPT, CRG, COM = (
    0x4F, 0x51, 0x50, 0x52, 0x53, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61, 0x63, 0x64,
)  # fmt: skip
SOT, SOD, EOC = 0x90, 0x93, 0xD9
IN_MAIN = frozenset({CAP, COD, COC, PRF, CPF, QCD, QCC, RGN, POC, PPM, CRG, PLM})
IN_TILE = frozenset({COD, COC, QCD, QCC, RGN, POC, PPT, PLT})
GOES = frozenset({COM, TLM})
SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
CHANGES_COLOR = frozenset({b"pclr", b"cmap", b"cdef"})


def without_metadata(data: bytes) -> bytes:
    """One codestream with nothing but what decodes it; InputError for anything not understood."""
    if data.startswith(SIGNATURE):
        data = _codestream_of(data)
    if data[:4] != b"\xff\x4f\xff\x51":
        raise InputError("A compressed frame does not begin as JPEG 2000 does: it cannot be searched for text.")
    position = 4
    body, position = _segment(data, position)
    if len(body) < 36 or len(body) != 36 + 3 * int.from_bytes(body[34:36], "big"):
        raise InputError("A JPEG 2000 frame is damaged: its size segment is not as long as its content.")
    parts = [data[:position]]
    header, position, marker = _header(data, position, IN_MAIN, SOT)
    parts += header
    for _ in range(MAX_TILE_PARTS):
        if marker == EOC or not data[position - 2 :].strip(b"\0"):
            return b"".join((*parts, b"\xff\xd9"))
        if marker != SOT:
            raise InputError("A JPEG 2000 frame is damaged: a tile-part does not follow where it should.")
        part, position = _tile_part(data, position - 2)
        parts.append(part)
        marker = _marker(data, position) if position < len(data) else EOC
        position += 2
    raise InputError("A JPEG 2000 frame has more tile-parts than any image needs: look at it.")


def _header(data: bytes, position: int, known: frozenset[int], last: int) -> tuple[list[bytes], int, int]:
    """Collect the segments to keep up to a marker, the place behind it, and the marker."""
    kept: list[bytes] = []
    for _ in range(MAX_JPEG2000_SEGMENTS):
        marker = _marker(data, position)
        position += 2
        if marker == last:
            return kept, position, marker
        start = position
        _, position = _segment(data, position)
        if marker in known:
            kept.append(data[start - 2 : position])
        elif marker not in GOES:
            raise InputError("A JPEG 2000 frame has a segment that is not understood: look at it.")
    raise InputError("A JPEG 2000 frame has more segments than any image needs: look at it.")


def _tile_part(data: bytes, start: int) -> tuple[bytes, int]:
    """One tile-part, from its SOT marker on, without comments; and where the next one begins."""
    body, position = _segment(data, start + 2)
    if len(body) != 8:
        raise InputError("A JPEG 2000 frame is damaged: a tile-part header is not as long as it should be.")
    length = int.from_bytes(body[2:6], "big")
    kept, position, _ = _header(data, position, IN_TILE, SOD)
    end = start + length if length else _end_of_packets(data, position)
    if end < position:
        raise InputError("A JPEG 2000 frame is damaged: a tile-part is longer than the frame.")
    end = min(end, len(data))
    header = b"".join(kept) + b"\xff\x93"
    size = 12 + len(header) + end - position if length else 0
    sot = b"\xff\x90\x00\x0a" + body[:2] + size.to_bytes(4, "big") + body[6:8]
    return sot + header + data[position:end], end


def _end_of_packets(data: bytes, position: int) -> int:
    """Find the end of the last tile-part: no two bytes of coded data exceed FF8F, so the next FFD9 is it."""
    found = data.find(b"\xff\xd9", position)
    return len(data) if found < 0 else found


def _marker(data: bytes, position: int) -> int:
    if data[position : position + 1] != b"\xff" or position + 2 > len(data):
        raise InputError("A JPEG 2000 frame is damaged: bytes between its segments.")
    return data[position + 1]


def _segment(data: bytes, position: int) -> tuple[bytes, int]:
    length = int.from_bytes(data[position : position + 2], "big")
    if length < 2 or position + length > len(data):
        raise InputError("A JPEG 2000 frame is damaged: a segment is longer than the frame.")
    return data[position + 2 : position + length], position + length


def _codestream_of(data: bytes) -> bytes:
    """Take the codestream out of a JP2 file; InputError when its boxes tell of colors that would be lost."""
    position, found = 0, None
    for _ in range(MAX_BOXES):
        if position + 8 > len(data):
            break
        length, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        header = 8
        if length == 1:
            length, header = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        end = position + length if length else len(data)
        if end > len(data) or end < position + header:
            break
        if kind == b"jp2h" and any(name in data[position:end] for name in CHANGES_COLOR):
            raise InputError("A JPEG 2000 frame is a file of its own with own colors: it cannot be cleaned here.")
        if kind == b"jp2c" and found is None:
            found = data[position + header : end]
        position = end
    if found is None:
        raise InputError("A JPEG 2000 frame is a file without an image: look at it.")
    return found
