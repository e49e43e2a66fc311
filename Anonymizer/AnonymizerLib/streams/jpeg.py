"""JPEG (ISO 10918-1) and JPEG-LS (ISO 14495-1) images without application data, comments, thumbnails and what follows.

Kept are the segments that decoding needs, each with exactly the length that its content has, and the coded data byte
by byte. Of the application segments only those that say how color is coded stay: JFIF without its thumbnail, Adobe's
APP14, and HP's transform of JPEG-LS.
"""

from __future__ import annotations

from collections.abc import Callable

from AnonymizerLib.bounds.maxima import MAX_JPEG_SEGMENTS
from ThoraxAILib.errors import InputError

SOI, EOI, SOS, DQT, DNL, DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD
DHT, DAC, COM, LSE, SOF_LS = 0xC4, 0xCC, 0xFE, 0xF8, 0xF7
FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, DAC, 0xC8} | {SOF_LS}
RESTARTS = range(0xD0, 0xD8)
APPLICATION = range(0xE0, 0xF0)
ADOBE_BYTES, JFIF_BYTES = 12, 14
ADOBE_USUAL = (b"\0\x64\0\0\0\0", b"\0\x65\0\0\0\0")
HP_TRANSFORM = b"mrfx"


def without_metadata(data: bytes) -> bytes:
    """One JPEG or JPEG-LS image with nothing but what decodes it; InputError for anything not understood."""
    if data[:2] != b"\xff\xd8":
        raise InputError("A compressed frame does not begin as JPEG does: it cannot be searched for text.")
    parts, position, is_ls = [b"\xff\xd8"], 2, False
    for _ in range(MAX_JPEG_SEGMENTS):
        marker, position = _next_marker(data, position)
        if marker == EOI:
            return b"".join((*parts, b"\xff\xd9"))
        body, end = _segment(data, position)
        is_ls = is_ls or marker == SOF_LS
        kept = _kept(marker, body)
        if kept is not None:
            parts.append(bytes((0xFF, marker)) + (len(kept) + 2).to_bytes(2, "big") + kept)
        position = end
        if marker == SOS:
            end = _end_of_scan(data, position, is_ls)
            parts.append(data[position:end])
            position = end
            if not data[position:].strip(b"\0"):  # cut off without an end: readers add it, so it is added here
                return b"".join((*parts, b"\xff\xd9"))
    raise InputError("A JPEG frame has more segments than any image needs: look at it.")


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """Read the marker at this place, without fill bytes, and where it ends."""
    start = position
    while position < len(data) and data[position] == 0xFF:
        position += 1
    if position == start or position >= len(data):
        raise InputError("A JPEG frame is damaged: bytes between its segments.")
    return data[position], position + 1


def _segment(data: bytes, position: int) -> tuple[bytes, int]:
    length = int.from_bytes(data[position : position + 2], "big")
    end = position + length
    if length < 2 or end > len(data):
        raise InputError("A JPEG frame is damaged: a segment is longer than the frame.")
    return data[position + 2 : end], end


def _kept(marker: int, body: bytes) -> bytes | None:
    """Return what stays of a segment; None when it goes."""
    if marker == COM:
        return None
    if marker in APPLICATION:
        return _color_of(marker, body)
    if not _is_exact(marker, body):
        raise InputError("A JPEG frame has a segment that is not as long as its content: look at it.")
    return body


def _color_of(marker: int, body: bytes) -> bytes | None:
    """Return the part of an application segment that says how color is coded; None when there is none."""
    if marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) >= JFIF_BYTES:
        version = body[5:7] if body[5:7] in (b"\x01\x00", b"\x01\x01") else b"\x01\x02"
        return body[:5] + version + body[7:12] + b"\0\0"
    if marker == 0xEE and body[:5] == b"Adobe" and len(body) >= ADOBE_BYTES:
        return body[:12] if body[5:11] in ADOBE_USUAL else b"Adobe\x00\x64" + bytes(4) + body[11:12]
    if marker == 0xE8 and body[:4] == HP_TRANSFORM and len(body) >= 5:
        return body[:5]
    return None


def _is_exact(marker: int, body: bytes) -> bool:
    """Whether a segment has a known kind and exactly the length its own numbers say."""
    size = len(body)
    if marker in FRAMES:
        return size >= 6 and size == 6 + 3 * body[5]
    if marker == SOS:
        return size >= 4 and size == 4 + 2 * body[0]
    if marker == DQT:
        return _consists_of(body, lambda at: 65 + 64 * (body[at] >> 4 > 0))
    if marker == DHT:
        return _consists_of(body, lambda at: 17 + sum(body[at + 1 : at + 17]))
    if marker == DAC:
        return size % 2 == 0
    if marker in (DRI, DNL):
        return size == 2 or (marker == DRI and size in (3, 4))
    if marker == LSE:
        return _is_exact_preset(body)
    return False


def _is_exact_preset(body: bytes) -> bool:
    """JPEG-LS preset parameters (ISO 14495-1 C.2.4.1)."""
    if body[:1] == b"\x01":
        return len(body) == 11
    if body[:1] in (b"\x02", b"\x03"):
        return len(body) >= 3 and body[2] > 0 and (len(body) - 3) % body[2] == 0
    return False


def _consists_of(body: bytes, length_at: Callable[[int], int]) -> bool:
    position = 0
    while position < len(body):
        position += length_at(position)
    return position == len(body)


def _end_of_scan(data: bytes, position: int, is_ls: bool) -> int:
    """Where the coded data ends: at the next marker that is no restart. JPEG-LS stuffs a bit, JPEG a byte."""
    while True:
        found = data.find(b"\xff", position)
        if found < 0 or found + 1 >= len(data):
            return len(data)
        following = data[found + 1]
        is_data = following < 0x80 if is_ls else following == 0
        if is_data or following in RESTARTS:
            position = found + 2
        elif following == 0xFF:
            position = found + 1
        else:
            return found
