"""What readers would say of a nodule that looks like this: sub-solid or solid, and how suspicious it is to them.

Linear models on ``appearance``, fitted to the ratings of readers by ``thoraxai lung train appearance --real FOLDER``;
the weights are data (``appearance_weights.json``). Suspicion is what radiologists rated from 1 (highly unlikely to be
malignant) to 5 (highly suspicious) in LIDC-IDRI: no pathology, no probability of cancer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from LungNoduleAILib.measurement.appearance import FEATURES

WEIGHTS_FILE = Path(__file__).with_name("appearance_weights.json")
SCHEMA = "thoraxai.appearance/1"
BY_SIZE = ("deep_hu", "bright_hu", "median_hu")  # whose meaning depends on the size
SQUARED = ("log_size", "deep_hu", "bright_hu", "median_hu")
CLIP = 4.0  # standard deviations: an outlier stays harmless
MIN_RATING, MAX_RATING = 1.0, 5.0


@dataclass(frozen=True, eq=False)
class Linear:
    """``weights`` and ``bias`` of standardized terms, whose ``mean`` and ``scale`` are those of the training."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float

    def __call__(self, terms: np.ndarray) -> np.ndarray:
        """Value for terms (..., n)."""
        return np.clip((terms - self.mean) / self.scale, -CLIP, CLIP) @ self.weights + self.bias

    def to_dict(self) -> dict:
        """JSON form."""
        return {
            "mean": [round(float(v), 6) for v in self.mean],
            "scale": [round(float(v), 6) for v in self.scale],
            "weights": [round(float(v), 6) for v in self.weights],
            "bias": round(float(self.bias), 6),
        }

    @staticmethod
    def from_dict(entry: dict) -> Linear:
        """Inverse of to_dict."""
        mean, scale, weights = (np.array(entry[name], dtype=float) for name in ("mean", "scale", "weights"))
        return Linear(mean, scale, weights, entry["bias"])


@dataclass(frozen=True)
class Suspicion:
    """Rating 1 to 5 that readers would give, and the interval that holds ``coverage`` of their ratings."""

    rating: float
    low: float
    high: float
    coverage: float


@dataclass(frozen=True, eq=False)
class Judgement:
    """The fitted models: log odds of sub-solid, and of ground glass among those; the rating and its errors.

    A nodule is sub-solid when ``subsolid`` exceeds ``limits[0]``, pure ground glass when also ``ground_glass`` exceeds
    ``limits[1]``. ``errors`` are the quantiles of (rating of readers - own) at the ends of the interval.
    """

    subsolid: Linear
    ground_glass: Linear
    rating: Linear
    limits: tuple[float, float]
    errors: tuple[float, float]
    coverage: float
    note: dict

    def type_of(self, appearance: dict[str, float]) -> str:
        """Return solid, part-solid or ground-glass."""
        terms = judged_terms(appearance)
        if float(self.subsolid(terms)) <= self.limits[0]:
            return "solid"
        return "ground-glass" if float(self.ground_glass(terms)) > self.limits[1] else "part-solid"

    def suspicion_of(self, appearance: dict[str, float]) -> Suspicion:
        """Return how suspicious readers would rate it."""
        value = float(self.rating(judged_terms(appearance)))
        rating, low, high = (
            round(float(np.clip(v, MIN_RATING, MAX_RATING)), 1)
            for v in (value, value + self.errors[0], value + self.errors[1])
        )
        return Suspicion(rating, low, high, self.coverage)

    def to_dict(self) -> dict:
        """JSON form."""
        return {
            "schema": SCHEMA,
            "features": list(FEATURES),
            **{name: getattr(self, name).to_dict() for name in ("subsolid", "ground_glass", "rating")},
            "limits": list(self.limits),
            "errors": list(self.errors),
            "coverage": self.coverage,
            "note": self.note,
        }


def judged_terms(appearance: dict[str, float]) -> np.ndarray:
    """Terms of the models: the features, those whose meaning depends on the size times it, and squares."""
    values = [appearance[name] for name in FEATURES]
    values += [appearance[name] * appearance["log_size"] for name in BY_SIZE]
    values += [appearance[name] ** 2 for name in SQUARED]
    return np.array(values, dtype=float)


@cache
def load_judgement(path: Path = WEIGHTS_FILE) -> Judgement:
    """Return the fitted models; raises ValueError when the file belongs to other features."""
    entry = json.loads(path.read_text(encoding="utf-8"))
    if entry.get("schema") != SCHEMA or tuple(entry["features"]) != FEATURES:
        raise ValueError(f"{path.name} was made for other features: run 'thoraxai lung train appearance' again")
    subsolid, ground_glass, rating = (Linear.from_dict(entry[name]) for name in ("subsolid", "ground_glass", "rating"))
    first, second = entry["limits"]
    low, high = entry["errors"]
    return Judgement(subsolid, ground_glass, rating, (first, second), (low, high), entry["coverage"], entry["note"])


def fingerprint(path: Path = WEIGHTS_FILE) -> str:
    """Return a hash of the fitted models, as run records name it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
