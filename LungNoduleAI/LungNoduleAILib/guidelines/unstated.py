"""What nobody stated and what it would change: every input that a rule uses and that is open is tried with its values.

No rule may take what was not stated as a "no" without saying so. Instead of trusting each branch of each rule to say
it, the rule is asked again with every value that an open input can have (one at a time, and the few combinations that
only together mean something); whatever changes the answer is named in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import Any

from LungNoduleAILib.guidelines.terms import vocabulary
from LungNoduleAILib.guidelines.terms.answer import Answer, Open
from LungNoduleAILib.guidelines.terms.consistency import contradiction
from LungNoduleAILib.guidelines.terms.inputs import Inputs
from LungNoduleAILib.guidelines.terms.meanings import PHRASES
from LungNoduleAILib.guidelines.terms.vocabulary import EXAM_KEYS, KEYS, SHARED_KEYS
from ThoraxAILib.errors import InputError

# How to ask, not what is so; and other measures of a size that is stated, of which the reason names the one it used
INSTRUCTIONS = ("query", "model", "method")
SIZES = ("mean_diameter_mm", "long_axis_mm", "short_axis_mm", "max_diameter_mm", "diameter_mm", "volume_mm3")
SIZES_OF_SOLID_PART = ("solid_mean_diameter_mm", "solid_max_diameter_mm", "solid_volume_mm3")
NOT_TRIED = (*INSTRUCTIONS, *SIZES, *SIZES_OF_SOLID_PART, "nodules", "diameter_history_mm", "history_months_ago")
MAX_TOGETHER = 6  # open yes/no inputs of a risk model: 64 combinations
_NUMBERS: dict[str, tuple[str, ...]] = {  # one value in every cell that the rules tell apart
    "prior_mean_diameter_mm": ("1", "200"),
    "prior_max_diameter_mm": ("1", "200"),
    "prior_volume_mm3": ("1", "1000000"),
    "prior_solid_mean_diameter_mm": ("0", "1", "200"),
    "wall_thickness_mm": ("1", "3"),
    "months_since_prior": ("1", "3", "6", "12", "24", "120", "1200"),
    "days_since_prior": ("30", "91", "183", "365", "730", "3650", "36500"),
    "age": ("16", "30", "60"),
    "brock_percent": ("5", "50"),
    "herder_percent": ("5", "50", "90"),
    "nodule_count": ("2", "10"),
    "new_nodule_count": ("1", "7"),
}
# What changes an answer only together, and the words for it
TOGETHER: dict[str, dict[str, Any]] = {
    "smooth oval nodule at the pleura": {"juxtapleural": True, "margin": "smooth", "shape": "oval"},
    "smooth lentiform nodule at the pleura": {"juxtapleural": True, "margin": "smooth", "shape": "lentiform"},
    "new nodule and suppressed immune system": {"is_new": True, "immunosuppressed": True},
    "stability at the CT of 3 months": {"stage": "ct_3m", "change": "stable"},
    "growth at the CT of 3 months": {"stage": "ct_3m", "change": "growing"},
    "stability at the CT of 12 months": {"stage": "ct_12m", "change": "stable"},
    "4A at the last exam, stable": {"prior_category": "4A", "change": "stable"},
    "3 at the last exam, stable": {"prior_category": "3", "change": "stable"},
}


@dataclass(frozen=True)
class _Try:
    words: str
    values: dict[str, Any]
    nodule: int | None = None


def with_open_inputs(
    apply: Callable[[Inputs], Answer], uses: tuple[str, ...], inputs: Inputs, each_nodule: bool = True
) -> Answer:
    """Return the rule's answer with everything named that was not stated and would change it.

    A probability also gets the range over all open yes/no inputs together. ``each_nodule`` False leaves out what is
    open of the nodules of a list: whoever asks for each of them learns it there.
    """
    answer = apply(inputs)
    opened = [] if inputs.query is not None else _changes(apply, uses, inputs, answer, each_nodule)
    spread = None if answer.probability is None else _spread(apply, opened, inputs, answer.probability)
    return replace(answer, open=tuple(opened), probability_range=spread)


def _changes(
    apply: Callable[[Inputs], Answer], uses: tuple[str, ...], inputs: Inputs, answer: Answer, each_nodule: bool
) -> list[Open]:
    found: list[Open] = []
    for attempt, changed in _attempts(uses, inputs, each_nodule):
        try:
            other = apply(changed)
        except InputError:  # then it is another question, which asks for more
            continue
        if _outcome(other) != _outcome(answer) and not _is_told(found, attempt, other):
            found.append(
                Open(
                    attempt.words,
                    tuple(attempt.values.items()),
                    attempt.nodule,
                    other.category,
                    other.management,
                    other.probability,
                )
            )
    return found


def _is_told(found: list[Open], attempt: _Try, other: Answer) -> bool:
    """Whether a part of a combination alone was found to give the same answer."""
    return len(attempt.values) > 1 and any(
        one.nodule == attempt.nodule
        and dict(one.values).items() <= attempt.values.items()
        and (one.category, one.management) == (other.category, other.management)
        for one in found
    )


def _attempts(uses: tuple[str, ...], inputs: Inputs, each_nodule: bool) -> Iterator[tuple[_Try, Inputs]]:
    """Yield what can be tried, with the inputs as they would be; in an exam with a list, each of its nodules too."""
    for attempt in _tries(uses, inputs):
        changed = _stated(inputs, attempt.values)
        if changed is not None:
            yield attempt, changed
    listed = (inputs.nodules or ()) if each_nodule else ()
    for number, nodule in enumerate(listed):
        for attempt in _tries(tuple(key for key in uses if key not in (*EXAM_KEYS, *SHARED_KEYS)), nodule):
            one = _stated(nodule, attempt.values)
            if one is not None:
                exam = replace(inputs, nodules=(*listed[:number], one, *listed[number + 1 :]))
                yield replace(attempt, nodule=number + 1), exam


def _tries(uses: tuple[str, ...], inputs: Inputs) -> Iterator[_Try]:
    in_exam = inputs.nodules is not None
    for name in uses:
        if name in NOT_TRIED or getattr(inputs, name) is not None:
            continue
        if in_exam and name not in (*EXAM_KEYS, *SHARED_KEYS):
            continue  # stated of each nodule
        for value in values_of(name):
            yield _Try(words_for(name, value), {name: value})
    for words, values in TOGETHER.items():
        of_nodule = any(name not in (*EXAM_KEYS, *SHARED_KEYS) for name in values)
        if of_nodule and in_exam:
            continue
        if all(name in uses and getattr(inputs, name) in (None, value) for name, value in values.items()):
            yield _Try(words, {name: value for name, value in values.items() if getattr(inputs, name) is None})


def _stated(inputs: Inputs, values: dict[str, Any]) -> Inputs | None:
    """Return the inputs with more stated; None where that would contradict what is."""
    changed = replace(inputs, **values)
    if changed.nodules is not None:
        shared = {name: value for name, value in values.items() if name in SHARED_KEYS}
        listed = tuple(
            replace(nodule, **{name: value for name, value in shared.items() if getattr(nodule, name) is None})
            for nodule in changed.nodules
        )
        changed = replace(changed, nodules=listed)
    return None if contradiction(changed) else changed


def values_of(name: str) -> tuple[Any, ...]:
    """Return every value of a yes/no input or a choice, one number per cell, or an example of a list of words."""
    key = KEYS[name]
    if key.kind == vocabulary.YES_NO:
        return (True, False)
    if key.kind == vocabulary.CHOICE:
        return tuple(value for value in key.values if value != "calcified")
    if key.kind == vocabulary.TEXTS:
        return (("suspicious",),)
    numbers = (Decimal(number) for number in _NUMBERS[name])
    return tuple(int(number) if key.kind == vocabulary.WHOLE else number for number in numbers)


def words_for(name: str, value: Any) -> str:
    """Return 'spiculation', 'no emphysema' or 'margin spiculated': a value in words."""
    key = KEYS[name]
    plain = name.replace("_", " ")
    if key.kind == vocabulary.YES_NO:
        return PHRASES[name][0 if value else 1]
    if key.kind == vocabulary.TEXTS:
        return plain
    if key.kind == vocabulary.CHOICE:
        return f"{plain} {value.replace('_', ' ')}"
    for unit in ("mm3", "mm", "percent"):
        plain = plain.removesuffix(f" {unit}")
    unit = {"percent": " %", "": ""}.get(key.unit, f" {key.unit}")
    return f"{plain} e.g. {value}{unit}"


def _outcome(answer: Answer) -> tuple:
    probability = None if answer.probability is None else round(answer.probability, 9)
    return answer.category, answer.management, probability


def _spread(
    apply: Callable[[Inputs], Answer], opened: list[Open], inputs: Inputs, probability: float
) -> tuple[float, float] | None:
    """Return the least and the greatest probability over all combinations of the open yes/no inputs; None without."""
    names = {name for one in opened for name, _ in one.values if KEYS[name].kind == vocabulary.YES_NO}
    if not names:
        return None
    found = [probability]
    for values in product((False, True), repeat=min(len(names), MAX_TOGETHER)):
        changed = _stated(inputs, dict(zip(sorted(names), values, strict=False)))
        if changed is not None:
            found.append(known_probability(apply(changed)))
    return min(found), max(found)


def known_probability(answer: Answer) -> float:
    """Return the probability of an answer that has one."""
    if answer.probability is None:
        raise ValueError(f"{answer.rule} gave no probability")
    return answer.probability
