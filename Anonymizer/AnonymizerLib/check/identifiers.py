"""From the values that were taken out to the words that must not appear in the output.

Names fall apart into their parts, in all spellings; dates and numbers are looked for in the ways people write them.
No token is dropped because it is a common word: a patient may be called Black, Max or Long, and a word list does not
know. Only whole descriptions that were taken out and consist of listed words ("CT CHEST") identify nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from AnonymizerLib.bounds.maxima import MAX_TOKEN_BYTES
from AnonymizerLib.check.written_forms import (
    LONG_NAME,
    date_forms,
    date_pairs,
    date_signs,
    folded,
    spellings,
    squeezed_date_forms,
    squeezed_number,
)
from AnonymizerLib.identity.identities import DATE, DICOM_ROOT
from AnonymizerLib.objects.element import Original, text_of
from AnonymizerLib.profile.options import Option
from AnonymizerLib.profile.table import row_of
from AnonymizerLib.profile.words import is_harmless, may_stay

SHORTEST, SHORTEST_RAW, SHORTEST_NUMBER_RAW = 3, 5, 6
SHORTEST_NAME = 2
NAME_PARTS = re.compile(r"[\s^=\\,;/()]+")
INNER_PARTS = re.compile(r"[-'’.]+")
SEPARATED, GAPS_IN_IDS = re.compile(r"[-/. _]+"), ("", " ", "-", "_", ".", "/")
OUR_OWN_WORDS = frozenset({"anonymous", "removed", "anonymized", "anonymised"})
NOBODY = OUR_OWN_WORDS | {"unknown", "none", "null", "yes", "no", "n/a", "na", "other"}
OUR_OWN_DATE = "19000101"
DATE_IN_TEXT = re.compile(r"(?<!\d)(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})(?!\d{2,}[.\-/])")
PATIENT_ID, OTHER_PATIENT_IDS = 0x00100020, 0x00101000
NAMES, NUMBERS, DATES, UIDS, TEXTS, TOO_SHORT = "names", "numbers", "dates", "UIDs", "texts", "too short to search"
SETS = ("anywhere", "dates", "words", "prose", "squeezed", "signs", "days", "letters")


@dataclass(frozen=True)
class Tokens:
    """Lower-case words to look for.

    ``anywhere`` in the bytes; ``dates``; short ``words`` only as whole words of a text; ``prose`` (whole
    descriptions that were taken out) in free text, but not in codes, which mean the same for everybody; ``squeezed``
    in free text without its separators; ``signs`` are what any date or squeezed form must hold; ``days`` are the pairs
    of numbers that tell day and month, or month and year, of a date, in free text; ``letters`` are words outside
    ASCII, compared after decoding; ``is_foreign`` says that the identifiers themselves hold such letters, which
    character sets write differently.
    """

    anywhere: frozenset[bytes] = frozenset()
    dates: frozenset[bytes] = frozenset()
    words: frozenset[bytes] = frozenset()
    prose: frozenset[bytes] = frozenset()
    squeezed: frozenset[bytes] = frozenset()
    signs: frozenset[bytes] = frozenset()
    days: frozenset[tuple[int, int]] = frozenset()
    letters: frozenset[str] = frozenset()
    is_foreign: bool = False
    counts: tuple[tuple[str, int], ...] = field(default=(), compare=False)

    @property
    def all(self) -> frozenset[bytes]:
        """Every token."""
        return self.anywhere | self.dates | self.words | self.prose | self.squeezed

    @classmethod
    def together(cls, some: Iterable[Tokens]) -> Tokens:
        """Join the tokens of several instances."""
        some = list(some)
        if len(some) == 1:
            return some[0]
        counts: dict[str, int] = {}
        for kind, number in (entry for tokens in some for entry in tokens.counts):
            counts[kind] = counts.get(kind, 0) + number
        sets: dict[str, Any] = {
            kind: _union([found for tokens in some if (found := getattr(tokens, kind))]) for kind in SETS
        }
        return cls(
            **sets,
            is_foreign=any(tokens.is_foreign for tokens in some),
            counts=tuple(sorted(counts.items())),
        )


def _union(sets: list[frozenset]) -> frozenset:
    """All of several sets; a single one is not copied, so that what is kept for it is found again."""
    return sets[0] if len(sets) == 1 else frozenset().union(*sets)


def tokens_of(originals: Iterable[Original], encodings: list[str]) -> Tokens:
    """Every token of the values that were taken out of one instance; each different value counts once."""
    names = tuple(encodings)
    different = dict.fromkeys(originals)
    of_the_study = tuple(original for original in different if original.vr != "UI")
    uids = [_tokens(original.tag, original.vr, original.value, names) for original in different if original.vr == "UI"]
    return Tokens.together([_tokens_of_a_study(of_the_study, names), *uids])


@lru_cache(maxsize=256)
def _tokens_of_a_study(originals: tuple[Original, ...], encodings: tuple[str, ...]) -> Tokens:
    """Tokens of all but UIDs: the instances of a series mostly share them."""
    return Tokens.together(_tokens(*original, encodings) for original in originals)


@lru_cache(maxsize=1024)
def is_prose(tag: int) -> bool:
    """Whether the attribute describes something rather than naming somebody: by the table's own column."""
    row = row_of(tag)
    return row is None or Option.CLEAN_DESCRIPTORS.label in row.options


@lru_cache(maxsize=8192)
def _tokens(tag: int, vr: str, value: bytes, encodings: tuple[str, ...]) -> Tokens:
    text = text_of(value, list(encodings)).replace("\0", "")
    if not text.strip() or vr == "CS":
        return Tokens()
    if vr in ("DA", "DT"):
        return _date_tokens(text)
    if vr == "UI":
        uids = {uid.strip() for uid in text.split("\\")}
        found = frozenset(
            uid.encode("ascii", "replace") for uid in uids if len(uid) >= 10 and not uid.startswith(DICOM_ROOT)
        )
        return Tokens(anywhere=found, counts=((UIDS, len(found)),))
    parts = [folded(part.strip()) for part in text.split("\\")]
    if vr == "PN":
        return _name_tokens(text, encodings)
    return _prose_tokens(parts, encodings) if is_prose(tag) else _number_tokens(tag, parts, encodings)


def _date_tokens(text: str) -> Tokens:
    """Each date in every written form, but the one form that this program itself writes as a dummy."""
    found: set[bytes] = set()
    squeezed: set[bytes] = set()
    signs: set[bytes] = set()
    days: set[tuple[int, int]] = set()
    count = 0
    for part in text.split("\\"):
        match = DATE.match(part.strip()[:8]) or DATE.match(part.strip()[:10])
        if match is None:
            continue
        count += 1
        found |= date_forms(*match.groups())
        squeezed |= squeezed_date_forms(*match.groups())
        signs |= date_signs(*match.groups())
        if match[0] != OUR_OWN_DATE:
            days |= date_pairs(*match.groups())
    return Tokens(
        dates=frozenset(found) - {OUR_OWN_DATE.encode("ascii")},
        squeezed=frozenset(squeezed),
        signs=frozenset(signs) - {OUR_OWN_DATE.encode("ascii"), OUR_OWN_DATE[2:].encode("ascii")},
        days=frozenset(days),
        counts=((DATES, count),),
    )


def _prose_tokens(parts: list[str], encodings: tuple[str, ...]) -> Tokens:
    long = {part for part in parts if SHORTEST_RAW <= len(part) <= MAX_TOKEN_BYTES and part not in NOBODY}
    telling = {part for part in long if not may_stay(part)}
    return Tokens(
        prose=frozenset(token for part in telling for token in _encoded(part, encodings)),
        letters=frozenset(part for part in telling if not part.isascii()),
        is_foreign=not all(map(str.isascii, telling)),
        counts=((TEXTS, len(telling)),),
    )


def _name_tokens(text: str, encodings: tuple[str, ...]) -> Tokens:
    """Take a person's name apart: the whole, its parts, the parts of these, and first and last name run together."""
    groups = [folded(group) for group in re.split(r"[=\\]", text)]
    components = [[part for part in NAME_PARTS.split(group) if part] for group in groups]
    parts = {part for group in components for part in group}
    parts |= {inner for part in parts for inner in INNER_PARTS.split(part)}
    parts |= {group.strip(" ^") for group in groups}
    parts -= OUR_OWN_WORDS
    is_foreign = not all(map(str.isascii, parts))
    parts = {spelling for part in parts for spelling in spellings(part)}
    together = {
        "".join(order)
        for group in components
        for order in (group[:2], group[1::-1])
        if len(order) > 1 and not set(order) & OUR_OWN_WORDS
    }
    parts |= together
    joined = {squeezed_number(name) for name in together if len(name) >= LONG_NAME}
    found = _sorted_by_length(parts, encodings, SHORTEST_NAME, NAMES, frozenset(joined - {b""}))
    return replace(found, is_foreign=is_foreign)


def _number_tokens(tag: int, parts: list[str], encodings: tuple[str, ...]) -> Tokens:
    """Take an ID, an address or an institution as it is and squeezed; a patient ID counts however short it is."""
    is_patient_id = tag in (PATIENT_ID, OTHER_PATIENT_IDS)
    known = {part for part in parts if part and part not in NOBODY}
    if is_patient_id:
        known |= {part.lstrip("0") for part in known if part.isdigit() and len(part.lstrip("0")) >= SHORTEST}
        known |= {gap.join(SEPARATED.split(part)) for part in known if SEPARATED.search(part) for gap in GAPS_IN_IDS}
    squeezed = frozenset(squeezed_number(part) for part in known if any(letter.isdigit() for letter in part)) - {b""}
    dates = [match.groups() for part in known for match in DATE_IN_TEXT.finditer(part)]
    dated = [
        Tokens(dates=date_forms(*date), squeezed=squeezed_date_forms(*date), signs=date_signs(*date))
        for date in dates
        if _is_day(*date)
    ]
    shortest = 1 if is_patient_id else SHORTEST
    return Tokens.together([_sorted_by_length(known, encodings, shortest, NUMBERS, squeezed), *dated])


def _is_day(year: str, month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31 and 1880 <= int(year) <= 2100


def _sorted_by_length(
    texts: set[str], encodings: tuple[str, ...], shortest: int, kind: str, squeezed: frozenset[bytes]
) -> Tokens:
    anywhere: set[bytes] = set()
    words: set[bytes] = set()
    count = too_short = 0
    for text in texts:
        size = len(text.encode("utf-8"))
        if not text or size > MAX_TOKEN_BYTES:
            continue
        if size < shortest:
            too_short += 1
            continue
        count += 1
        enough = SHORTEST_NUMBER_RAW if text.isdigit() else SHORTEST_RAW
        target = anywhere if size >= enough and not is_harmless(text) else words
        target |= set(_encoded(text, encodings))
    return Tokens(
        anywhere=frozenset(anywhere),
        words=frozenset(words),
        squeezed=squeezed,
        signs=squeezed,
        letters=frozenset(text for text in texts if not text.isascii() and len(text.encode("utf-8")) >= shortest),
        is_foreign=not all(map(str.isascii, texts)),
        counts=tuple((name, number) for name, number in ((kind, count), (TOO_SHORT, too_short)) if number),
    )


def _encoded(text: str, encodings: tuple[str, ...]) -> Iterable[bytes]:
    """Write the text as its own character sets, UTF-8 and Latin-1 would, in small and in capital letters.

    Bytes are compared with their ASCII letters in lower case, and no others.
    """
    if text.isascii():
        return [text.encode("ascii")]
    found = []
    for encoding in dict.fromkeys((*encodings, "utf-8", "latin-1")):
        for form in (text, text.upper()):
            try:
                found.append(form.encode(encoding).lower())
            except (UnicodeEncodeError, LookupError):
                continue
    return found
