"""All that is told about a classifier of a labeled table, as plain values for a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from CardiacBiomechLib.diagnosis.evaluation.ablation import AblationStep, ablation
from CardiacBiomechLib.diagnosis.evaluation.cross_validation import (
    confusion,
    nested_answers,
    noise_pool,
    permutation_p,
    stability,
    unnested_answers,
)
from CardiacBiomechLib.diagnosis.evaluation.learning_curve import SUBSETS, learning_curve
from CardiacBiomechLib.diagnosis.evaluation.rule_baseline import rule_baseline
from CardiacBiomechLib.diagnosis.features.table import FeatureTable
from CardiacBiomechLib.diagnosis.models.train import POOLS, DiagnosisTraining, checked, of_families
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.options import Options, option
from ThoraxAILib.statistics.proportions import clopper_pearson

SCHEMA = "thoraxai.cardiac-diagnosis-evaluation/1"
SIZES = (10, 20, 30, 40, 60, 90, 150, 250, 400)
ALARM = 0.10  # above chance: nested accuracy on noise beyond it means that a fold saw what it should not


@dataclass(frozen=True)
class EvaluationEffort(Options):
    """How often parts of the evaluation are repeated."""

    subsets: int = option(SUBSETS, "of each size of the learning curve", label="subsets", at_least=2, at_most=1000)
    permutations: int = option(99, "of the groups", label="permutations", at_least=1, at_most=9999)
    noise_draws: int = option(5, "of features without meaning", label="draws of noise", at_least=1, at_most=100)


def evaluate(
    table: FeatureTable,
    options: DiagnosisTraining | None = None,
    effort: EvaluationEffort | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the evaluation; raises InputError for a table without groups or with too few rows, Cancelled."""
    options, effort = options or DiagnosisTraining(), effort or EvaluationEffort()
    progress = progress or Progress()
    usable, left_out, groups, numbers = checked(of_families(table, POOLS[options.pool]))
    values, count = usable.values, len(groups)
    progress(0.0, "Nested cross-validation")
    answers = nested_answers(values, numbers, count, options)
    leaking = unnested_answers(values, numbers, count, options)
    progress(0.1, "Learning curve")
    curve = learning_curve(values, numbers, count, SIZES, options, effort.subsets)
    progress(0.4, "What each family adds")
    steps = ablation(values, usable.features, numbers, count, options)
    progress(0.5, "Permutations")
    p, shuffled = permutation_p(values, numbers, count, options, effort.permutations)
    progress(0.8, "Noise")
    nested_noise, unnested_noise = noise_pool(numbers, count, options, effort.noise_draws)
    often, jaccard = stability(values, numbers, count, options)
    chance = float(np.bincount(numbers).max()) / len(numbers)
    return {
        "schema": SCHEMA,
        "research_use": "Research use only, not a medical device.",
        "rows": len(numbers),
        "groups": groups,
        "features": list(usable.features),
        "left_out_columns": list(left_out),
        "options": options.to_dict(),
        "nested": _share(int((answers == numbers).sum()), len(numbers)),
        "selected_on_all_rows": _share(int((leaking == numbers).sum()), len(numbers)),
        "rules": _rules(table),
        "confusion": confusion(numbers, answers, count).tolist(),
        "learning_curve": [vars(point) for point in curve],
        "ablation": [_step(step) for step in steps],
        "permutation": {"p": p, "mean_accuracy_of_shuffled_groups": shuffled, "permutations": effort.permutations},
        "noise": {
            "nested": nested_noise,
            "selected_on_all_rows": unnested_noise,
            "chance": chance,
            "leak_alarm": nested_noise > chance + ALARM,
        },
        "selection": {
            "jaccard": jaccard,
            "share_of_parts": {name: float(one) for name, one in zip(usable.features, often, strict=True) if one > 0},
        },
    }


def _step(step: AblationStep) -> dict[str, Any]:
    return {
        "families": list(step.families),
        "features": step.features,
        **_share(step.right, step.rows),
        "gained": step.gained,
        "lost": step.lost,
        "p_mcnemar": step.p,
    }


def _rules(table: FeatureTable) -> dict[str, Any] | None:
    """Return how far the published definitions come on the same rows, None where the groups are not theirs."""
    found = rule_baseline(table)
    if found is None:
        return None
    return {
        **_share(found.right, found.rows),
        "true_group_among_those_left": _share(found.among, found.rows),
        "no_group_left": found.none,
        "mean_groups_left": found.mean_groups,
        "features_the_table_lacks": list(found.open_criteria),
    }


def _share(right: int, rows: int) -> dict[str, Any]:
    return {"right": right, "accuracy": right / rows, "interval": list(clopper_pearson(right, rows))}
