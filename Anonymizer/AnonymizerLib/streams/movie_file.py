"""MP4 files (ISO 14496-12, -14): every byte that belongs to no picture and to no table is overwritten in place."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from AnonymizerLib.bounds.maxima import MAX_BOXES, MAX_MOVIE_SAMPLES
from AnonymizerLib.streams.units import H265_FILLER, filler, is_user_data
from ThoraxAILib.errors import InputError

FOLDERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf"})
TABLES = frozenset(
    {
        b"ftyp", b"mvhd", b"tkhd", b"mdhd", b"vmhd", b"elst", b"dref", b"stsd", b"stts", b"ctts", b"stsc", b"stsz",
        b"stco", b"co64", b"stss", b"sdtp", b"iods", b"cslg", b"sgpd", b"sbgp", b"hdlr",
    }
)  # fmt: skip
TEXT = frozenset({b"udta", b"meta", b"uuid", b"free", b"skip", b"wide", b"pdin", b"tref", b"Xtra"})
MOST_EXTENSION = 4  # bytes on bit depth behind the sets of parameters of H.264's high profiles
ENTRY_HEADER = 86  # a visual sample entry before its own boxes (ISO 14496-12 12.1.3)


@dataclass(frozen=True)
class Box:
    """A box: its kind, where its content begins and ends, and where it begins itself."""

    kind: bytes
    start: int
    content: int
    end: int


def without_metadata(data: bytes, is_h265: bool) -> bytes:
    """Overwrite all text in a file of the same length and pictures; InputError for sound, subtitles and fragments."""
    result = bytearray(data)
    tracks: list[dict[bytes, Box]] = []
    used: list[tuple[int, int]] = []
    media: list[Box] = []
    _walk(data, 0, len(data), result, tracks, media)
    if len(tracks) != 1:
        raise InputError("The video has other tracks than one of pictures: they cannot be checked here.")
    length_size = _length_size(result, tracks[0])
    for start, size in _samples(data, tracks[0]):
        used.append((start, start + size))
        _clean_sample(data, result, start, start + size, length_size, is_h265)
    for box in media:
        _clear_gaps(result, box, used)
    return bytes(result)


def _boxes(data: bytes | bytearray, start: int, end: int) -> Iterator[Box]:
    for _ in range(MAX_BOXES):
        if start == end:
            return
        if start + 8 > end:
            break
        length, kind, content = *struct.unpack_from(">I4s", data, start), start + 8
        if length == 1 and start + 16 <= end:
            length, content = struct.unpack_from(">Q", data, start + 8)[0], start + 16
        stop = start + length if length else end
        if stop > end or stop < content:
            break
        yield Box(kind, start, content, stop)
        start = stop
    raise InputError("The video file is damaged: its boxes do not follow each other.")


def _walk(
    data: bytes, start: int, end: int, result: bytearray, tracks: list[dict[bytes, Box]], media: list[Box]
) -> None:
    for box in _boxes(data, start, end):
        if box.kind == b"trak":
            tracks.append({})
        if box.kind in FOLDERS:
            _walk(data, box.content, box.end, result, tracks, media)
        elif box.kind in TEXT:
            result[box.start + 4 : box.start + 8] = b"free"
            result[box.content : box.end] = bytes(box.end - box.content)
        elif box.kind == b"mdat":
            media.append(box)
        elif box.kind in TABLES:
            if tracks:
                tracks[-1].setdefault(box.kind, box)
            _clean_table(data, box, result)
        else:
            raise InputError("The video file holds a part that is not understood: look at it.")


def _clean_table(data: bytes, box: Box, result: bytearray) -> None:
    """Take dates and names out of a table that stays."""
    if box.kind in (b"mvhd", b"tkhd", b"mdhd"):
        width = 16 if data[box.content] == 1 else 8
        result[box.content + 4 : box.content + 4 + width] = bytes(width)
    elif box.kind == b"hdlr":
        if data[box.content + 8 : box.content + 12] != b"vide":
            raise InputError("The video has sound or subtitles: they cannot be checked here.")
        result[box.content + 12 : box.end] = bytes(box.end - box.content - 12)
    elif box.kind == b"dref":
        for entry in _boxes(data, box.content + 8, box.end):
            if data[entry.content + 3] != 1:
                raise InputError("The video file points to another file: export it in one piece.")
            result[entry.content + 4 : entry.end] = bytes(entry.end - entry.content - 4)
    elif box.kind == b"stsd":
        for entry in _boxes(data, box.content + 8, box.end):
            name = entry.start + 50  # 32 bytes of compressor name
            result[name : name + 32] = bytes(32)
            for inner in _boxes(data, entry.start + ENTRY_HEADER, entry.end):
                is_color = inner.kind == b"colr" and data[inner.content : inner.content + 4] in (b"nclx", b"nclc")
                if inner.kind in (b"avcC", b"hvcC"):
                    _clean_configuration(data, inner, result)
                elif not is_color and inner.kind not in (b"pasp", b"btrt", b"fiel", b"clap"):
                    result[inner.start + 4 : inner.start + 8] = b"free"
                    result[inner.content : inner.end] = bytes(inner.end - inner.content)


def _clean_configuration(data: bytes, box: Box, result: bytearray) -> None:
    """Take user data out of the units that stand before all pictures (ISO 14496-15 5.3.3.1 and 8.3.3.1)."""
    is_h265 = box.kind == b"hvcC"
    position = box.content + (22 if is_h265 else 5)
    arrays = data[position] if is_h265 else 2
    position += is_h265
    for _ in range(arrays):
        if is_h265:
            kind_at, count, position = position, int.from_bytes(data[position + 1 : position + 3], "big"), position + 3
        else:
            count, position = data[position] & 0x1F, position + 1
        for _ in range(count):
            unit, size = position + 2, int.from_bytes(data[position : position + 2], "big")
            position = unit + size
            if position > box.end:
                raise InputError("The video is damaged: a unit is longer than the box around it.")
            if is_user_data(data[unit:position], is_h265):
                result[unit:position] = filler(size, is_h265)
                if is_h265:
                    result[kind_at] = data[kind_at] & 0xC0 | H265_FILLER
    if box.end - position > (0 if is_h265 else MOST_EXTENSION):
        raise InputError("The video holds a part that is not understood: look at it.")


def _length_size(data: bytes | bytearray, tables: dict[bytes, Box]) -> int:
    """How many bytes state the length of a unit (avcC, hvcC)."""
    entries = tables.get(b"stsd")
    if entries is not None:
        for entry in _boxes(data, entries.content + 8, entries.end):
            for inner in _boxes(data, entry.start + ENTRY_HEADER, entry.end):
                if inner.kind == b"avcC":
                    return (data[inner.content + 4] & 3) + 1
                if inner.kind == b"hvcC":
                    return (data[inner.content + 21] & 3) + 1
    raise InputError("The video file does not say how its pictures are coded.")


def _samples(data: bytes, tables: dict[bytes, Box]) -> Iterator[tuple[int, int]]:
    """Place and size of every sample (ISO 14496-12 8.6 to 8.7)."""
    if b"stsz" not in tables or b"stsc" not in tables or not {b"stco", b"co64"} & set(tables):
        raise InputError("The video file does not say where its pictures lie.")
    sizes_at = tables[b"stsz"].content
    fixed, count = struct.unpack_from(">II", data, sizes_at + 4)
    if count > MAX_MOVIE_SAMPLES:
        raise InputError("The video file has more pictures than can be checked.")
    sizes = [fixed] * count if fixed else struct.unpack_from(f">{count}I", data, sizes_at + 12)
    wide = b"co64" in tables
    chunks_at = tables[b"co64" if wide else b"stco"].content
    (chunks,) = struct.unpack_from(">I", data, chunks_at + 4)
    offsets = struct.unpack_from(f">{chunks}{'Q' if wide else 'I'}", data, chunks_at + 8)
    runs_at = tables[b"stsc"].content
    (runs,) = struct.unpack_from(">I", data, runs_at + 4)
    per_chunk = [struct.unpack_from(">III", data, runs_at + 8 + 12 * run) for run in range(runs)]
    number, run = 0, 0
    for chunk, start in enumerate(offsets, start=1):
        while run + 1 < runs and per_chunk[run + 1][0] <= chunk:
            run += 1
        for _ in range(per_chunk[run][1]):
            if number >= count:
                return
            yield start, sizes[number]
            start, number = start + sizes[number], number + 1


def _clean_sample(data: bytes, result: bytearray, start: int, end: int, length_size: int, is_h265: bool) -> None:
    while start < end:
        unit = start + length_size
        stop = unit + int.from_bytes(data[start:unit], "big")
        if stop > end or end > len(data) or stop == unit:
            raise InputError("The video is damaged: a unit is longer than its picture.")
        if is_user_data(data[unit:stop], is_h265):
            result[unit:stop] = filler(stop - unit, is_h265)
        start = stop


def _clear_gaps(result: bytearray, media: Box, used: list[tuple[int, int]]) -> None:
    """Zero the bytes of a media box that no sample uses."""
    position = media.content
    for start, end in sorted(used):
        if end <= position or start >= media.end:
            continue
        if start > position:
            result[position:start] = bytes(start - position)
        position = max(position, end)
    if position < media.end:
        result[position : media.end] = bytes(media.end - position)
