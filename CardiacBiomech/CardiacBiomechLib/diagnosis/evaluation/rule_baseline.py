"""How far the published group definitions come without learning anything, on the same rows as the models.

Where an index needs a body surface that a table does not hold its criterion is open, and several groups stay possible:
the rules are right when they leave the true group alone, and not wrong when it is among those they leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.diagnosis.explanation.rules import by_rules, definitions
from CardiacBiomechLib.diagnosis.features.table import FeatureTable


@dataclass(frozen=True)
class RuleBaseline:
    """Of ``rows`` studies: how many got the true group alone, among others, or none at all; groups left on average."""

    rows: int
    right: int
    among: int
    none: int
    mean_groups: float
    open_criteria: tuple[str, ...]


def rule_baseline(table: FeatureTable) -> RuleBaseline | None:
    """Return what the definitions say about a labeled table; None where its groups are not theirs."""
    if table.groups is None or not set(table.groups) <= set(definitions()["groups"]):
        return None
    answers = []
    for row in table.values:
        known = {name: float(value) for name, value in zip(table.features, row, strict=True) if np.isfinite(value)}
        answers.append(by_rules(known).possible)
    right = sum(answer == (group,) for answer, group in zip(answers, table.groups, strict=True))
    among = sum(group in answer for answer, group in zip(answers, table.groups, strict=True))
    none = sum(not answer for answer in answers)
    lacking = sorted(_features_of_rules() - set(table.features))
    return RuleBaseline(
        len(answers), right, among, none, float(np.mean([len(answer) for answer in answers])), tuple(lacking)
    )


def _features_of_rules() -> set[str]:
    criteria = [item for group in definitions()["groups"].values() for item in group]
    return {one["feature"] for item in criteria for one in item.get("any", [item])}
