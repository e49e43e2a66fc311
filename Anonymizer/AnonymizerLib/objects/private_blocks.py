"""Private elements under the Retain Safe Private option (PS3.15 E.3.10): kept by creator, group and offset only.

Only the generated list of device elements says what is safe, never the file itself: a file may declare a block free of
identity (0008,0300) that holds a name. The values of listed elements are checked by their representation, whatever
the list says: the list knows what a device writes there, not what somebody typed.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from AnonymizerLib.objects.well_formed import is_well_formed
from AnonymizerLib.profile.words import label_may_stay

DATA = Path(__file__).resolve().parents[1] / "profile" / "data"
TEXT_VRS, NUMBER_VRS = frozenset({"LO", "SH", "CS"}), frozenset({"DS", "IS"})
BINARY_VRS = frozenset({"US", "SS", "UL", "SL", "FL", "FD", "SV", "UV", "AT", "OF", "OD", "OL", "OV"})
NUMBER = re.compile(rb"^[0-9.eE+\- \\\0]*$")
LETTERS = re.compile(rb"[A-Za-z\x80-\xff]{2}")
DATE_LIKE = re.compile(rb"(?<!\d)(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")
Block = tuple[int, str]


@lru_cache(maxsize=1)
def safe_elements() -> dict[Block, frozenset[int]]:
    """(group, creator) to the safe offsets."""
    data = json.loads((DATA / "safe_private.json").read_text(encoding="utf-8"))
    return {
        (int(group, 16), creator): frozenset(int(offset, 16) for offset in offsets.split())
        for creator, groups in data["creators"].items()
        for group, offsets in groups.items()
    }


@lru_cache(maxsize=1)
def known_creators() -> frozenset[str]:
    """List the creators of known private blocks; they name makers of devices."""
    return frozenset(creator for _, creator in safe_elements())


def is_safe(group: int, creator: str, offset: int) -> bool:
    """Whether the list says that this private element carries no identity."""
    return offset in safe_elements().get((group, creator), frozenset())


def value_is_safe(tag: int, vr: str, value: bytes, text: str) -> bool:
    """Whether the value of a listed element can be what a device writes: numbers, or text of listed words.

    Bytes of unknown representation (UN, OB, OW) are judged by what they look like: numbers as text, or binary
    without letters and dates.
    """
    if not value.strip(b"\0 "):
        return True
    if vr in BINARY_VRS:
        return is_well_formed(tag, vr, value)
    if vr in NUMBER_VRS:
        return NUMBER.match(value) is not None and DATE_LIKE.search(value) is None
    if vr in TEXT_VRS:
        return is_well_formed(tag, vr, value) and all(label_may_stay(part) for part in text.split("\\"))
    if vr in ("UN", "OB", "OW"):
        return _bytes_are_safe(value, text)
    return False


def _bytes_are_safe(value: bytes, text: str) -> bool:
    if value.isascii() and _is_printable(value):
        return DATE_LIKE.search(value) is None and all(label_may_stay(part) for part in text.split("\\"))
    return LETTERS.search(value.replace(b"\0", b"")) is None and DATE_LIKE.search(value) is None


def _is_printable(value: bytes) -> bool:
    return all(32 <= byte < 127 for byte in value.rstrip(b"\0"))
