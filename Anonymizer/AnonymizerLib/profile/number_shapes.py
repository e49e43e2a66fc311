"""Numbers in free text that may be a date, an age, or the number of a person: none of them may stay.

A word list lets small numbers pass (sizes, tube voltages). Put in a row they are dates ("11/06/44"), record numbers
("482-913-075") or telephone numbers ("555 867 530 9"), whatever separates them.
"""

from __future__ import annotations

import re

OLDEST_YEARS = 89  # HIPAA Safe Harbor, 45 CFR 164.514(b)(2)(i)(C): ages over 89 are one category
LONG_NUMBER = 6  # digits that make a row of numbers a record number
_BETWEEN = r"[\s./_,:;'\-\u2010-\u2015]+"
_ROW = re.compile(rf"(?<![\w.])\d{{1,8}}(?:{_BETWEEN}\d{{1,8}})+(?![\w])")
_SMALL_DECIMALS = re.compile(r"^\d{1,3}[.,]\d{1,3}(?:\s+\d{1,3}(?:[.,]\d{1,3})?)*$")
_MONTH_YEAR = re.compile(r"(?<![\d.])(?:0?[1-9]|1[0-2])\s*[/-]\s*\d{2}(?![\d.])")
_DAY_MONTH = re.compile(
    r"(?<![\d.])(?:0?[1-9]|[12]\d|3[01])\s*(?:[/-]\s*(?:0[1-9]|1[0-2])(?![\d.])|\.\s*(?:0?[1-9]|1[0-2])\.(?!\d))"
)
_CLOCK = re.compile(r"(?<![\d.:])(?:[01]?\d|2[0-3]):[0-5]\d(?![\d.])")
# Only months that are listed words: the others are no listed words, and their texts go anyway.
_NAMED_MONTH = re.compile(
    r"(?<!\w)(?:\d{1,2}[\s.,\-/]*(?:mar|may|dec|sept?|okt)[\s.,\-/]*\d{2,4}|(?:mar|may|dec|sept?)[\s.,\-/]+\d{1,4})(?!\w)"
)
_AGE = re.compile(r"(?<!\d)0?(9\d|1[0-3]\d)[\s\-]*(?:y|yo|yr|yrs|year|years|jahre|j|ans|anni)(?![a-z])")
_SEX_AGE = re.compile(r"(?<!\w)(?:[fmw][\s\-/]*0?(?:9\d|1[0-2]\d)|0?(?:9\d|1[0-2]\d)[\s\-/]*[fmw])(?!\w)")
_AGE_AFTER = re.compile(r"\b(?:age|aged|alter)\W*0?(?:9\d|1[0-3]\d)(?!\d)")
_DIGITS = re.compile(r"\d+")


def names_a_number_of_a_person(text: str) -> bool:
    """Whether a text holds what may be a date or time, a record or telephone number, or an age over 89."""
    if not any(letter.isdigit() for letter in text):
        return False
    folded = text.casefold()
    return (
        any(_is_telling(match.group()) for match in _ROW.finditer(folded))
        or _MONTH_YEAR.search(folded) is not None
        or _DAY_MONTH.search(folded) is not None
        or _CLOCK.search(folded) is not None
        or _NAMED_MONTH.search(folded) is not None
        or _SEX_AGE.search(folded) is not None
        or _AGE.search(folded) is not None
        or _AGE_AFTER.search(folded) is not None
    )


def _is_telling(row: str) -> bool:
    """Whether numbers in a row look like a date or are long enough for a record number."""
    if _SMALL_DECIMALS.match(row) and not _is_pointed_date(row):
        return False
    numbers = _DIGITS.findall(row)
    if sum(map(len, numbers)) >= LONG_NUMBER:
        return True
    return any(_is_date(numbers[start : start + 3]) for start in range(len(numbers) - 2))


def _is_pointed_date(row: str) -> bool:
    """Whether decimals are rather a date: "13.07 19" has two digits before and behind the point and a year after."""
    return re.search(r"(?<!\d)\d{2}[.,]\d{2}\s+\d{2}(?!\d)", row) is not None


def _is_date(numbers: list[str]) -> bool:
    """Whether three numbers can be day, month and year in any usual order."""
    first, second, third = numbers
    orders = ((first, second, third), (second, first, third), (third, second, first), (second, third, first))
    return any(
        len(day) <= 2 and len(month) <= 2 and len(year) in (2, 4) and 1 <= int(day) <= 31 and 1 <= int(month) <= 12
        for day, month, year in orders
    )
