"""Is a value what its representation says? A damaged length makes one element swallow its neighbors, names included.

What stays is therefore never taken on trust: numbers must have the size of numbers, texts no control characters, and
bulk data nothing that looks like further elements.
"""

from __future__ import annotations

import re
from functools import lru_cache

# PS3.5 Table 6.2-1: permitted characters; padding with spaces or one null.
_DATE = rb"(?:[0-9]{8}|[0-9]{4}[.][0-9]{2}[.][0-9]{2})?"
_CLOCK = rb"(?:[0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2}(?:[.][0-9]{1,6})?)?)?)?"
_MOMENT = rb"(?:[0-9]{4}(?:[0-9]{2}){0,5}(?:[.][0-9]{1,6})?(?:[+-][0-9]{4})?)?"
_UIDS = re.compile(rb"^[0-9. \\\0]*$")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f](?!\x00*$)")
# An element inside a value: any tag, a two-letter VR, a plausible length.
_ELEMENT = re.compile(rb"(?:AE|AS|CS|DA|DS|DT|IS|LO|LT|PN|SH|SQ|ST|TM|UI|UT|UC)[\x00-\x7f]\x00")
_PATTERNS = {
    **{
        vr: re.compile(rb"^%b(?: *\\ *%b)*[ \0]*$" % (form, form))
        for vr, form in (("DA", _DATE), ("TM", _CLOCK), ("DT", _MOMENT))
    },
    "UI": _UIDS,
}
_TEXTS = frozenset({"AE", "AS", "CS", "LO", "SH", "ST", "LT", "UT", "UC", "UR", "PN"})
_UNITS = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "AT": 4, "SV": 8, "UV": 8}
_LONG_ENOUGH = 24
LONGEST_NUMBERS = 64
_WRITTEN = re.compile(rb"[A-Za-z]{6}")


def is_well_formed(tag: int, vr: str, value: bytes) -> bool:
    """Whether the bytes can be a value of this representation, and nothing else besides."""
    pattern = _PATTERNS.get(vr)
    if pattern is not None:
        return pattern.match(value) is not None
    if vr in _TEXTS:
        return _CONTROL.search(value) is None
    unit = _UNITS.get(vr)
    if unit is not None:
        most = most_values(tag)
        if len(value) <= LONGEST_NUMBERS and _WRITTEN.search(value):  # longer tables may look like letters by chance
            return False
        return len(value) % unit == 0 and (most is None or len(value) <= most * unit) and _is_plain(value)
    return _is_plain(value)


def _is_plain(value: bytes) -> bool:
    return len(value) < _LONG_ENOUGH or _ELEMENT.search(value) is None


@lru_cache(maxsize=4096)
def most_values(tag: int) -> int | None:
    """How many values the attribute may have; None when the dictionary sets no limit or does not know it."""
    from pydicom.datadict import dictionary_VM

    try:
        most = dictionary_VM(tag).split("-")[-1]
    except KeyError:
        return None
    return int(most) if most.isdigit() else None
