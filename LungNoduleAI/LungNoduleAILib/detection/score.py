"""Confidence of a blob from what was seen of it: a logistic model on 15 features, trained on phantoms only.

The weights are data (``score_weights.json``), made by ``LungNoduleAILib.training.detector.classical_score``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LungNoduleAILib.detection.examine import FEATURES

WEIGHTS_FILE = Path(__file__).with_name("score_weights.json")


@dataclass(frozen=True, eq=False)
class LogisticScore:
    """Feature means and scales, and weights of the terms made of them."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float
    fingerprint: str

    def confidence(self, features: dict[str, float]) -> float:
        """Probability-like confidence 0..1 of one blob."""
        values = np.array([[features[name] for name in FEATURES]])
        return float(1 / (1 + np.exp(-(terms((values - self.mean) / self.scale) @ self.weights + self.bias)))[0])


def terms(standardized: np.ndarray) -> np.ndarray:
    """Linear and squared terms (n, 2 f) of standardized features (n, f), clipped so that outliers stay harmless."""
    clipped = np.clip(standardized, -3.0, 3.0)
    return np.concatenate([clipped, clipped**2], axis=1)


def load_score(path: Path = WEIGHTS_FILE) -> LogisticScore:
    """Return the shipped score; raises ValueError when the file belongs to other features."""
    text = path.read_text(encoding="utf-8")
    entry = json.loads(text)
    if tuple(entry["features"]) != FEATURES:
        raise ValueError(f"{path.name} was made for other features; run the training again")
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
    mean, scale, weights = (np.array(entry[name]) for name in ("mean", "scale", "weights"))
    return LogisticScore(mean, scale, weights, entry["bias"], fingerprint)
