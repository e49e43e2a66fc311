"""Inputs: what was stated about one nodule or exam, checked, with lengths as decimals so that boundaries are exact."""

from __future__ import annotations

import difflib
import numbers
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from LungNoduleAILib.guidelines.terms import vocabulary
from LungNoduleAILib.guidelines.terms.consistency import contradiction
from LungNoduleAILib.guidelines.terms.vocabulary import EXAM_KEYS, KEYS, NODULE_KEYS, SHARED_KEYS, Key
from ThoraxAILib.errors import InputError


class MissingInput(InputError):
    """A rule needs something that was not stated; ``keys`` name what would do."""

    def __init__(self, sentence: str, *keys: str) -> None:
        super().__init__(sentence)
        self.keys = keys


@dataclass(frozen=True)
class Inputs:
    """Everything that can be stated, units in the names, None where nothing was stated; see vocabulary.py."""

    exam: str | None = None
    type: str | None = None
    mean_diameter_mm: Decimal | None = None
    long_axis_mm: Decimal | None = None
    short_axis_mm: Decimal | None = None
    max_diameter_mm: Decimal | None = None
    diameter_mm: Decimal | None = None
    volume_mm3: Decimal | None = None
    solid_mean_diameter_mm: Decimal | None = None
    solid_max_diameter_mm: Decimal | None = None
    solid_volume_mm3: Decimal | None = None
    is_new: bool | None = None
    prior_mean_diameter_mm: Decimal | None = None
    prior_max_diameter_mm: Decimal | None = None
    prior_volume_mm3: Decimal | None = None
    prior_solid_mean_diameter_mm: Decimal | None = None
    prior_type: str | None = None
    prior_category: str | None = None
    months_since_prior: Decimal | None = None
    days_since_prior: Decimal | None = None
    diameter_history_mm: tuple[Decimal, ...] | None = None
    history_months_ago: tuple[Decimal, ...] | None = None
    slow_growth_over_multiple_exams: bool | None = None
    proven_benign: bool | None = None
    benign_calcification: bool | None = None
    calcification_pattern: str | None = None
    fat_containing: bool | None = None
    margin: str | None = None
    shape: str | None = None
    juxtapleural: bool | None = None
    perifissural: bool | None = None
    spiculation: bool | None = None
    suspicious_features: tuple[str, ...] | None = None
    airway_level: str | None = None
    multiple_tubular: bool | None = None
    cyst_locules: str | None = None
    prior_cyst_locules: str | None = None
    wall_thickness_mm: Decimal | None = None
    cavitary: bool | None = None
    change: str | None = None
    prior_exam_pending: bool | None = None
    lungs_fully_evaluable: bool | None = None
    new_nodule_count: int | None = None
    suspected_infection: bool | None = None
    nodule_count: int | None = None
    nodules: tuple[Inputs, ...] | None = None
    significant_other_finding: bool | None = None
    age: Decimal | None = None
    sex: str | None = None
    cancer_history: bool | None = None
    immunosuppressed: bool | None = None
    risk: str | None = None
    multiple: bool | None = None
    smoker_ever: bool | None = None
    extrathoracic_cancer_over_5y_ago: bool | None = None
    family_history_lung_cancer: bool | None = None
    emphysema: bool | None = None
    upper_lobe: bool | None = None
    stage: str | None = None
    method: str | None = None
    brock_percent: Decimal | None = None
    herder_percent: Decimal | None = None
    query: str | None = None
    model: str | None = None

    @staticmethod
    def from_dict(entry: Any) -> Inputs:
        """Check what was stated; raises InputError with one sentence for an unknown key or an impossible value."""
        inputs = _checked(entry)
        if inputs.nodules is not None:
            inputs = replace(inputs, nodules=tuple(_with_shared(nodule, inputs) for nodule in inputs.nodules))
        return inputs

    @property
    def tells_of_a_nodule(self) -> bool:
        """Whether anything is stated about a nodule, apart from a list of nodules."""
        return any(getattr(self, name) is not None for name in NODULE_KEYS)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is stated."""
        return all(getattr(self, field.name) is None for field in fields(self))


def _with_shared(nodule: Inputs, exam: Inputs) -> Inputs:
    """A nodule of a list, with what was stated once for the exam and the person."""
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
    inputs = Inputs(**values)
    problem = contradiction(inputs)
    if problem:
        raise InputError(problem.format(place=place))
    return inputs


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
        raise InputError(f"'{key.name}'{place} must be {least} and at most {key.most}{' ' * bool(key.unit)}{key.unit}, "
                         f"{_shown(value)} was found.")
    if key.kind == vocabulary.WHOLE:
        if number != int(number):
            raise InputError(f"'{key.name}'{place} must be a whole number, {_shown(value)} was found.")
        return int(number)
    return number


def _shown(value: Any) -> str:
    """What was found, short enough for a sentence."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
