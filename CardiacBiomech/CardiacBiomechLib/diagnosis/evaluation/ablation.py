"""What each family of features adds: volumes, then thickness, motion, strain and energy, with a paired test per step.

A step is judged on the same rows and folds as the one before, by the exact McNemar test of the answers that changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.diagnosis.evaluation.cross_validation import nested_answers
from CardiacBiomechLib.diagnosis.features.catalog import FAMILIES, feature_of
from CardiacBiomechLib.diagnosis.models.train import DiagnosisTraining
from ThoraxAILib.statistics.proportions import clopper_pearson, mcnemar_p

EACH = tuple((family,) for family in FAMILIES)


@dataclass(frozen=True)
class AblationStep:
    """Nested accuracy with the families so far; ``gained`` and ``lost`` count rows against the step before."""

    families: tuple[str, ...]
    features: int
    right: int
    rows: int
    gained: int = 0
    lost: int = 0
    p: float = 1.0

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / self.rows

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Clopper-Pearson interval."""
        return clopper_pearson(self.right, self.rows)


def ablation(
    values: np.ndarray,
    features: Sequence[str],
    numbers: np.ndarray,
    groups: int,
    options: DiagnosisTraining,
    families: Sequence[Sequence[str]] = EACH,
) -> list[AblationStep]:
    """Return one step per family (or families taken together) that the table holds, each with all before it."""
    found: list[AblationStep] = []
    before: np.ndarray | None = None
    taken: tuple[str, ...] = ()
    for added in families:
        present = tuple(family for family in added if any(feature_of(name).family == family for name in features))
        if not present:
            continue
        taken += present
        columns = [at for at, name in enumerate(features) if feature_of(name).family in taken]
        right = nested_answers(values[:, columns], numbers, groups, options) == numbers
        gained, lost = 0, 0
        if before is not None:
            gained, lost = int((right & ~before).sum()), int((before & ~right).sum())
        found.append(
            AblationStep(taken, len(columns), int(right.sum()), len(right), gained, lost, mcnemar_p(gained, lost))
        )
        before = right
    return found
