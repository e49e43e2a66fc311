"""Structured content under the Clean Structured Content option (PS3.15 E.3.4): items stay, what identifies goes.

Persons are dropped, texts stay only when the word list clears them, concepts that hold an identifier by their
meaning are emptied whatever they contain. Codes and measurements stay; dates, UIDs and references follow their own
rules when the walk goes through the items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from AnonymizerLib.objects.element import Original, Place, encodings_of, raw_text, raw_value

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Concepts (scheme DCM, PS3.16 TID 1002-1010, 1600, 10001) that name a person, a place, a device or an order.
IDENTIFYING_CONCEPTS = frozenset(
    {
        "121008",
        "121009",
        "121010",
        "121011",
        "121013",
        "121014",
        "121015",
        "121016",
        "121017",
        "121018",
        "121019",
        "121020",
        "121022",
        "121029",
        "121030",
        "121031",
        "121032",
        "121034",
        "121035",
        "121036",
        "121037",
        "121038",
        "121039",
        "121041",
        "121042",
        "121053",
        "121067",
        "121088",
        "121089",
        "121106",
        "121173",
        "122004",
        "122029",
        "122182",
        "122183",
        "128426",
        "128429",
        "128774",
        "113870",
        "113871",
        "113872",
        "113873",
        "113877",
        "113878",
        "113879",
        "113880",
    }
)
REMOVED = b"REMOVED "
PERSON_NAME, TEXT_VALUE, VALUE_TYPE, CONCEPT_NAME = 0x0040A123, 0x0040A160, 0x0040A040, 0x0040A043
CODE_VALUE, CODING_SCHEME = 0x00080100, 0x00080102


def concept_of(item: Dataset) -> str:
    """The DCM code of the concept name of a content item; empty when it has none."""
    names = item[CONCEPT_NAME].value if CONCEPT_NAME in item else None
    if not names or raw_text(names[0], CODING_SCHEME, ["ascii"]) != "DCM":
        return ""
    return raw_text(names[0], CODE_VALUE, ["ascii"])


def clean_items(items: list[Dataset], may_stay: Callable[[str], bool], place: Place) -> tuple[list[Dataset], int]:
    """The content items that stay, their text cleaned in place, and how many were dropped or emptied.

    What was taken out is noted in the outcome of ``place``.
    """
    kept, changed = [], 0
    originals = place.outcome.originals
    for item in items:
        if raw_text(item, VALUE_TYPE, ["ascii"]) == "PNAME":
            originals.append(Original(PERSON_NAME, "PN", raw_value(item, PERSON_NAME) or b""))
            changed += 1
            continue
        text = raw_text(item, TEXT_VALUE, encodings_of(item, place.encodings))
        if text and (concept_of(item) in IDENTIFYING_CONCEPTS or not may_stay(text)):
            originals.append(Original(TEXT_VALUE, "UT", raw_value(item, TEXT_VALUE) or b""))
            item[TEXT_VALUE] = item.get_item(TEXT_VALUE)._replace(value=REMOVED, length=len(REMOVED))
            changed += 1
        kept.append(item)
    return kept, changed
