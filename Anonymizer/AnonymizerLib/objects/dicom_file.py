"""One DICOM file in memory: its attributes as raw elements, its pixel data as untouched bytes.

Pixel data is never decoded and never copied through pydicom: the bytes of group 7FE0 are found, kept as a view of
the file, and written as they were. Preamble and file meta information are always made anew (PS3.15 E.1.1).
"""

from __future__ import annotations

import mmap
import struct
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from AnonymizerLib.objects.inflate import read_deflated, split_meta
from AnonymizerLib.objects.lengths import check_end, check_lengths
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
IMPLEMENTATION_UID = "2.25.187312893453206429471095847103296141107"
IMPLEMENTATION_NAME = b"THORAXAI_ANON"
PIXEL_GROUP, PIXEL_TAG_START = 0x7FE0, 0x7FE00000
PIXEL_ELEMENTS = frozenset({0x0001, 0x0002, 0x0003, 0x0008, 0x0009, 0x0010})
LONG_VRS = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR", b"SV", b"UV"})
UNDEFINED = 0xFFFFFFFF
META_BYTES = 4096
ITEM, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
Buffer = bytes | mmap.mmap


@dataclass
class DicomFile:
    """Attributes before the pixel data, the pixel elements as they stand in the file, and how both are encoded."""

    dataset: Dataset
    transfer_syntax: str
    pixels: memoryview = field(default_factory=lambda: memoryview(b""))
    dropped: tuple[int, ...] = ()

    @property
    def is_implicit(self) -> bool:
        """Whether attributes are written without VR."""
        return self.transfer_syntax == IMPLICIT

    @property
    def is_little_endian(self) -> bool:
        """Whether numbers are little endian."""
        return self.transfer_syntax != BIG_ENDIAN


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first 132 bytes are those of a DICOM file, with or without preamble."""
    return head[128:132] == b"DICM" or (head[:2] in (b"\x08\x00", b"\x02\x00", b"\x00\x08") and head[2:3] != b"")


def read_dicom(data: Buffer) -> DicomFile:
    """Parse a file held in memory; raises what pydicom raises, InputError for cut-off elements and pixel data."""
    from pydicom.filereader import read_partial

    start, end, stated = split_meta(data)
    if stated == DEFLATED:
        ds, length = read_deflated(data, start, end)
        check_lengths(ds)
        check_end(ds, length)
        return DicomFile(ds, DEFLATED)
    if DEFLATED.encode("ascii") in data[start : max(end, start + META_BYTES)]:
        raise InputError("Its file meta information is damaged: it is not clear how the file is encoded.")
    stream = BytesIO(data) if isinstance(data, bytes) else data
    stream.seek(0)
    ds = read_partial(stream, stop_when=_at_pixels, force=True)  # type: ignore[arg-type]  # it reads a mapped file too
    check_lengths(ds)
    check_end(ds, stream.tell())
    syntax = str(ds.file_meta.get("TransferSyntaxUID", "")) if hasattr(ds, "file_meta") else ""
    if syntax == DEFLATED:
        raise InputError("Its file meta information is damaged: it is not clear how the file is encoded.")
    if syntax and not _is_standard(syntax):
        raise InputError("Its transfer syntax is none of the standard: it is not clear how its pixels are coded.")
    if not syntax or ds.original_encoding != (syntax == IMPLICIT, syntax != BIG_ENDIAN):
        syntax = _syntax_found(ds, syntax)
    pixels, dropped = _pixel_part(data, stream.tell(), syntax)
    return DicomFile(ds, syntax, pixels, dropped)


@lru_cache(maxsize=64)
def _is_standard(syntax: str) -> bool:
    """Whether the dictionary knows a transfer syntax: any other text in its place may name somebody."""
    from pydicom.uid import UID_dictionary

    return UID_dictionary.get(syntax, ("", ""))[1] == "Transfer Syntax"


def _at_pixels(tag: int, _vr: str | None, _length: int) -> bool:
    return int(tag) >= PIXEL_TAG_START  # plain numbers: comparing tag objects costs as much as reading them


def _syntax_found(ds: Dataset, claimed: str) -> str:
    """Name the transfer syntax the attributes really have when the meta information lacks it or contradicts them."""
    implicit, little = ds.original_encoding
    if implicit:
        return IMPLICIT
    if not little:
        return BIG_ENDIAN
    return EXPLICIT if claimed in ("", IMPLICIT, BIG_ENDIAN) else claimed


def _pixel_part(data: Buffer, start: int, syntax: str) -> tuple[memoryview, tuple[int, ...]]:
    """Find the bytes of the pixel elements from ``start`` on, and the tags behind them that are left out."""
    position, end, size = start, start, len(data)
    dropped: list[int] = []
    while position + 8 <= size:
        group, element = struct.unpack_from("<HH" if syntax != BIG_ENDIAN else ">HH", data, position)
        if group == PIXEL_GROUP and element == 0 and position == start:  # a group length, retired
            start = end = position = _end_of_element(data, position, syntax)
            continue
        if group != PIXEL_GROUP or element not in PIXEL_ELEMENTS:
            dropped.append((group << 16) | element)
            break
        position = _end_of_element(data, position, syntax)
        if position > size:
            raise InputError("The pixel data is cut off before its end.")
        end = position
    return memoryview(data)[start:end], tuple(dropped)


def _end_of_element(data: Buffer, position: int, syntax: str) -> int:
    """Where the element that starts at ``position`` ends."""
    order = ">" if syntax == BIG_ENDIAN else "<"
    if syntax == IMPLICIT:
        (length,), value = struct.unpack_from("<I", data, position + 4), position + 8
    elif data[position + 4 : position + 6] in LONG_VRS:
        if position + 12 > len(data):
            raise InputError("The pixel data is cut off before its end.")
        (length,), value = struct.unpack_from(order + "I", data, position + 8), position + 12
    else:
        (length,), value = struct.unpack_from(order + "H", data, position + 6), position + 8
    return value + length if length != UNDEFINED else _end_of_fragments(data, value)


def _end_of_fragments(data: Buffer, position: int) -> int:
    """Where encapsulated pixel data ends (PS3.5 A.4)."""
    while position + 8 <= len(data):
        kind = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        position += 8
        if kind == SEQUENCE_END:
            return position
        if kind != ITEM:
            break
        position += length
    raise InputError("The fragments of the pixel data do not end as they should.")


def encode_attributes(file: DicomFile) -> bytes:
    """Encode the attributes as the file does: raw elements byte by byte, sequences with stated lengths."""
    return _encode(file.dataset, file, file.dataset.get("SpecificCharacterSet") or "ISO_IR 6")


def _encode(ds: Dataset, file: DicomFile, character_set: str | list[str]) -> bytes:
    from pydicom.dataelem import RawDataElement

    parts: list[bytes] = []
    for element in sorted(ds.values(), key=_tag_number):
        header = _raw_header(element, file) if isinstance(element, RawDataElement) else None
        if header is not None:
            parts += (header, element.value or b"")
        elif element.VR == "SQ" and not isinstance(element, RawDataElement):
            parts += _encode_sequence(element, file, character_set)
        elif element.VR == "US" and isinstance(element.value, int):  # pydicom converts one by itself
            parts += _encode_number(int(element.tag), element.value, file)
        else:
            parts.append(_encode_by_pydicom(element, file, character_set))
    return b"".join(parts)


def _tag_number(element: DataElement | RawDataElement) -> int:
    return int(element.tag)


def _encode_sequence(element: DataElement, file: DicomFile, character_set: str | list[str]) -> tuple[bytes, bytes]:
    """Header and items of a sequence (PS3.5 7.5.2)."""
    order = "<" if file.is_little_endian else ">"
    items: list[bytes] = []
    for item in element.value or ():
        body = _encode(item, file, item.get("SpecificCharacterSet") or character_set)
        items += (struct.pack(order + "HHI", 0xFFFE, 0xE000, len(body)), body)
    value = b"".join(items)
    tag = int(element.tag)
    if file.is_implicit:
        return struct.pack(order + "HHI", tag >> 16, tag & 0xFFFF, len(value)), value
    return struct.pack(order + "HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, len(value)), value


def _encode_number(tag: int, number: int, file: DicomFile) -> tuple[bytes, bytes]:
    """Header and value of one unsigned 16-bit number."""
    order = "<" if file.is_little_endian else ">"
    value = struct.pack(order + "H", number)
    if file.is_implicit:
        return struct.pack(order + "HHI", tag >> 16, tag & 0xFFFF, 2), value
    return struct.pack(order + "HH2sH", tag >> 16, tag & 0xFFFF, b"US", 2), value


def _encode_by_pydicom(element: DataElement | RawDataElement, file: DicomFile, character_set: str | list[str]) -> bytes:
    from pydicom.dataset import Dataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    single = Dataset()
    single[element.tag] = element
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = file.is_little_endian, file.is_implicit
    write_dataset(buffer, single, character_set)
    return buffer.getvalue()


def _raw_header(element: RawDataElement, file: DicomFile) -> bytes | None:
    """Tag, VR and length as PS3.5 7.1 writes them; None when this element is not a plain run of bytes."""
    tag, size = int(element.tag), len(element.value or b"")
    if element.length == UNDEFINED or size % 2:
        return None
    order = "<" if file.is_little_endian else ">"
    if file.is_implicit:
        return struct.pack(order + "HHI", tag >> 16, tag & 0xFFFF, size)
    if element.VR is None:
        return None
    vr = element.VR.encode("ascii")
    if vr in LONG_VRS:
        return struct.pack(order + "HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, size)
    return struct.pack(order + "HH2sH", tag >> 16, tag & 0xFFFF, vr, size) if size < 0xFFFF else None


def file_start(sop_class: str, sop_instance: str, syntax: str) -> bytes:
    """Write an empty preamble and this program's own file meta information (PS3.10 7.1)."""
    body = b"".join(
        (
            struct.pack("<HH2sHI2s", 2, 1, b"OB", 0, 2, b"\0\1"),
            _short(0x0002, b"UI", sop_class.encode("ascii")),
            _short(0x0003, b"UI", sop_instance.encode("ascii")),
            _short(0x0010, b"UI", syntax.encode("ascii")),
            _short(0x0012, b"UI", IMPLEMENTATION_UID.encode("ascii")),
            _short(0x0013, b"SH", IMPLEMENTATION_NAME),
        )
    )
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(body)) + body


def start_of_attributes(header: bytes) -> int:
    """Where the attributes begin in a file that ``file_start`` began."""
    (length,) = struct.unpack_from("<I", header, 140)
    return 144 + length


def _short(element: int, vr: bytes, value: bytes) -> bytes:
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value


def encode(file: DicomFile, sop_class: str, sop_instance: str) -> tuple[bytes, memoryview]:
    """Encode the whole file as two parts to write one after the other: everything before the pixels, and the pixels."""
    attributes = encode_attributes(file)
    if file.transfer_syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        attributes = packer.compress(attributes) + packer.flush()
        attributes += b"\0" * (len(attributes) % 2)
    return file_start(sop_class, sop_instance, file.transfer_syntax) + attributes, file.pixels


def tags_at_root(header: bytes, start: int, is_implicit: bool, is_little_endian: bool) -> set[int] | None:
    """Find the tags at the root of encoded attributes by hopping from length to length.

    A second, independent reading of what was written; None when lengths do not lead exactly to the end, or when an
    element has no stated length.
    """
    order = "<" if is_little_endian else ">"
    read_tag, read_long = struct.Struct(order + "HH").unpack_from, struct.Struct(order + "I").unpack_from
    read_short = struct.Struct(order + "H").unpack_from
    found, position, end = set(), start, len(header)
    while position + 8 <= end:
        group, element = read_tag(header, position)
        if is_implicit:
            length, value = read_long(header, position + 4)[0], position + 8
        elif header[position + 4 : position + 6] in LONG_VRS:
            if position + 12 > end:
                return None
            length, value = read_long(header, position + 8)[0], position + 12
        else:
            length, value = read_short(header, position + 6)[0], position + 8
        found.add((group << 16) | element)
        position = value + length
    return found if position == end else None
