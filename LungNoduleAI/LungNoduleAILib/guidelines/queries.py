"""The quantities that can be asked for alone: whether a nodule grew as a guideline means it, and its doubling time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from LungNoduleAILib.guidelines.lung_rads.sizes import mean_diameter_mm
from LungNoduleAILib.guidelines.tables import bts_2015
from LungNoduleAILib.guidelines.terms.answer import Answer, Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.interval import days_between
from LungNoduleAILib.guidelines.terms.measures import doubling_time_days, doubling_time_days_of_diameters
from ThoraxAILib.errors import InputError

EXPONENTIAL = "exponential growth"  # the assumption behind every doubling time
Growth = Callable[[Inputs, Trace], str | None]


@dataclass(frozen=True)
class DoublingTime:
    """``days`` is None where the nodule did not grow; ``sentence`` names values, interval and formula."""

    days: float | None
    sentence: str

    @property
    def rounded(self) -> float | None:
        """To a tenth of a day, as it is printed."""
        return None if self.days is None else round(self.days, 1)


def doubling_time(inputs: Inputs, max_diameters_first: bool = False) -> DoublingTime:
    """Of the volumes, else of the diameters; raises MissingInput without two sizes and the time between."""
    days = days_between(inputs)
    if days is None:
        raise MissingInput(
            "The doubling time needs the time between the exams: state 'days_since_prior' or 'months_since_prior'.",
            "days_since_prior",
        )
    if inputs.method != "diameter" and inputs.volume_mm3 is not None and inputs.prior_volume_mm3 is not None:
        return _described("volume", "mm3", inputs.prior_volume_mm3, inputs.volume_mm3, days)
    pairs = diameter_pairs(inputs)
    if not pairs:
        raise MissingInput(
            "The doubling time needs two sizes: state 'volume_mm3' and 'prior_volume_mm3', or a "
            "diameter and its prior.",
            "prior_volume_mm3",
        )
    name, before, now = pairs[-1] if max_diameters_first else pairs[0]
    return _described(name, "mm", before, now, days)


def diameter_pairs(inputs: Inputs) -> list[tuple[str, Decimal, Decimal]]:
    """(name, prior, current) of mean and maximum diameter, where both times are known."""
    largest = inputs.max_diameter_mm or inputs.long_axis_mm
    pairs = (
        ("mean diameter", inputs.prior_mean_diameter_mm, mean_diameter_mm(inputs)),
        ("maximum diameter", inputs.prior_max_diameter_mm, largest),
    )
    return [(name, before, now) for name, before, now in pairs if before is not None and now is not None]


def _described(name: str, unit: str, before: Decimal, now: Decimal, days: Decimal) -> DoublingTime:
    formula = doubling_time_days if unit == "mm3" else doubling_time_days_of_diameters
    value = formula(float(before), float(now), float(days))
    change = f"The {name} went from {before} to {now} {unit} in {days.normalize():f} days"
    if value is None:
        return DoublingTime(None, f"{change}: stable or regressing, so there is no doubling time")
    words = "t ln 2 / ln(V2/V1)" if unit == "mm3" else "t ln 2 / (3 ln(d2/d1))"
    return DoublingTime(value, f"{change}: doubling time {words} = {value:.1f} days")


def answer_query(rule: str, edition: str, inputs: Inputs, growth: Growth | None, trace: Trace) -> Answer:
    """Return the answer to 'growth' or 'vdt_days'; raises InputError where the rule has no growth."""
    if inputs.nodules is not None:
        raise InputError(f"'query' {inputs.query} is about one nodule: leave out 'nodules' and describe that nodule.")
    if inputs.query == "vdt_days":
        time = doubling_time(inputs, max_diameters_first=rule == bts_2015.RULE)
        trace.because(time.sentence, EXPONENTIAL)
        reason = time.sentence + "." if time.days is None else None
        return Answer(rule, edition, vdt_days=time.rounded, reason=reason, reasons=tuple(trace.reasons))
    if growth is None:
        raise InputError(f"The rule {rule} says nothing about growth: ask lung-rads-2022, fleischner-2017 or bts-2015.")
    found = growth(inputs, trace)
    if found is None:
        raise MissingInput(
            "Growth needs two sizes: state a size now and its prior, or 'change'.", "prior_mean_diameter_mm"
        )
    return Answer(rule, edition, growth=found, reasons=tuple(trace.reasons), uncertain=tuple(trace.uncertain))
