"""From the values that were taken out to the words that must not appear in the output.

Names fall apart into their parts; dates are looked for in the ways people write them; texts made only of listed words
("CHEST 5.0") identify nobody and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from AnonymizerLib.identity.identities import DATE, DICOM_ROOT
from AnonymizerLib.objects.element import Original, text_of
from AnonymizerLib.profile.options import Option
from AnonymizerLib.profile.table import row_of
from AnonymizerLib.profile.words import is_harmless, may_stay

SHORTEST, SHORTEST_RAW, SHORTEST_NUMBER_RAW, LONGEST = 3, 5, 6, 256
NAME_PARTS = re.compile(r"[\s^=\\,;/()]+")
OUR_OWN_WORDS = frozenset({"anonymous", "removed", "anonymized", "anonymised", "unknown", "none", "null", "yes", "no"})
UNSEEN = frozenset({"19000101", "00010101", "19700101"})


@dataclass(frozen=True)
class Tokens:
    """Lower-case words to look for.

    ``anywhere`` in the bytes; ``dates``; short ``words`` only as whole words of a text; ``prose`` (whole
    descriptions that were taken out) in free text, but not in codes, which mean the same for everybody.
    """

    anywhere: frozenset[bytes] = frozenset()
    dates: frozenset[bytes] = frozenset()
    words: frozenset[bytes] = frozenset()
    prose: frozenset[bytes] = frozenset()

    @property
    def is_foreign(self) -> bool:
        """Whether a token has letters outside ASCII."""
        return not all(token.isascii() for token in self.all)

    @property
    def all(self) -> frozenset[bytes]:
        """Every token."""
        return self.anywhere | self.dates | self.words | self.prose


def tokens_of(originals: Iterable[Original], encodings: list[str]) -> Tokens:
    """Every token of the values that were taken out of one instance."""
    names = tuple(encodings)
    found = [_tokens(original.vr, original.value, names, _is_prose(original.tag)) for original in originals]
    return Tokens(
        *(
            frozenset().union(*(getattr(tokens, kind) for tokens in found))
            for kind in ("anywhere", "dates", "words", "prose")
        )
    )


@lru_cache(maxsize=1024)
def _is_prose(tag: int) -> bool:
    """Whether the attribute describes something rather than naming somebody: by the table's own column."""
    row = row_of(tag)
    return row is None or Option.CLEAN_DESCRIPTORS.label in row.options


@lru_cache(maxsize=8192)
def _tokens(vr: str, value: bytes, encodings: tuple[str, ...], prose: bool) -> Tokens:
    text = text_of(value, list(encodings)).replace("\0", "")
    if vr in ("DA", "DT"):
        return Tokens(dates=frozenset(token for part in text.split("\\") for token in _date_tokens(part)))
    if vr == "UI":
        uids = (uid.strip() for uid in text.split("\\"))
        return Tokens(
            anywhere=frozenset(
                uid.encode("ascii", "replace") for uid in uids if len(uid) >= 10 and not uid.startswith(DICOM_ROOT)
            )
        )
    if vr == "CS":
        return Tokens()
    parts = text.split("\\")
    if prose and vr != "PN":
        long = [part.strip().casefold() for part in parts if SHORTEST_RAW <= len(part.strip()) <= LONGEST]
        return Tokens(
            prose=frozenset(
                token
                for part in long
                if part not in OUR_OWN_WORDS and not may_stay(part)
                for token in _encoded(part, encodings)
            )
        )
    if vr == "PN":
        parts += NAME_PARTS.split(text)
    return _sorted_by_length([part.strip().casefold() for part in parts], encodings)


def _date_tokens(text: str) -> list[bytes]:
    match = DATE.match(text.strip()[:8]) or DATE.match(text.strip()[:10])
    if match is None or "".join(match.groups()) in UNSEEN:
        return []
    year, month, day = match.groups()
    return [
        form.encode("ascii")
        for form in (
            year + month + day,
            f"{year}-{month}-{day}",
            f"{year}/{month}/{day}",
            f"{day}.{month}.{year}",
            f"{month}/{day}/{year}",
            f"{day}/{month}/{year}",
            f"{day}-{month}-{year}",
        )
    ]


def _sorted_by_length(texts: list[str], encodings: tuple[str, ...]) -> Tokens:
    anywhere: set[bytes] = set()
    words: set[bytes] = set()
    for text in texts:
        if not SHORTEST <= len(text.encode("utf-8")) <= LONGEST or text in OUR_OWN_WORDS or may_stay(text):
            continue
        enough = SHORTEST_NUMBER_RAW if text.isdigit() else SHORTEST_RAW
        target = anywhere if len(text.encode("utf-8")) >= enough and not is_harmless(text) else words
        target |= set(_encoded(text, encodings))
    return Tokens(anywhere=frozenset(anywhere), words=frozenset(words))


def _encoded(text: str, encodings: tuple[str, ...]) -> Iterable[bytes]:
    """The text as its own character sets, UTF-8 and (for hidden copies) UTF-16 would write it."""
    if text.isascii():
        return [text.encode("ascii")]
    found = []
    for encoding in dict.fromkeys((*encodings, "utf-8", "latin-1")):
        try:
            found.append(text.encode(encoding).lower() if encoding in ("latin-1", "iso8859") else text.encode(encoding))
        except (UnicodeEncodeError, LookupError):
            continue
    return found
