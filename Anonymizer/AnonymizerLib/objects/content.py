"""Structured content under the Clean Structured Content option (PS3.15 E.3.4): items stay, what identifies goes.

Persons are dropped, texts stay only when the word list clears them, concepts that hold an identifier by their
meaning are emptied whatever they contain. Codes and measurements stay; dates, UIDs and references follow their own
rules when the walk goes through the items.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from AnonymizerLib.objects.element import Original, Place, encodings_of, raw_text, raw_value, set_raw_value
from AnonymizerLib.profile.number_shapes import OLDEST_YEARS
from AnonymizerLib.profile.words import may_stay

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
CODE_VALUE, CODING_SCHEME, MEANING = 0x00080100, 0x00080102, 0x00080104
DATE_TIME, DATE, MEASURED_VALUE, UNITS = 0x0040A120, 0x0040A121, 0x0040A300, 0x004008EA
NUMERIC_VALUE, OTHER_NUMBERS = 0x0040A30A, (0x0040A161, 0x0040A162, 0x0040A163)
# The same concepts in other schemes: (scheme, code)
BIRTH_DATES = frozenset({("DCM", "121031"), ("LN", "21112-8"), ("SCT", "184099003")})
AGES = frozenset(
    {
        ("DCM", "121033"),
        ("LN", "30525-0"),
        ("LN", "21611-9"),
        ("LN", "21612-7"),
        ("LN", "29553-5"),
        ("SCT", "397669002"),
        ("SCT", "424144002"),
    }
)
BIRTH = re.compile(r"\b(date of birth|birth ?date|birth ?day|born|geburtsdatum|dob)\b")
AGE = re.compile(r"(?<!gestational )\b(age|patient age|subject age|alter)\b")
UNITS_PER_YEAR = {"a": 1, "year": 1, "mo": 12, "wk": 52, "d": 365, "h": 8760}
YEARS = ("a", "year")
CAPPED_YEARS = OLDEST_YEARS + 1


def concept_of(item: Dataset) -> tuple[str, str]:
    """Read scheme and code of the concept name of a content item; empty when it has none."""
    names = item[CONCEPT_NAME].value if CONCEPT_NAME in item else None
    if not names:
        return "", ""
    return raw_text(names[0], CODING_SCHEME, ["ascii"]), raw_text(names[0], CODE_VALUE, ["ascii"])


def clean_items(items: list[Dataset], place: Place) -> tuple[list[Dataset], int]:
    """Return the content items that stay, their text cleaned in place, and how many were dropped or changed.

    What was taken out is noted in the outcome of ``place``.
    """
    kept, changed = [], 0
    for item in items:
        encodings = encodings_of(item, place.encodings)
        dropped = _dropped(item, encodings)
        if dropped is not None:
            place.outcome.originals += dropped
            changed += 1
            continue
        changed += _clean_text(item, encodings, place) + _cap_age(item)
        kept.append(item)
    return kept, changed


def _dropped(item: Dataset, encodings: list[str]) -> list[Original] | None:
    """Return what an item held that goes as a whole, a person or a date of birth; None for one that stays.

    A birth date that moves with the study date would still give the exact age.
    """
    kind = raw_text(item, VALUE_TYPE, ["ascii"])
    if kind == "PNAME":
        return [Original(PERSON_NAME, "PN", raw_value(item, PERSON_NAME) or b"")]
    if kind != "CONTAINER" and (concept_of(item) in BIRTH_DATES or BIRTH.search(_meaning(item, encodings))):
        held = ((DATE, "DA"), (DATE_TIME, "DT"), (TEXT_VALUE, "UT"))
        return [Original(tag, vr, raw_value(item, tag) or b"") for tag, vr in held if tag in item]
    return None


def _clean_text(item: Dataset, encodings: list[str], place: Place) -> bool:
    text = raw_text(item, TEXT_VALUE, encodings)
    scheme, code = concept_of(item)
    is_identifying = scheme == "DCM" and code in IDENTIFYING_CONCEPTS
    if not text or not (is_identifying or not may_stay(text) or place.names_somebody(text)):
        return False
    place.outcome.originals.append(Original(TEXT_VALUE, "UT", raw_value(item, TEXT_VALUE) or b""))
    if raw_value(item, TEXT_VALUE) == REMOVED:
        return False
    set_raw_value(item, TEXT_VALUE, REMOVED)
    return True


def _cap_age(item: Dataset) -> bool:
    """Make an age over 89 one of 90, in whatever unit it is measured; other forms of the number go."""
    if raw_text(item, VALUE_TYPE, ["ascii"]) != "NUM":
        return False
    changed, is_age = False, _is_age(item)
    for measured in (item[MEASURED_VALUE].value or ()) if MEASURED_VALUE in item else ():
        unit = _unit(measured)
        if not is_age and unit not in YEARS:  # so many years are an age, whatever they are called
            continue
        per_year = UNITS_PER_YEAR.get(unit, 1)
        try:
            number = float(raw_text(measured, NUMERIC_VALUE, ["ascii"]) or "nan")
        except ValueError:
            number = float("inf")
        if number <= OLDEST_YEARS * per_year + (per_year - 1) or number == CAPPED_YEARS * per_year:
            continue
        capped = str(CAPPED_YEARS * per_year).encode("ascii")
        capped += b" " * (len(capped) % 2)
        for tag in OTHER_NUMBERS:
            if tag in measured:
                del measured[tag]
        if NUMERIC_VALUE in measured:
            measured[NUMERIC_VALUE] = measured.get_item(NUMERIC_VALUE)._replace(value=capped, length=len(capped))
        changed = True
    return changed


def _is_age(item: Dataset) -> bool:
    return concept_of(item) in AGES or AGE.search(_meaning(item, ["iso8859"])) is not None


def _meaning(item: Dataset, encodings: list[str]) -> str:
    names = item[CONCEPT_NAME].value if CONCEPT_NAME in item else None
    return raw_text(names[0], MEANING, encodings).casefold() if names else ""


def _unit(measured: Dataset) -> str:
    units = measured[UNITS].value if UNITS in measured else None
    return raw_text(units[0], CODE_VALUE, ["ascii"]) if units else ""
