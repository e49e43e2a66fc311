"""What cannot be true together: stated values that contradict one another, told before any rule is asked."""

from __future__ import annotations

from decimal import Decimal

from LungNoduleAILib.guidelines.terms.inputs import Inputs
from LungNoduleAILib.guidelines.terms.measures import DAYS_PER_MONTH
from LungNoduleAILib.guidelines.terms.vocabulary import BENIGN_PATTERNS, MARGINS_WITHOUT_SPICULES

ROUNDING_MM = Decimal("0.1")  # axes and mean may have been rounded apart
_SOLID_WITHIN = (
    ("solid_mean_diameter_mm", "mean_diameter_mm"),
    ("solid_mean_diameter_mm", "long_axis_mm"),
    ("solid_max_diameter_mm", "max_diameter_mm"),
    ("solid_volume_mm3", "volume_mm3"),
)


def contradiction(inputs: Inputs) -> str | None:
    """One sentence (with a ``{place}``) about the first contradiction; None when there is none."""
    return _sizes(inputs) or _words(inputs) or _times(inputs) or _counts(inputs)


def _sizes(inputs: Inputs) -> str | None:
    long, short, mean = inputs.long_axis_mm, inputs.short_axis_mm, inputs.mean_diameter_mm
    if long is not None and short is not None:
        if short > long:
            return f"'short_axis_mm'{{place}} is {short}, longer than 'long_axis_mm' {long}: exchange or correct them."
        if mean is not None and not short - ROUNDING_MM <= mean <= long + ROUNDING_MM:
            return f"'mean_diameter_mm'{{place}} is {mean}, not between the axes {short} and {long}: correct one."
    for part, whole in _SOLID_WITHIN:
        inner, outer = getattr(inputs, part), getattr(inputs, whole)
        if inner is not None and outer is not None and inner > outer:
            return f"'{part}'{{place}} is {inner}, more than '{whole}' {outer}: the solid part lies in the nodule."
    if inputs.type == "ground-glass":
        for part, _ in _SOLID_WITHIN:
            if getattr(inputs, part):
                return (
                    f"'{part}'{{place}} is {getattr(inputs, part)}, but a ground-glass nodule has no solid part: "
                    "state the type part-solid or leave it out."
                )
    return None


def _words(inputs: Inputs) -> str | None:
    stated, pattern = inputs.benign_calcification, inputs.calcification_pattern
    if stated is not None and pattern is not None and stated != (pattern in BENIGN_PATTERNS):
        return f"'benign_calcification'{{place}} is {str(stated).lower()}, which the pattern {pattern} contradicts."
    if inputs.calcified is False and (stated or pattern is not None):
        return "'calcified'{place} is false, which the stated calcification contradicts."
    if inputs.spiculation is False and inputs.margin == "spiculated":
        return "'spiculation'{place} is false, which the margin spiculated contradicts."
    if inputs.spiculation and inputs.margin in MARGINS_WITHOUT_SPICULES:
        return f"'spiculation'{{place}} is true, which the margin {inputs.margin} contradicts."
    if inputs.is_new and inputs.change == "stable":
        return "'change'{place} is stable, but a new nodule ('is_new') has nothing to be stable against."
    return None


def _times(inputs: Inputs) -> str | None:
    months, days = inputs.months_since_prior, inputs.days_since_prior
    if months is not None and days is not None and abs(days - months * DAYS_PER_MONTH) > DAYS_PER_MONTH:
        return f"'months_since_prior'{{place}} is {months} and 'days_since_prior' {days}: state one of them."
    sizes, ages = inputs.diameter_history_mm, inputs.history_months_ago
    if (sizes is None) != (ages is None) or len(sizes or ()) != len(ages or ()):
        return (
            "'diameter_history_mm'{place} and 'history_months_ago' belong together and must be equally long: "
            f"{len(sizes or ())} and {len(ages or ())} values were found."
        )
    if ages and len(set(ages)) != len(ages):
        return "'history_months_ago'{place} names one time twice: give one diameter for each time."
    return None


def _counts(inputs: Inputs) -> str | None:
    if inputs.nodules is not None and inputs.tells_of_a_nodule:
        return "The inputs describe a nodule beside 'nodules'{place}: put every nodule into the list."
    if inputs.nodules is not None and inputs.nodule_count is not None and inputs.nodule_count < len(inputs.nodules):
        return (
            f"'nodule_count' is {inputs.nodule_count}{{place}}, but 'nodules' lists {len(inputs.nodules)}: "
            "correct the count."
        )
    if inputs.nodule_count == 0 and inputs.type is not None:
        return f"'nodule_count'{{place}} is 0, but a nodule of type {inputs.type} is described: correct the count."
    return None
