"""Codes of public schemes and their own meanings: what a file writes as meaning is free text, the code is not.

The meanings come from PS3.16 as shipped with pydicom.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from AnonymizerLib.profile.number_shapes import LONG_NUMBER, names_a_number_of_a_person
from AnonymizerLib.profile.words import label_may_stay, listed_words

# Coding schemes with public meanings (PS3.16 Table 8-1).
PUBLIC_SCHEMES = frozenset(
    (
        "DCM SCT SRT SNM3 99SDM LN UCUM FMA RADLEX RADELEMENT NCIt UMLS MA BI I10 I10P I9 I9C ISO3166_1 RFC5646 "
        "PUBCHEM_CID NEU UBERON ITIS_TSN DCMUID IBSI CPT4 C4 MDC SCPECG RFC3066 ISO639_1 ISO639_2 ISO_OID RXNORM MSH "
        "BARI NDC ACR HPC NICIP POS NYUMCCG MAYOASRG MAYO 99THORAXAI"
    ).split()
)
CODE = re.compile(r"^[A-Za-z]{0,4}[-.:]?[A-Z0-9.\-:]*\d[A-Z0-9.\-:]*$")
UNIT_PART = re.compile(r"^[A-Za-z%]{0,5}\d{0,3}$")
UNIT_SEPARATORS = re.compile(r"[./*\[\](){}^'_\-+\s\d]+")
OUR_OWN_SCHEME = re.compile(r"^99T[A-Z2-7]{8}$")  # what a local scheme is called after de-identification
VENDOR_SCHEME = re.compile(r"^99[A-Z0-9_]*$")


@lru_cache(maxsize=1)
def _meanings() -> dict[tuple[str, str], str]:
    from pydicom.sr._concepts_dict import concepts

    found = {}
    for scheme, entries in concepts.items():
        codes: Any  # by value: (meaning, ...)
        for codes in entries.values():
            for value, (meaning, *_) in codes.items():
                found[scheme, value] = meaning
    return found


def meaning_of(scheme: str, value: str) -> str | None:
    """Look up the meaning of a code in the standard; None when it is not known here."""
    return _meanings().get((scheme, value))


@lru_cache(maxsize=4096)
def code_value_may_stay(scheme: str, value: str) -> bool:
    """Whether a code value is a code: known, or with digits in it, or a unit, or made of listed words."""
    if meaning_of(scheme, value) is not None or label_may_stay(value):
        return True
    if scheme == "UCUM":
        return all(UNIT_PART.match(part) for part in UNIT_SEPARATORS.split(value))
    if CODE.match(value) is None:
        return False
    is_long_number = value.isdigit() and len(value) >= LONG_NUMBER
    return scheme in PUBLIC_SCHEMES or not (is_long_number or names_a_number_of_a_person(value))


@lru_cache(maxsize=1024)
def scheme_may_stay(scheme: str) -> bool:
    """Whether a coding scheme is public, or a local one that is named after a maker of devices."""
    if not scheme or scheme in PUBLIC_SCHEMES or OUR_OWN_SCHEME.match(scheme):
        return True
    words = [word for word in re.split(r"[^a-z]+", scheme.casefold().removeprefix("99")) if word]
    return VENDOR_SCHEME.match(scheme) is not None and bool(words) and all(word in listed_words() for word in words)
