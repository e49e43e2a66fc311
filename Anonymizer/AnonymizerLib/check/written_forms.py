"""The ways people write one date, one number or one name, as bytes to look for.

Forms with their separators are looked for in the bytes as they are; ``squeezed`` forms in the bytes without any
separators, so that "482 913 075", "482-913-075" and "482913075" are one number.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SEPARATORS = b"-/. _,:'"
LONG_ENOUGH = 5  # letters and digits that a squeezed number needs, so as not to be chance
LONG_NAME = 6
NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
DIGRAPHS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("å", "aa"), ("ø", "oe"), ("æ", "ae"))
MONTHS = (
    ("jan",),
    ("feb", "f\u00e9v"),
    ("mar", "m\u00e4r", "maer"),
    ("apr", "avr"),
    ("may", "mai"),
    ("jun", "juin"),
    ("jul", "juil"),
    ("aug", "ao\u00fb"),
    ("sep",),
    ("oct", "okt"),
    ("nov",),
    ("dec", "dez", "d\u00e9c"),
)


@lru_cache(maxsize=4096)
def date_forms(year: str, month: str, day: str) -> frozenset[bytes]:
    """Write a date with separators: day, month and year in every order, with two and four digits, padded or not."""
    forms = {year + month + day}
    for separator in "-/.":
        for long_year in (year, year[2:]):
            for one, other in ((day, month), (day.lstrip("0"), month.lstrip("0"))):
                forms |= {
                    separator.join((one, other, long_year)),
                    separator.join((other, one, long_year)),
                    separator.join((long_year, other, one)),
                }
    return frozenset(form.encode("ascii") for form in forms)


@lru_cache(maxsize=4096)
def squeezed_date_forms(year: str, month: str, day: str) -> frozenset[bytes]:
    """Write a date without separators, months as numbers and as words."""
    short = year[2:]
    forms = {day + month + year, month + day + year, day + month + short, month + day + short, short + month + day}
    for name in MONTHS[int(month) - 1] if 1 <= int(month) <= 12 else ():
        for one in {day, day.lstrip("0")}:
            forms |= {one + name + year, one + name + short, name + one + year, name + one + short}
    return frozenset(form.encode("utf-8") for form in forms)


@lru_cache(maxsize=4096)
def date_signs(year: str, month: str, day: str) -> frozenset[bytes]:
    """List the fewest squeezed bytes without which none of the written forms of a date can stand in a text."""
    short = year[2:]
    signs = set()
    for one, other in ((day, month), (day.lstrip("0"), month.lstrip("0"))):
        for long_year in (year, short):
            signs |= {one + other + long_year, other + one + long_year}
        signs.add(short + other + one)
    signs.add(year + month + day)  # the short year may stand amid digits when a time of day follows
    for name in MONTHS[int(month) - 1] if 1 <= int(month) <= 12 else ():
        signs |= {name + year, name + short, name + day, name + day.lstrip("0")}
    return frozenset(sign.encode("utf-8") for sign in signs)


@lru_cache(maxsize=4096)
def date_pairs(year: str, month: str, day: str) -> frozenset[tuple[int, int]]:
    """List the pairs of numbers that tell half of a date: day and month, month and short year, in both orders."""
    numbers = int(day), int(month), int(year[2:])
    pairs = {numbers[:2], numbers[1:]}
    return frozenset(pairs | {(second, first) for first, second in pairs})


@lru_cache(maxsize=4096)
def squeezed_number(text: str) -> bytes:
    """Drop the separators of a number or name; empty when too little is left to be told from chance."""
    squeezed = NOT_ALPHANUMERIC.sub("", text)
    return squeezed.encode("utf-8") if len(squeezed) >= LONG_ENOUGH else b""


def squeeze(data: bytes) -> bytes:
    """Lower-case bytes without the separators that people put into numbers."""
    return data.translate(None, SEPARATORS)


@lru_cache(maxsize=4096)
def spellings(name: str) -> frozenset[str]:
    """Spell a case-folded name in the ways it is met: Müller, Mueller, Muller; ß and ss; with and without accents."""
    composed = unicodedata.normalize("NFC", name)
    with_digraphs, without = composed, composed
    for letter, digraph in DIGRAPHS:
        with_digraphs = with_digraphs.replace(letter, digraph)
    plain = "".join(letter for letter in unicodedata.normalize("NFD", without) if not unicodedata.combining(letter))
    found = {composed, with_digraphs, plain.replace("ß", "ss").replace("ø", "o").replace("æ", "ae")}
    if composed.isascii():
        back = composed
        for letter, digraph in DIGRAPHS[:3]:
            back = back.replace(digraph, letter)
        found |= {back, composed.replace("ss", "ß")}
    return frozenset(found)


def folded(text: str) -> str:
    """Bring a text into the form in which it is compared: compatible forms composed, letters case-folded."""
    return unicodedata.normalize("NFKC", text).casefold()
