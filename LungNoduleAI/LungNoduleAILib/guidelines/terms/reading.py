"""Read what was stated about a nodule or exam: unknown keys and impossible values become one sentence."""

from __future__ import annotations

import difflib
import numbers
from dataclasses import replace
from decimal import Decimal
from typing import Any

from LungNoduleAILib.guidelines.terms import vocabulary
from LungNoduleAILib.guidelines.terms.consistency import contradiction
from LungNoduleAILib.guidelines.terms.inputs import Inputs
from LungNoduleAILib.guidelines.terms.vocabulary import EXAM_KEYS, KEYS, SHARED_KEYS, Key
from ThoraxAILib.errors import InputError

CALCIFIED = "calcified"


def read_inputs(entry: Any) -> Inputs:
    """Check what was stated; raises InputError with one sentence for an unknown key or an impossible value."""
    inputs = _checked(entry)
    if inputs.nodules is not None:
        inputs = replace(inputs, nodules=tuple(_with_shared(nodule, inputs) for nodule in inputs.nodules))
    return inputs


def _with_shared(nodule: Inputs, exam: Inputs) -> Inputs:
    """Return a nodule of a list, with what was stated once for the exam and the person."""
    inherited = {name: getattr(exam, name) for name in SHARED_KEYS if getattr(nodule, name) is None}
    return replace(nodule, **inherited)


def _checked(entry: Any, place: str = "") -> Inputs:
    if not isinstance(entry, dict):
        raise InputError(f"The inputs{place} must be one object with keys and values, {_shown(entry)} was found.")
    values: dict[str, Any] = {}
    for name, value in entry.items():
        key = KEYS.get(name)
        if key is None:
            raise InputError(f"The input {name!r}{place} is not known{_suggestion(str(name), tuple(KEYS))}")
        if place and name in EXAM_KEYS:
            raise InputError(f"The input '{name}'{place} belongs to the exam: state it beside 'nodules'.")
        if value is not None:
            values[name] = _value(key, value, place)
    inputs = Inputs(**_of_calcified(values, place))
    problem = contradiction(inputs)
    if problem:
        raise InputError(problem.format(place=place))
    return inputs


def _of_calcified(values: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a nodule of type calcified, as findings have it, as a solid nodule that is stated to hold calcium."""
    if values.get("prior_type") == CALCIFIED:
        values = {**values, "prior_type": "solid"}
    if values.get("type") != CALCIFIED:
        return values
    if values.get("calcified") is False:
        raise InputError(f"'calcified'{place} is false, which the type calcified contradicts.")
    return {**values, "type": "solid", "calcified": True}


def _suggestion(found: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(found, known, 1, 0.6)
    return f": perhaps '{close[0]}' was meant." if close else f"; known are e.g. {', '.join(known[:4])}."


def _value(key: Key, value: Any, place: str) -> Any:
    if key.kind == vocabulary.NODULES:
        if not isinstance(value, (list, tuple)):
            raise InputError(f"'{key.name}' must be a list of nodules, {_shown(value)} was found.")
        return tuple(_checked(nodule, f" of nodule {number}") for number, nodule in enumerate(value, 1))
    if key.kind in (vocabulary.TEXTS, vocabulary.NUMBERS):
        return _listed(key, value, place)
    if key.kind == vocabulary.YES_NO:
        if not isinstance(value, bool):
            raise InputError(f"'{key.name}'{place} must be true or false, {_shown(value)} was found.")
        return value
    return _chosen(key, value, place) if key.kind == vocabulary.CHOICE else _number(key, value, place)


def _listed(key: Key, value: Any, place: str) -> tuple:
    if not isinstance(value, (list, tuple)):
        raise InputError(f"'{key.name}'{place} must be a {key.kind}, {_shown(value)} was found.")
    if key.kind == vocabulary.NUMBERS:
        return tuple(_number(key, number, place) for number in value)
    if not all(isinstance(text, str) and text.strip() for text in value):
        raise InputError(f"'{key.name}'{place} must be a list of words, {_shown(value)} was found.")
    return tuple(text.strip() for text in value)


def _chosen(key: Key, value: Any, place: str) -> str:
    text = str(value) if key.name == "prior_category" and type(value) is int else value
    if isinstance(text, str):
        if key.name in ("margin", "shape"):
            text = text.strip().lower().replace("-", "_").replace(" ", "_")
        if key.name == "prior_category" and text.endswith("S"):
            text = text[:-1]  # another finding of the earlier exam does not concern the nodule
        if text in key.values:
            return text
    raise InputError(f"'{key.name}'{place} must be one of {', '.join(key.values)}; {_shown(value)} was found.")


def _number(key: Key, value: Any, place: str) -> Decimal | int:
    unit = f" in {key.unit}" if key.unit else ""
    if isinstance(value, bool) or not isinstance(value, (numbers.Real, Decimal)):
        raise InputError(f"'{key.name}'{place} must be a number{unit}, {_shown(value)} was found.")
    number = value if isinstance(value, Decimal) else Decimal(value if isinstance(value, int) else repr(float(value)))
    if not number.is_finite():
        raise InputError(f"'{key.name}'{place} must be a finite number{unit}, {_shown(value)} was found.")
    if number > key.most or number < key.least or (key.above_least and number == key.least):
        least = "more than 0" if key.above_least else f"at least {key.least}"
        raise InputError(
            f"'{key.name}'{place} must be {least} and at most {key.most}{' ' * bool(key.unit)}{key.unit}, "
            f"{_shown(value)} was found."
        )
    if key.kind == vocabulary.WHOLE:
        if number != int(number):
            raise InputError(f"'{key.name}'{place} must be a whole number, {_shown(value)} was found.")
        return int(number)
    return number


def _shown(value: Any) -> str:
    """Return what was found, short enough for a sentence."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
