"""Answer: what a rule says, as it is printed; and Trace, which collects why while the rule is applied."""

from __future__ import annotations

from dataclasses import dataclass, field


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

    def take(self, other: Trace, prefix: str = "") -> None:
        """Add what another trace collected, e.g. of one nodule of an exam."""
        self.reasons += [prefix + reason for reason in other.reasons]
        for choice in other.uncertain:
            self.unsure(prefix + choice)


@dataclass(frozen=True)
class Answer:
    """What ``rule`` says. Fields that do not apply are None.

    ``probability`` lies in 0..1; ``vdt_days`` None with a ``reason`` means that there is no doubling time.
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

    def to_dict(self) -> dict:
        """Return the fields that apply, in the order of the class; ``uncertain`` only when there is something."""
        entry = {
            name: getattr(self, name)
            for name in ("rule", "edition", "category", "management", "probability", "growth", "vdt_days", "reason")
        }
        entry = {name: value for name, value in entry.items() if value is not None}
        if self.reason is not None:
            entry["vdt_days"] = None
        entry["reasons"] = list(self.reasons)
        if self.uncertain:
            entry["uncertain"] = list(self.uncertain)
        return entry
