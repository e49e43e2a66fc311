"""The time between two exams, from days or months."""

from __future__ import annotations

from decimal import Decimal

from LungNoduleAILib.guidelines.terms.inputs import Inputs
from LungNoduleAILib.guidelines.terms.measures import DAYS_PER_MONTH, whole


def days_between(inputs: Inputs) -> Decimal | None:
    """Days since the prior exam; a month has 30.4375 days."""
    if inputs.days_since_prior is not None:
        return inputs.days_since_prior
    return None if inputs.months_since_prior is None else inputs.months_since_prior * DAYS_PER_MONTH


def whole_months(inputs: Inputs) -> Decimal | None:
    """Months since the prior exam, rounded half up: follow-up is planned in months, exams are some days off."""
    if inputs.months_since_prior is not None:
        return whole(inputs.months_since_prior)
    return None if inputs.days_since_prior is None else whole(inputs.days_since_prior / DAYS_PER_MONTH)
