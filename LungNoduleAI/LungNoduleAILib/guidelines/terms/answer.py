"""Answer: what a rule says, as it is printed; and Trace, which collects why while the rule is applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


class Trace:
    """The reasons, and the choices made where sources conflict or something was not stated, in order."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.reasons: list[str] = []
        self.uncertain: list[str] = []

    def because(self, sentence: str, source: str = "") -> None:
        """Note a reason with its source behind it (the rule's own when empty)."""
        self.reasons.append(f"{sentence} ({source or self._source}).")

    def unsure(self, sentence: str) -> None:
        """Note a choice, once."""
        if sentence not in self.uncertain:
            self.uncertain.append(sentence)

    def take(self, told: Told, prefix: str = "") -> None:
        """Add what another trace collected, e.g. of one nodule of an exam."""
        self.reasons += [prefix + reason for reason in told.reasons]
        for choice in told.uncertain:
            self.unsure(prefix + choice)

    def told(self, answer: str) -> Told:
        """Return an answer with what was collected, unchangeable, so that it can be kept."""
        return Told(answer, tuple(self.reasons), tuple(self.uncertain))


@dataclass(frozen=True)
class Told:
    """The answer for one nodule of a list, and why."""

    answer: str
    reasons: tuple[str, ...]
    uncertain: tuple[str, ...]


@dataclass(frozen=True)
class Open:
    """Something that nobody stated: ``values`` (input, value), ``words`` for them, and what the answer would be.

    ``nodule`` is the number of the nodule of a list that they are about.
    """

    words: str
    values: tuple[tuple[str, Any], ...]
    nodule: int | None = None
    category: str | None = None
    management: str | None = None
    probability: float | None = None

    def to_dict(self) -> dict:
        """Return the inputs with their values, and the answer that they would give."""
        answer = {
            "nodule": self.nodule,
            "category": self.category,
            "management": self.management,
            "probability": self.probability,
        }
        stated = {name: _plain(value) for name, value in self.values}
        return {"if": self.words, "inputs": stated, **{k: v for k, v in answer.items() if v is not None}}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Answer:
    """What ``rule`` says. Fields that do not apply are None.

    ``open`` names what was not stated and would change the answer, and to what. ``probability`` lies in 0..1, with the
    open yes/no inputs taken as no; ``probability_range`` is its range over their values, None where nothing is open.
    ``vdt_days`` None with a ``reason`` means that there is no doubling time.
    """

    rule: str
    edition: str
    category: str | None = None
    management: str | None = None
    probability: float | None = None
    growth: str | None = None
    vdt_days: float | None = None
    reason: str | None = None
    reasons: tuple[str, ...] = field(default=())
    uncertain: tuple[str, ...] = field(default=())
    open: tuple[Open, ...] = field(default=())
    probability_range: tuple[float, float] | None = None

    def to_dict(self) -> dict:
        """Return the fields that apply, in the order of the class; ``uncertain`` and ``open`` only when there is
        something."""
        entry = {
            name: getattr(self, name)
            for name in ("rule", "edition", "category", "management", "probability", "growth", "vdt_days", "reason")
        }
        entry = {name: value for name, value in entry.items() if value is not None}
        if self.reason is not None:
            entry["vdt_days"] = None
        if self.probability_range is not None:
            entry["probability_range"] = list(self.probability_range)
        entry["reasons"] = list(self.reasons)
        if self.uncertain:
            entry["uncertain"] = list(self.uncertain)
        if self.open:
            entry["open"] = [one.to_dict() for one in self.open]
        return entry
