"""A trained diagnosis: named features with units and ranges, arrays of a classifier, calibration, training rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from CardiacBiomechLib.diagnosis.features.catalog import Feature
from CardiacBiomechLib.diagnosis.models.conformal import nonconformity, p_values
from CardiacBiomechLib.diagnosis.models.scores import Arrays, scores


@dataclass(frozen=True, eq=False)
class DiagnosisModel:
    """What classifies a study.

    ``means`` and ``scales`` standardize a row; ``low`` and ``high`` are the training range, all in the features' units.
    ``rows`` (n, features) are the standardized training rows, ``groups_of_rows`` (n,) their groups, ``own_scores`` (n,)
    their nonconformity when held out, ``temperature`` what scores are multiplied with.
    """

    features: tuple[Feature, ...]
    groups: tuple[str, ...]
    kind: str
    arrays: Arrays
    means: np.ndarray
    scales: np.ndarray
    low: np.ndarray
    high: np.ndarray
    temperature: float
    rows: np.ndarray
    groups_of_rows: np.ndarray
    own_scores: np.ndarray
    reach: float
    alpha: float
    note: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    def standardized(self, values: np.ndarray) -> np.ndarray:
        """Return rows (n, features) in units of the training rows' spread."""
        return (np.asarray(values, dtype=float) - self.means) / self.scales

    def log_probabilities(self, values: np.ndarray) -> np.ndarray:
        """Return the calibrated logarithm (n, groups) of the probability of each group."""
        found = self.temperature * scores(self.kind, self.arrays, self.standardized(values))
        found = found - found.max(1, keepdims=True)
        return found - np.log(np.exp(found).sum(1, keepdims=True))

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """Return the calibrated probability (n, groups) of each group."""
        return np.exp(self.log_probabilities(values))

    def answers(self, values: np.ndarray) -> np.ndarray:
        """Return the number (n,) of the most probable group."""
        return self.log_probabilities(values).argmax(1)

    def p_values(self, values: np.ndarray) -> np.ndarray:
        """Return how well (n, groups) each row fits the training rows of each group, 0 to 1."""
        z = self.standardized(values)
        strange = nonconformity(self.log_probabilities(values), z, self.rows, self.groups_of_rows, self.reach)
        return p_values(strange, self.own_scores, self.groups_of_rows)

    def sets(self, values: np.ndarray) -> list[tuple[str, ...]]:
        """Return the prediction set of each row: the groups that stay possible at the model's ``alpha``."""
        kept = self.p_values(values) > self.alpha
        return [tuple(group for group, keep in zip(self.groups, row, strict=True) if keep) for row in kept]
