"""What a value of an option can be, and how it is written as one word of text and as JSON.

``read`` and ``load`` raise ValueError for what is not of the kind; whoever calls them makes the sentence.
"""

from __future__ import annotations

import csv
import math
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One sort of value: ``read``/``write`` one word of text, ``load``/``dump`` JSON, ``fits`` judges a value."""

    what: str
    fits: Callable[[Any], bool]
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    load: Callable[[Any], Any]
    dump: Callable[[Any], Any]


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _loaded(fits: Callable[[Any], bool], make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def load(plain: Any) -> Any:
        if not fits(plain):
            raise ValueError
        return make(plain)

    return load


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _whole_or_finite(text: str) -> int | float:
    number = _finite(text)
    return int(number) if number.is_integer() else number


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _as_is(value: Any) -> Any:
    return value


def _shortest(number: float) -> str:
    """Return the shortest text that reads back as the same number: 5 rather than 5.0."""
    text = repr(float(number))
    return text.removesuffix(".0")


WHOLE = Kind("a whole number", _is_whole, int, lambda value: str(int(value)), _loaded(_is_whole, int), int)
NUMBER = Kind("a number", _is_number, _finite, _shortest, _loaded(_is_number, float), float)
WHOLE_OR_NUMBER = Kind("a number", _is_number, _whole_or_finite, str, _loaded(_is_number, _as_is), _as_is)
TEXT = Kind("a text", _is_text, str, str, _loaded(_is_text, str), str)
PATH = Kind("a path", lambda value: isinstance(value, Path), Path, str, _loaded(_is_text, Path), str)
DATE = Kind(
    "a date as YYYY-MM-DD",
    lambda value: type(value) is date,
    date.fromisoformat,
    date.isoformat,
    _loaded(_is_text, date.fromisoformat),
    date.isoformat,
)


def yes_no(words: tuple[str, str]) -> Kind:
    """Return true or false; in text the first word or the second."""

    def read(text: str) -> bool:
        if text not in words:
            raise ValueError
        return text == words[0]

    def fits(value: Any) -> bool:
        return isinstance(value, bool)

    return Kind(" or ".join(words), fits, read, lambda value: words[not value], _loaded(fits, bool), bool)


def row(kinds: Sequence[Kind]) -> Kind:
    """Return a tuple of a fixed length; in text its parts with commas between them."""

    def each(values: Sequence[Any], way: str) -> tuple:
        if len(values) != len(kinds):
            raise ValueError
        return tuple(getattr(kind, way)(value) for kind, value in zip(kinds, values, strict=True))

    def fits(value: Any) -> bool:
        return isinstance(value, tuple) and len(value) == len(kinds) and all(each(value, "fits"))

    def load(plain: Any) -> tuple:
        if not isinstance(plain, (list, tuple)):
            raise ValueError
        return each(plain, "load")

    return Kind(
        f"{len(kinds)} values with commas between them",
        fits,
        lambda text: each(split_line(text), "read"),
        lambda value: joined_line(each(value, "write")),
        load,
        lambda value: list(each(value, "dump")),
    )


def split_line(text: str) -> list[str]:
    """Return the cells of one line of CSV."""
    return next(csv.reader([text], strict=True), []) if text else []


def joined_line(cells: Sequence[str]) -> str:
    """One line of CSV; a word of a command line, never a table that somebody opens."""
    return ",".join(_quoted(cell) for cell in cells) if list(cells) != [""] else '""'


def _quoted(cell: str) -> str:
    special = any(sign in cell for sign in ',"\r\n')
    return '"' + cell.replace('"', '""') + '"' if special else cell


SIMPLE: dict[Any, Kind] = {
    int: WHOLE,
    float: NUMBER,
    int | float: WHOLE_OR_NUMBER,
    str: TEXT,
    Path: PATH,
    date: DATE,
}
