"""The published definitions of the groups as a baseline that needs no training; several groups where they are open.

A criterion whose feature is not known (an index without height and weight) is open. A group is possible while none of
its criteria fails, and certain when all are met. That the right ventricle is diseased beside a left one that still
works (LV EF above 40 %) is how the other definitions read: a dilated right ventricle with dilated LV stays DCM.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from CardiacBiomechLib.diagnosis.features.catalog import feature_of

FILE = Path(__file__).with_name("group_rules.json")
MET, FAILED, OPEN = "met", "not met", "not known"


@dataclass(frozen=True)
class Criterion:
    """One criterion of a group, its state and the sentence that says so."""

    group: str
    state: str
    sentence: str


@dataclass(frozen=True)
class RuleAnswer:
    """Groups that the definitions leave possible, those whose every criterion is met, and all criteria."""

    possible: tuple[str, ...]
    certain: tuple[str, ...]
    criteria: tuple[Criterion, ...]

    @property
    def told(self) -> str:
        """The answer in words."""
        if not self.possible:
            return "none of the published group definitions fits"
        return f"the published group definitions fit {' or '.join(self.possible)}"


@cache
def definitions() -> dict[str, Any]:
    """Return the content of the table of definitions."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def by_rules(values: Mapping[str, float], sex: str | None = None) -> RuleAnswer:
    """Return what the published definitions say about features by name."""
    possible, certain, told = [], [], []
    for group, criteria in definitions()["groups"].items():
        found = [_criterion(group, item, values, sex) for item in criteria]
        told += found
        states = {one.state for one in found}
        if FAILED not in states:
            possible.append(group)
        if states == {MET}:
            certain.append(group)
    if certain and len(certain) < len(possible):  # what is met outweighs what is only not excluded
        possible = [group for group in possible if group in certain or group == "MINF"]
    if {"DCM", "MINF"} <= set(certain):
        possible = certain = ["DCM", "MINF"]  # contraction by segment decides, for which no number is published
    return RuleAnswer(tuple(possible), tuple(certain), tuple(told))


def limits_of(name: str) -> list[float]:
    """Return the published limits of a feature."""
    found: set[float] = set()
    for criteria in definitions()["groups"].values():
        for item in criteria:
            found |= {_limit(one, None)[1] for one in item.get("any", [item]) if one["feature"] == name}
    return sorted(found)


def _criterion(group: str, item: dict[str, Any], values: Mapping[str, float], sex: str | None) -> Criterion:
    if "any" in item:
        parts = [_criterion(group, one, values, sex) for one in item["any"]]
        states = [part.state for part in parts]
        state = MET if MET in states else OPEN if OPEN in states else FAILED
        return Criterion(group, state, " or ".join(part.sentence for part in parts))
    feature, value = feature_of(item["feature"]), values.get(item["feature"], np.nan)
    side, limit = _limit(item, sex)
    words = f"{feature.text} {side} {feature.told(limit)}"
    if not np.isfinite(value):
        return Criterion(group, OPEN, f"{words} (not known)")
    met = value > limit if side == "above" else value < limit
    return Criterion(group, MET if met else FAILED, f"{words} (found {feature.told(float(value), limit)})")


def _limit(item: dict[str, Any], sex: str | None) -> tuple[str, float]:
    side = "above" if "above" in item else "below"
    return side, float(item["female"] if sex == "female" and "female" in item else item[side])
