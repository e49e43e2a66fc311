"""Everything a person is told about one answer: probabilities, set, contributions in words, changes, cases, rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from CardiacBiomechLib.diagnosis.explanation.changes import Change, smallest_change
from CardiacBiomechLib.diagnosis.explanation.contributions import Contributions, contributions
from CardiacBiomechLib.diagnosis.explanation.rules import RuleAnswer, by_rules, definitions, limits_of
from CardiacBiomechLib.diagnosis.features.catalog import UNKNOWN_UNIT, Feature
from CardiacBiomechLib.diagnosis.models.model import DiagnosisModel

SCHEMA = "thoraxai.cardiac-diagnosis/1"
NEAREST_CASES = 3
UNLIKE = "unlike the training data"


@dataclass(frozen=True, eq=False)
class Explanation:
    """One answer with its reasons; ``row`` holds the features of the model in their units."""

    model: DiagnosisModel
    row: np.ndarray
    probabilities: np.ndarray
    prediction_set: tuple[str, ...]
    answer: int
    runner_up: int
    shares: Contributions
    changes: tuple[Change | None, Change | None]
    nearest: tuple[tuple[int, float], ...]
    rule: RuleAnswer

    @property
    def diagnosis(self) -> str:
        """The most probable group."""
        return self.model.groups[self.answer]

    @property
    def agrees_with_rule(self) -> bool:
        """Whether the published definitions leave the answer possible."""
        return self.diagnosis in self.rule.possible

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        model, groups = self.model, self.model.groups
        own, baseline = self.shares.between(self.answer, self.runner_up)
        return {
            "schema": SCHEMA,
            "research_use": "Research use only, not a medical device.",
            "diagnosis": self.diagnosis,
            "probabilities": {group: float(p) for group, p in zip(groups, self.probabilities, strict=True)},
            "set": list(self.prediction_set),
            "set_alpha": model.alpha,
            "set_in_words": set_words(self.prediction_set, model.alpha),
            "against": groups[self.runner_up],
            "contributions_unit": self.shares.unit,
            "baseline": baseline,
            "contributions": [
                {
                    "feature": feature.name,
                    "value": float(self.row[at]),
                    "unit": feature.unit,
                    "contribution": float(own[at]),
                    "sentence": self.sentence(at),
                }
                for at, feature in self.by_weight()
            ],
            "by_region": self.by_region(),
            "changes": {
                name: self._change_dict(change) for name, change in zip(("one", "two"), self.changes, strict=True)
            },
            "changes_in_words": self.change_sentences(),
            "nearest_training_studies": [
                {"row": row + 1, "group": groups[int(model.groups_of_rows[row])], "distance": distance}
                for row, distance in self.nearest
            ],
            "rule": {
                "source": definitions()["source"],
                "possible": list(self.rule.possible),
                "agrees": self.agrees_with_rule,
                "in_words": self.rule_sentence(),
                "criteria": [
                    {"group": one.group, "state": one.state, "sentence": one.sentence} for one in self.rule.criteria
                ],
            },
        }

    def by_weight(self) -> list[tuple[int, Feature]]:
        """Return the features (number, feature), the one that contributes most first."""
        own, _baseline = self.shares.between(self.answer, self.runner_up)
        return [(int(at), self.model.features[at]) for at in np.argsort(-np.abs(own), kind="stable")]

    def by_region(self) -> dict[str, float]:
        """Return the contributions of regional features, summed by region of the wall."""
        own, _baseline = self.shares.between(self.answer, self.runner_up)
        found: dict[str, float] = {}
        for feature, value in zip(self.model.features, own, strict=True):
            if feature.region:
                found[feature.region] = found.get(feature.region, 0.0) + float(value)
        return found

    def sentence(self, at: int) -> str:
        """Return what one feature says: its value and unit, the limit it is compared with, whose that is, and for
        which group it speaks how much.
        """
        feature, value = self.model.features[at], float(self.row[at])
        own, _baseline = self.shares.between(self.answer, self.runner_up)
        limit, source = self._limit(at)
        side = "above" if value > limit else "below"
        first, second = self.model.groups[self.answer], self.model.groups[self.runner_up]
        speaks = f"speaks for {first} against {second}" if own[at] >= 0 else f"speaks for {second} against {first}"
        return (
            f"{feature.text} {with_unit(feature, value, limit)}: {side} {with_unit(feature, limit, value)} ({source}), "
            f"{speaks} ({own[at]:+.2f} {self.shares.unit})"
        )

    def _limit(self, at: int) -> tuple[float, str]:
        published = limits_of(self.model.features[at].name)
        if published:
            return min(published, key=lambda one: abs(one - self.row[at])), definitions()["source"].split(",")[0]
        rows = self.model.rows[:, at] * self.model.scales[at] + self.model.means[at]
        means = [rows[self.model.groups_of_rows == group].mean() for group in (self.answer, self.runner_up)]
        return float(np.mean(means)), f"half-way between these groups in the {len(rows)} training studies"

    def change_sentences(self) -> list[str]:
        """Return what would change the answer."""
        found = []
        for count, change in zip(("one feature", "two features"), self.changes, strict=True):
            if change is None:
                found.append(f"no change of {count} within the training range changes the answer")
                continue
            parts = []
            for at, value in zip(change.features, change.values, strict=True):
                feature, before = self.model.features[at], float(self.row[at])
                told = f"{with_unit(feature, before)} to {with_unit(feature, value, before)}"
                parts.append(f"{feature.text} {told}")
            found.append(f"the answer would be {self.model.groups[change.answer]} with {' and '.join(parts)}")
        return found

    def rule_sentence(self) -> str:
        """Return whether the published definitions agree with the answer."""
        agree = "agrees" if self.agrees_with_rule else "DISAGREES"
        return f"{self.rule.told} ({definitions()['source']}); the model {agree}: {self.diagnosis}"

    def _change_dict(self, change: Change | None) -> dict[str, Any] | None:
        if change is None:
            return None
        names = [self.model.features[at].name for at in change.features]
        return {
            "values": dict(zip(names, change.values, strict=True)),
            "answer": self.model.groups[change.answer],
            "size_in_deviations": change.size,
        }


def explain(model: DiagnosisModel, values: Mapping[str, float], sex: str | None = None) -> Explanation:
    """Return the answer about one study and why; ``values`` by name must hold the model's features."""
    row = np.array([values[name] for name in model.names], dtype=float)
    shares = model.probabilities(row[None])[0]
    order = np.argsort(-shares, kind="stable")
    distance = np.linalg.norm(model.rows - model.standardized(row[None]), axis=1)
    near = np.argsort(distance, kind="stable")[:NEAREST_CASES]
    return Explanation(
        model,
        row,
        shares,
        model.sets(row[None])[0],
        int(order[0]),
        int(order[1]),
        contributions(model, row),
        (smallest_change(model, row, 1), smallest_change(model, row, 2) if len(row) > 1 else None),
        tuple((int(at), float(distance[at])) for at in near),
        by_rules(values, sex),
    )


def set_words(groups: Sequence[str], alpha: float) -> str:
    """Return a prediction set in words."""
    if not groups:
        return f"{UNLIKE}: no group fits at {100 * (1 - alpha):.0f} % coverage"
    return f"one of {{{', '.join(groups)}}}, {100 * (1 - alpha):.0f} % coverage by group"


def with_unit(feature: Feature, value: float, beside: float | None = None) -> str:
    """Return a value that always names its unit, told apart from a value that stands ``beside`` it."""
    if feature.unit in ("1", UNKNOWN_UNIT):
        return f"{feature.number(value, beside)} ({_no_unit(feature)})"
    return feature.told(value, beside)


def _no_unit(feature: Feature) -> str:
    return "ratio" if feature.unit == "1" else feature.unit


def in_lines(found: Explanation) -> list[str]:
    """Return the explanation as lines for a terminal or a report."""
    shares = ", ".join(
        f"{group} {100 * p:.0f} %" for group, p in zip(found.model.groups, found.probabilities, strict=True)
    )
    return [
        f"{found.diagnosis} ({shares})",
        set_words(found.prediction_set, found.model.alpha),
        *(found.sentence(at) for at, _feature in found.by_weight()),
        *found.change_sentences(),
        found.rule_sentence(),
    ]
