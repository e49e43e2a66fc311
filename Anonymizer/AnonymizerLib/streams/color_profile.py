"""ICC profiles (ICC.1:2022) made anew from their tables of color alone: no description, maker, date or private part.

A profile that cannot be understood goes; colors are then shown as the device means them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from AnonymizerLib.bounds.maxima import MAX_PROFILE_TAGS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from AnonymizerLib.objects.dicom_file import DicomFile

ICC_PROFILE = 0x00282000
HEADER, ENTRY = 128, 12
COLOR_TAGS = frozenset(
    {
        b"wtpt", b"bkpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"chad", b"lumi",
        b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"gamt", b"chrm", b"cicp",
    }
)  # fmt: skip
NEEDED = (b"wtpt",)
PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


def clean_profiles(file: DicomFile, head: bytes | None) -> bool:
    """Make every ICC profile of a data set anew, in place; whether there was one.

    ``head`` are the encoded attributes, when they are at hand: without the tag in them nothing is parsed.
    """
    if head is not None and not any(tag in head for tag in (b"\x28\x00\x00\x20", b"\x00\x28\x20\x00")):
        return False
    return _clean(file.dataset)


def _clean(ds: Dataset) -> bool:
    found = False
    for element in list(ds.values()):
        if int(element.tag) == ICC_PROFILE:
            found = True
            value = element.value if isinstance(element.value, bytes) else b""
            _put(ds, without_text(value))
        elif (element.VR or "SQ") == "SQ":
            parsed = ds[element.tag]
            for item in (parsed.value or ()) if parsed.VR == "SQ" else ():
                found = _clean(item) or found
    return found


def _put(ds: Dataset, profile: bytes | None) -> None:
    from pydicom.dataelem import DataElement

    if profile is None:
        del ds[ICC_PROFILE]
    else:
        ds[ICC_PROFILE] = DataElement(ICC_PROFILE, "OB", profile + b"\0" * (len(profile) % 2))


def without_text(profile: bytes) -> bytes | None:
    """Make the profile anew with its color tables only; None when it is not understood."""
    if len(profile) < HEADER + 4 or profile[36:40] != b"acsp":
        return None
    (count,) = struct.unpack_from(">I", profile, HEADER)
    if not 0 < count <= MAX_PROFILE_TAGS or HEADER + 4 + ENTRY * count > len(profile):
        return None
    kept: dict[bytes, bytes] = {}
    for number in range(count):
        name, start, size = struct.unpack_from(">4sII", profile, HEADER + 4 + ENTRY * number)
        if name not in COLOR_TAGS:
            continue
        value = _exact(profile[start : start + size])
        if value is None:
            return None
        kept[name] = value
    if any(name not in kept for name in NEEDED):
        return None
    text = "color profile"
    is_new = profile[8] >= 4
    kept[b"desc"] = _unicode(text) if is_new else _old_description(text)
    kept[b"cprt"] = _unicode("none") if is_new else b"text\0\0\0\0none\0"
    return _assembled(_header(profile), kept)


def _header(profile: bytes) -> bytes:
    """Copy the header without date, makers, model, creator and checksum."""
    blank = bytearray(profile[:HEADER])
    for start, end in ((0, 8), (24, 36), (40, 44), (48, 64), (80, 128)):
        blank[start:end] = bytes(end - start)
    blank[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(blank)


def _exact(value: bytes) -> bytes | None:
    """Cut a value of a color tag to the length its own numbers say; None for a kind that is not known."""
    kind, size = value[:4], len(value)
    length = None
    if kind == b"XYZ ":
        length = 20
    elif kind == b"curv" and size >= 12:
        length = 12 + 2 * int.from_bytes(value[8:12], "big")
    elif kind == b"para" and size >= 12:
        parameters = PARAMETERS.get(int.from_bytes(value[8:10], "big"))
        length = None if parameters is None else 12 + 4 * parameters
    elif kind == b"sf32":
        length = 8 + 36
    elif kind == b"chrm" and size >= 12:
        length = 12 + 8 * int.from_bytes(value[8:10], "big")
    elif kind == b"cicp":
        length = 12
    elif kind in (b"mft1", b"mft2") and size >= 52:
        length = _length_of_table(value)
    if length is None or length > size:
        return None
    return kind + bytes(4) + value[8:length]


def _length_of_table(value: bytes) -> int:
    """Compute the length of lut8Type and lut16Type (10.10 and 10.11) in bytes."""
    inputs, outputs, grid = value[8], value[9], value[10]
    if inputs > 4 or outputs > 4:
        return len(value) + 1
    if value[:4] == b"mft1":
        return 48 + 256 * inputs + grid**inputs * outputs + 256 * outputs
    entries_in, entries_out = struct.unpack_from(">HH", value, 48)
    return 52 + 2 * (entries_in * inputs + grid**inputs * outputs + entries_out * outputs)


def _unicode(text: str) -> bytes:
    coded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(coded), 28) + coded


def _old_description(text: str) -> bytes:
    coded = text.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(coded)) + coded + bytes(8 + 3 + 67)


def _assembled(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    position = HEADER + 4 + ENTRY * len(tags)
    table, body, places = [struct.pack(">I", len(tags))], b"", {}
    for name, value in sorted(tags.items()):
        if value not in places:  # tables that are equal are stored once
            body += b"\0" * (-len(body) % 4)
            places[value] = position + len(body)
            body += value
        table.append(struct.pack(">4sII", name, places[value], len(value)))
    whole = header + b"".join(table) + body
    return struct.pack(">I", len(whole)) + whole[4:]
