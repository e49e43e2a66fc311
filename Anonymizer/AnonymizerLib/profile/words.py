"""Which descriptions may stay: every token must be a listed word or a harmless number, and no identifier.

The Clean Descriptors option (PS3.15 E.3.5) asks for the removal of identity from free text. An allow-list fails
closed: what is not understood goes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
SEPARATORS = re.compile(r"[\s,;:/\\()\[\]{}<>+*=&|_^!?'\"#%~-]+")
# Up to three digits with an optional fraction and unit: sizes, times, tube voltages; never a date or a record number.
UNITS = "mm|cm|m|s|sec|min|ms|ml|cc|kv|kvp|ma|mas|mgy|t|deg|bpm|hu|x|%|st|nd|rd|th|w|d"
NUMBER = re.compile(rf"^\d{{1,3}}([.,]\d{{1,3}})?({UNITS})?$")
SIZES = re.compile(r"^\d{1,3}([.,]\d{1,3})?(x\d{1,3}([.,]\d{1,3})?){1,2}(mm|cm)?$")
KERNEL = re.compile(r"^[a-z]{1,2}\d{2}[a-z]?$")


@lru_cache(maxsize=1)
def listed_words() -> frozenset[str]:
    """Every allowed word in lower case."""
    data = json.loads((DATA / "descriptor_words.json").read_text(encoding="utf-8"))
    return frozenset(word for words in data["words"].values() for word in words.split())


def tokens_of(text: str) -> list[str]:
    """The words and numbers of a description, in lower case."""
    return [token.strip(".") for token in SEPARATORS.split(text.casefold()) if token.strip(".")]


def is_harmless(token: str) -> bool:
    """Whether one token is a listed word, a small number, a size or a kernel name."""
    return (
        token in listed_words()
        or NUMBER.match(token) is not None
        or SIZES.match(token) is not None
        or KERNEL.match(token) is not None
    )


def may_stay(text: str, identifiers: Collection[str] = ()) -> bool:
    """Whether a description carries nothing but harmless tokens, none of which identifies this patient."""
    return all(is_harmless(token) and token not in identifiers for token in tokens_of(text))
