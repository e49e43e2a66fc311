"""Every input in a list: for the help of the command and for the documentation."""

from __future__ import annotations

import textwrap

from LungNoduleAILib.guidelines.terms import used
from LungNoduleAILib.guidelines.terms.meanings import MEANINGS
from LungNoduleAILib.guidelines.terms.vocabulary import KEYS, NUMBERS, TEXTS, WHOLE, YES_NO, Key

USED_BY = {"L": used.LUNG_RADS, "F": used.FLEISCHNER, "B": used.BTS, "P": used.BROCK, "M": used.MAYO}
LETTERS = "L lung-rads-2022, F fleischner-2017, B bts-2015, P brock (PanCan), M mayo"
NOT_STATED = (
    "An input that is absent is not stated. It is never taken as no in silence: the answer names under 'open' what it "
    "would be with it, and a probability has its range over all that is open."
)
WIDTH = 78


def allowed(key: Key) -> str:
    """Return what may be given: the words of a choice, true or false, or a number with unit and range."""
    if key.values:
        return "|".join(key.values)
    if key.kind == YES_NO:
        return "true|false"
    if key.kind in (TEXTS, NUMBERS):
        return f"{key.kind}{f' in {key.unit}' if key.unit else ''}"
    if not key.most:
        return key.kind
    number = "whole number" if key.kind == WHOLE else "number"
    return f"{number}, {'above' if key.above_least else 'from'} {key.least} to {key.most} {key.unit}".strip()


def rules_of(name: str) -> str:
    """Return the letters of the rules that use an input."""
    return "".join(letter for letter, names in USED_BY.items() if name in names)


def inputs_text() -> str:
    """Return all inputs as lines for a terminal."""
    lines = ["inputs (keys of INPUTS.json), and which rules use them:", *textwrap.wrap(f"  {LETTERS}", WIDTH), ""]
    for key in KEYS.values():
        lines.append(f"  {key.name}  [{rules_of(key.name)}]  {MEANINGS[key.name]}")
        lines += textwrap.wrap(allowed(key), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join([*lines, "", *textwrap.wrap(NOT_STATED, WIDTH)])


def inputs_markdown() -> str:
    """Return all inputs as a table for the documentation."""
    head = ["| Input | Values | Meaning | Rules |", "| --- | --- | --- | --- |"]
    rows = [
        f"| `{key.name}` | {allowed(key).replace('|', ', ')} | {MEANINGS[key.name]} | {rules_of(key.name)} |"
        for key in KEYS.values()
    ]
    return "\n".join([*head, *rows])
