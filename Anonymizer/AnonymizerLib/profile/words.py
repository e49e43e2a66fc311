"""Which descriptions may stay: every token must be a listed word or a harmless number, and no identifier.

The Clean Descriptors option (PS3.15 E.3.5) asks for the removal of identity from free text. An allow-list fails
closed: what is not understood goes. Whether a listed word is the name of this patient is asked elsewhere, with the
identifiers of the patient (``check.identifiers``): a list cannot know that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from AnonymizerLib.profile.number_shapes import names_a_number_of_a_person

DATA = Path(__file__).resolve().parent / "data"
SEPARATORS = re.compile(r"[\s,;:/\\()\[\]{}<>+*=&|_^!?'\"#%~-]+")
# Up to three digits with an optional fraction and unit: sizes, times, tube voltages; never a date or a record number.
UNITS = "mm|cm|m|s|sec|min|ms|ml|cc|kv|kvp|ma|mas|mgy|t|deg|bpm|hu|x|%|st|nd|rd|th|w|d"
NUMBER = re.compile(rf"^\d{{1,3}}([.,]\d{{1,3}})?({UNITS})?$")
SIZES = re.compile(r"^\d{1,3}([.,]\d{1,3})?(x\d{1,3}([.,]\d{1,3})?){1,2}(mm|cm)?$")
KERNEL = re.compile(r"^[a-z]{1,2}\d{2}[a-z]?$")
VERTEBRA = re.compile(r"^(c[1-7]|t([1-9]|1[0-2])|l[1-5]|s[1-5])$")


@lru_cache(maxsize=1)
def listed_words() -> frozenset[str]:
    """Every allowed word in lower case."""
    data = json.loads((DATA / "descriptor_words.json").read_text(encoding="utf-8"))
    return frozenset(word for words in data["words"].values() for word in words.split())


@lru_cache(maxsize=1)
def concept_words() -> frozenset[str]:
    """Join the listed words and those that coded concepts of the standard are made of: for labels and meanings."""
    data = json.loads((DATA / "concept_words.json").read_text(encoding="utf-8"))
    return listed_words() | frozenset(data["words"].split())


def tokens_of(text: str) -> list[str]:
    """Split a description into its words and numbers, in lower case."""
    return [token.strip(".") for token in SEPARATORS.split(text.casefold()) if token.strip(".")]


def is_harmless(token: str, words: Collection[str] | None = None) -> bool:
    """Whether one token is a listed word, a small number, a size or a kernel name."""
    return (
        token in (listed_words() if words is None else words)
        or NUMBER.match(token) is not None
        or SIZES.match(token) is not None
        or KERNEL.match(token) is not None
        or VERTEBRA.match(token) is not None
    )


@lru_cache(maxsize=8192)
def may_stay(text: str) -> bool:
    """Whether a description carries nothing but harmless tokens, and no row of numbers that may be a person's."""
    return all(is_harmless(token) for token in tokens_of(text)) and not names_a_number_of_a_person(text)


@lru_cache(maxsize=8192)
def label_may_stay(text: str) -> bool:
    """Ask the same of labels and meanings of codes, which may also use the words of coded concepts."""
    words = concept_words()
    return all(is_harmless(token, words) for token in tokens_of(text)) and not names_a_number_of_a_person(text)
