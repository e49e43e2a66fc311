"""The search of one output for the identifiers of its input: raw bytes first, then element by element.

Bytes of the pixel data are searched where they can hold text: compressed streams (comments of JPEG files) and bytes
behind the last pixel. A hit in raw bytes is looked up in the parsed data set, to name the place and to set aside hits
inside what this program wrote itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from AnonymizerLib.bounds.maxima import MAX_SUSPECTS
from AnonymizerLib.check.identifiers import Tokens
from AnonymizerLib.check.token_search import found_in, holds_any_of
from AnonymizerLib.check.written_forms import folded, squeeze
from AnonymizerLib.objects.element import encodings_of, raw_value, text_of
from AnonymizerLib.objects.private_blocks import known_creators
from AnonymizerLib.profile.code_strings import is_defined
from AnonymizerLib.profile.iods import Location

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TEXT_VRS = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "UN", "CS"})
PROSE_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
BULK_VRS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
EXACT_VRS = frozenset({"CS", "UI", "DS", "IS", "AS", "TM", "DA", "DT"})
SOP_CLASS = 0x00080016
OUR_OWN = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
CODES = frozenset({0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080119})
# Attributes whose values are a closed list of the standard (PS3.3): a word of it there is no name.
ENUMERATED = frozenset(
    {
        0x00080060,
        0x00080068,
        0x00185100,
        0x00200060,
        0x00280004,
        0x00280301,
        0x00280302,
        0x00282110,
        0x0040A010,
        0x0040A040,
        0x0040A050,
        0x0040A491,
        0x0040A493,
        0x0040A496,
        0x00700022,
        0x00700023,
        0x30060014,
        0x30060042,
        0x300600A4,
        0x00620001,
        0x00620008,
        0x00080056,
        0x00081163,
    }
)
SHORTEST_IN_PIXELS, PIXEL_PIECE = 5, 16 << 20
CHANCE = 1e-5  # a token by chance in coded pixels: a letter, large or small, is 2 of 256 values
WORD, LETTER = re.compile(rb"[0-9a-z\x80-\xff]"), re.compile(rb"[a-z\x80-\xff]")
SHORTEST_BESIDE_LETTERS, SHORTEST_BESIDE_DIGITS = 3, 2  # shorter tokens are parts of other words by chance
# Two numbers that may be a day and a month: any with a dash between, two digits each with a point or a gap.
PAIR = re.compile(
    r"(?<![\d.,])(?<!\d[/\-])(?=(?:(\d{1,2})\s*[/\-]\s*(\d{1,2})(?![/\-]?\d)|(\d{2})[.,\s]{1,2}(\d{2})(?!\d)))"
)
ESCAPE = b"\x1b"
GAPS = re.compile(r"[\s\u3000^=]+")
DATE_VRS = frozenset({"DA", "DT"})
LONGEST_SHORT_DATE, LONG_DATE = 8, 10  # "11/06/44", "11/06/1944"
WRITTEN_ANEW: frozenset[Location] = frozenset({(0x00100010,), (0x00100020,), (0x00120040,)})  # pseudonyms
NOWHERE: Location = ()


@dataclass(frozen=True)
class Leak:
    """Where an identifier was found; the identifier itself is not part of it."""

    location: Location

    @property
    def place(self) -> str:
        """The tags that lead there, readable, without any value."""
        if not self.location:
            return "bytes outside any attribute"
        return "/".join(f"{tag >> 16:04X},{tag & 0xFFFF:04X}" for tag in self.location)


def tokens_in(data: bytes, tokens: Tokens) -> set[bytes]:
    """Find the tokens that stand in the bytes; ``data`` must be lower case."""
    found = found_in(data, tokens.anywhere) | found_in(data, tokens.prose)
    return found | {token for token in found_in(data, tokens.dates) if _date_in(data, token)}


def may_leak(header: bytes, tokens: Tokens) -> bool:
    """Whether a closer look is needed: a token stands in the raw bytes, or one has letters that encodings differ in.

    ASCII letters are the same bytes in every character set of DICOM (PS3.5 6.1.2), so for them raw is decoded.
    """
    lowered = header.lower()
    return (
        tokens.is_foreign
        or holds_any_of(lowered, tokens.anywhere)
        or holds_any_of(lowered, tokens.prose)
        or bool(_wide_tokens(lowered, tokens))
        or any(_stands_in(lowered, token, True) for token in found_in(lowered, tokens.words))
        or _holds_squeezed(squeeze(lowered), tokens.signs)
    )


def uid_names(uid: str, tokens: Tokens) -> bool:
    """Whether a number between the points of a UID is an identifier: asked of private classes, which stay."""
    return any(part.encode("ascii") in (tokens.anywhere | tokens.words | tokens.dates) for part in uid.split("."))


def _names_a_day(text: str, tokens: Tokens) -> bool:
    """Whether two numbers in a text are day and month, or month and year, of a date of this patient."""
    return bool(tokens.days) and any(
        (int(match[1] or match[3]), int(match[2] or match[4])) in tokens.days for match in PAIR.finditer(text)
    )


def _holds_squeezed(data: bytes, tokens: frozenset[bytes]) -> bool:
    """Whether a number or date stands there other than amid a longer number, as the digits of a UID do by chance."""
    return any(
        not (data[start - 1 : start].isdigit() and data[start + len(token) : start + len(token) + 1].isdigit())
        for token in found_in(data, tokens)
        for start in _starts(data, token)
    )


def _wide_tokens(lowered: bytes, tokens: Tokens) -> set[bytes]:
    """Find the tokens that stand in the bytes as UTF-16, as color profiles and some devices write text."""
    squeezed = lowered.replace(b"\0", b"")
    return {token for token in found_in(squeezed, tokens.anywhere) if any(wide in lowered for wide in _wide(token))}


def _wide(token: bytes) -> tuple[bytes, bytes]:
    """Write a token with a zero byte behind, and with one before, each of its letters."""
    little = b"".join(token[place : place + 1] + b"\0" for place in range(len(token)))
    return little, b"\0" + little[:-1]


def find_leaks(ds: Dataset, header: bytes, tokens: Tokens) -> list[Leak]:
    """Every place of a re-read output that still holds a token; empty when it is clean."""
    lowered = header.lower()
    suspects = tokens_in(lowered, tokens) | _wide_tokens(lowered, tokens)
    text_tokens = suspects | found_in(lowered, tokens.words)
    squeezed = found_in(squeeze(lowered), tokens.squeezed)
    may_name_a_day = _names_a_day(header.decode("latin-1"), tokens)
    if not (text_tokens or squeezed or may_name_a_day or tokens.is_foreign):
        return []
    if len(text_tokens) > MAX_SUSPECTS:  # so many cannot be taken out one by one: it waits for a person
        return [Leak(NOWHERE)]
    places = [
        Leak(value.location) for value in _values(ds, (), ["iso8859"]) if _holds(value, tokens, text_tokens, squeezed)
    ]
    suspects -= tokens.prose
    if not places and suspects and not _only_in_our_own(ds, lowered, suspects):
        places.append(Leak(NOWHERE))
    return places


def holds_any(value: bytes, encodings: list[str], tokens: Tokens) -> bool:
    """Whether a value holds any token, raw or decoded."""
    lowered = value.lower()
    return (
        any(holds_any_of(lowered, some) for some in (tokens.anywhere, tokens.dates, tokens.words, tokens.prose))
        or holds_any_of(squeeze(lowered), tokens.squeezed)
        or (_needs_decoding(value) and _decoded_holds(text_of(value, encodings), tokens))
    )


@lru_cache(maxsize=8192)
def text_names(text: str, tokens: Tokens) -> bool:
    """Whether a free text names somebody: it holds an identifier, whatever list its words may be on."""
    lowered = text.casefold().encode("utf-8", "replace")
    return (
        holds_any_of(lowered, tokens.anywhere)
        or any(_date_in(lowered, token) for token in found_in(lowered, tokens.dates))
        or any(_stands_in(lowered, token, True) for token in found_in(lowered, tokens.words))
        or holds_any_of(squeeze(lowered), tokens.squeezed)
        or _names_a_day(text, tokens)
        or _decoded_holds(text, tokens)
    )


def find_in_pixels(pixels: bytes | memoryview, tokens: Tokens) -> bool:
    """Whether compressed pixel bytes hold a token or a date long enough not to be chance in so many bytes."""
    shortest = max(SHORTEST_IN_PIXELS, math.ceil(math.log(max(len(pixels), 1) / CHANCE, 128)))
    long_tokens = frozenset(token for token in tokens.anywhere | tokens.dates if len(token) >= shortest)
    overlap = max(map(len, long_tokens), default=0)
    return bool(long_tokens) and any(
        holds_any_of(bytes(pixels[start : start + PIXEL_PIECE + overlap]).lower(), long_tokens)
        for start in range(0, len(pixels), PIXEL_PIECE)
    )


@dataclass(frozen=True)
class _Value:
    """One element: its bytes in lower case and, where they are not plain ASCII, its decoded text."""

    location: Location
    vr: str
    data: bytes
    decoded: str = ""

    @property
    def tag(self) -> int:
        return self.location[-1]


def _values(ds: Dataset, parents: Location, encodings: list[str]) -> Iterator[_Value]:
    """Every non-sequence element that may hold an identifier: the standard's own terms and known names are left out."""
    encodings = encodings_of(ds, encodings)
    for element in list(ds.values()):
        tag = int(element.tag)
        location = (*parents, tag)
        if tag in OUR_OWN or tag in ENUMERATED:
            continue
        vr = element.VR or ds[element.tag].VR
        if vr == "SQ":
            for item in ds[element.tag].value or ():
                yield from _values(item, location, encodings)
            continue
        value = raw_value(ds, element.tag) or b""
        if _means_the_same_for_everybody(tag, vr, value):
            continue
        decoded = text_of(value, encodings) if vr in TEXT_VRS and _needs_decoding(value) else ""
        yield _Value(location, vr, value.lower(), decoded)


def _means_the_same_for_everybody(tag: int, vr: str, value: bytes) -> bool:
    """Terms that the standard lists for an attribute, and creators of known private blocks, whoever the patient is."""
    if vr == "CS":
        terms = value.decode("ascii", "replace").split("\\")
        return all(not term.strip("\0 ") or is_defined(tag, term.strip("\0 ")) for term in terms)
    if (tag >> 16) % 2 and 0x10 <= tag & 0xFFFF <= 0xFF:
        return value.decode("ascii", "replace").strip("\0 ") in known_creators()
    return False


def _needs_decoding(value: bytes) -> bool:
    """Whether bytes are not the text themselves; ISO 2022 writes foreign letters with plain bytes and escapes."""
    return not value.isascii() or ESCAPE in value


def _holds(value: _Value, tokens: Tokens, candidates: Iterable[bytes], squeezed: set[bytes]) -> bool:
    is_coded = value.vr in EXACT_VRS or value.tag in CODES
    is_text = value.vr in TEXT_VRS
    for token in candidates:
        if is_coded and token in tokens.prose:
            continue
        if token in tokens.dates:
            is_possible = is_text or value.vr in DATE_VRS or (token.isdigit() and _may_be_a_date(value))
            is_possible = is_possible or (value.vr not in EXACT_VRS and len(token) >= LONG_DATE)
            if is_possible and _date_in(value.data, token):
                return True
            continue
        if token in tokens.words and (not is_text or value.location in WRITTEN_ANEW):
            continue
        is_whole = token in tokens.words or value.vr in EXACT_VRS
        is_wide = value.vr in BULK_VRS and any(wide in value.data for wide in _wide(token))
        if is_wide or _stands_in(value.data, token, is_whole):
            return True
    if is_text and squeezed and value.location not in WRITTEN_ANEW:
        shrunk = squeeze(value.data)
        if any(token in shrunk for token in squeezed):
            return True
    if value.vr in PROSE_VRS and value.location not in WRITTEN_ANEW:
        if _names_a_day(value.data.decode("latin-1"), tokens):
            return True
    return bool(value.decoded) and _decoded_holds(value.decoded, tokens)


def _may_be_a_date(value: _Value) -> bool:
    """Whether digits may be a date there: in UIDs, which go or stay as a whole, only in the one of the class."""
    return value.vr != "UI" or value.tag == SOP_CLASS


def _decoded_holds(decoded: str, tokens: Tokens) -> bool:
    if not tokens.letters or decoded.isascii():
        return False
    text = folded(decoded)
    without_gaps = GAPS.sub("", text)
    return any(word in text or word in without_gaps for word in tokens.letters)


def _stands_in(data: bytes, token: bytes, whole_word: bool) -> bool:
    return any(not whole_word or _is_whole(data, start, start + len(token)) for start in _starts(data, token))


def _date_in(data: bytes, token: bytes) -> bool:
    """Whether a date stands in the data on its own."""
    return any(_is_date_at(data, token, start) for start in _starts(data, token))


def _is_date_at(data: bytes, token: bytes, start: int) -> bool:
    """Count a date when no digit precedes it; a time may follow behind it, unless its year has two digits only."""
    before, after = data[max(start - 1, 0) : start], data[start + len(token) : start + len(token) + 1]
    has_short_year = len(token) <= LONGEST_SHORT_DATE and not token.isdigit()
    if before.isdigit() or (has_short_year and (after.isdigit() or after == b".")):
        return False
    return not (b"." in token and before == b".")  # part of a UID or version


def _starts(data: bytes, token: bytes) -> Iterator[int]:
    start = data.find(token)
    while start >= 0:
        yield start
        start = data.find(token, start + 1)


def _is_whole(data: bytes, start: int, end: int) -> bool:
    """Whether a token stands on its own: a name may touch digits, and a number of three digits and more letters."""
    before, after = data[max(start - 1, 0) : start], data[end : end + 1]
    token = data[start:end]
    if token.isdigit() and len(token) >= SHORTEST_BESIDE_LETTERS:
        return not (before.isdigit() or after.isdigit())
    beside = LETTER if token.isalpha() and len(token) >= SHORTEST_BESIDE_DIGITS else WORD
    return not (beside.match(before) or beside.match(after))


def _only_in_our_own(ds: Dataset, lowered: bytes, suspects: set[bytes]) -> bool:
    """Whether every raw hit is explained by our own marks, or by words that only touch inside a number or a code."""
    own = b"\0".join(_own_bytes(ds)).lower()
    return all(_count(own, token) >= _count(lowered, token) or _inside_exact(ds, token) for token in suspects)


def _own_bytes(ds: Dataset) -> Iterator[bytes]:
    for tag in OUR_OWN:
        if tag in ds:
            element = ds[tag]
            if element.VR == "SQ":
                for item in element.value:
                    yield from (raw_value(item, inner.tag) or b"" for inner in list(item.values()))
            else:
                yield raw_value(ds, tag) or b""
    yield b"THORAXAI_ANON"


def _inside_exact(ds: Dataset, token: bytes) -> bool:
    """Whether the token is only part of a longer word of a code string, a UID or a number."""
    return any(token in value.data for value in _values(ds, (), ["iso8859"]) if value.vr in EXACT_VRS)


def _count(data: bytes, token: bytes) -> int:
    return sum(1 for _ in _starts(data, token))
