"""Which code strings (CS) may stay: terms that PS3.3 defines, and codes made of listed words; nothing typed by hand.

A CS should be one of the standard's terms, but nothing stops a workstation from writing a name in capital letters.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from AnonymizerLib.profile.number_shapes import names_a_number_of_a_person
from AnonymizerLib.profile.words import concept_words, is_harmless

DATA = Path(__file__).resolve().parent / "data"
PERMITTED = re.compile(rb"^[A-Z0-9_ \\\0]*$")  # PS3.5 Table 6.2-1
CHARACTER_SET = 0x00080005
NUMBERED_TABLES = frozenset({0x0040DB00, 0x0008010F})  # template and context group identifiers of PS3.16
TABLE_NUMBER = re.compile(r"^\d{1,5}$")
PARTS = re.compile(r"[ _]+")
SHORT = 2  # letters that are no name
NUMBERED = re.compile(r"^([A-Z]*)\d{1,3}[A-Z]{0,2}$")
# Terms of PS3.16 Annex L (body parts) and of scanners (image types) that are no words of a language.
MORE_WORDS = frozenset(
    (
        "abdomenpelvis chestabdomen chestabdpelvis chestabdominal headneck neckchest neckchestabdomen "
        "neckchestabdpelv tspine cspine lspine lsspine ctspine tlspine ssspine skullbase wholebody iacs tmjoint hip "
        "knee ue le lextremity uextremity orbit cspn tspn lspn acjoint scjoint sijoint csa som spi ffe mosaic nd norm "
        "dis2d dis3d mfsplit fm phmag divers pixelmap param ooi rpsd ccr nat spatial localizer asc comp evsm magn "
        "rescaled default unknown undefined none other yes no na true false mpr mip minip vrt thin ssd curved ppc"
    ).split()
)


@lru_cache(maxsize=1)
def terms_by_tag() -> dict[int, frozenset[str]]:
    """Load the terms that PS3.3 lists for each attribute."""
    data = json.loads((DATA / "defined_terms.json").read_text(encoding="utf-8"))
    return {int(tag, 16): frozenset(terms.split("|")) for tag, terms in data["terms"].items()}


@lru_cache(maxsize=1)
def _vocabulary() -> frozenset[str]:
    """Collect the words of all terms, of descriptions and of concepts, in lower case."""
    terms = (term for terms in terms_by_tag().values() for term in terms)
    return concept_words() | MORE_WORDS | frozenset(part.casefold() for term in terms for part in PARTS.split(term))


@lru_cache(maxsize=1)
def _character_sets() -> frozenset[str]:
    """List the defined terms of Specific Character Set (PS3.3 C.12.1.1.2)."""
    from pydicom.charset import python_encoding

    return frozenset(python_encoding)


def is_defined(tag: int, term: str) -> bool:
    """Whether the standard itself lists this term for this attribute: then it means the same for everybody."""
    if tag == CHARACTER_SET:
        return term in _character_sets()
    return term in terms_by_tag().get(tag, frozenset())


@lru_cache(maxsize=8192)
def code_may_stay(tag: int, term: str) -> bool:
    """Whether one code string is a term of the standard or made of words that name nobody."""
    if is_defined(tag, term) or (tag in NUMBERED_TABLES and TABLE_NUMBER.match(term)):
        return True
    return not names_a_number_of_a_person(term) and all(_is_harmless(part) for part in PARTS.split(term) if part)


def _is_harmless(part: str) -> bool:
    word, numbered = part.casefold(), NUMBERED.match(part)
    if len(part) <= SHORT or word in _vocabulary() or is_harmless(word):
        return True
    return numbered is not None and (len(numbered[1]) <= SHORT or numbered[1].casefold() in _vocabulary())
