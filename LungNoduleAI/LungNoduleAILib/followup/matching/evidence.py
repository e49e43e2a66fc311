"""What speaks for a prior and a current nodule being the same: likeness, distance, size and type, as log odds.

The log odds are linear in few features; their weights (``matching_weights.json``) are fitted on synthetic pairs of the
training setting so that the resulting probabilities are calibrated (``training/matching_fit.py``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.errors import InputError

WEIGHTS_FILE = Path(__file__).with_name("matching_weights.json")
NETWORK, REGISTRATION, TOGETHER, POSITIONS = "network", "registration", "together", "positions"
DISTANCE_SCALE_MM = 10.0
_TYPE_ORDER = {"ground-glass": 0, "part-solid": 1, "solid": 2, "calcified": 3}


@dataclass(frozen=True)
class MatchItem:
    """A nodule as the matching sees it; size, type and side may be unknown."""

    id: str
    center_ras_mm: tuple[float, float, float]
    volume_mm3: float | None = None
    type: str | None = None
    side: str | None = None

    @staticmethod
    def of(finding: Finding) -> MatchItem:
        """Return the item of a finding."""
        return MatchItem(finding.id, finding.center_ras_mm, finding.volume_mm3, finding.type, finding.side)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of all prior-current pairs, each (n_prior, n_current) or None when it is not known.

    ``similarity``: cosine of the network's embeddings. ``aligned_mm``: distance after laying the lungs' boxes or the
    points over one another (no registration). ``registered_mm``: distance after registration.
    """

    similarity: np.ndarray | None = None
    aligned_mm: np.ndarray | None = None
    registered_mm: np.ndarray | None = None

    def checked(self, shape: tuple[int, int]) -> Evidence:
        """Itself; raises InputError when an array does not fit the numbers of nodules or is not finite."""
        for name in ("similarity", "aligned_mm", "registered_mm"):
            array = getattr(self, name)
            if array is not None and (array.shape != shape or not np.isfinite(array).all()):
                raise InputError(
                    f"The evidence '{name}' must be finite and of shape {shape}, found {array.shape}: "
                    "give one value per pair of a prior and a current nodule."
                )
        return self


def methods_of(evidence: Evidence) -> list[str]:
    """Return the opinions the evidence allows: network (without registration), registration; else positions."""
    found = [NETWORK] if evidence.similarity is not None and evidence.aligned_mm is not None else []
    found += [REGISTRATION] if evidence.registered_mm is not None else []
    return found or [POSITIONS]


def log_odds(prior: Sequence[MatchItem], current: Sequence[MatchItem], evidence: Evidence, method: str) -> np.ndarray:
    """Log odds (n_prior, n_current) of "the same nodule" against "both without partner"."""
    weights = np.array([weights_of(method)[name] for name in FEATURES[method]])
    return pair_features(prior, current, evidence, method) @ weights


FEATURES = {
    NETWORK: ("constant", "similarity", "aligned_near", "aligned_far", "size", "type", "side"),
    REGISTRATION: ("constant", "registered_near", "registered_far", "size", "type"),
    TOGETHER: ("constant", "similarity", "registered_near", "registered_far", "size", "type"),
    POSITIONS: ("constant", "aligned_near", "aligned_far", "size", "type", "side"),
}


def pair_features(
    prior: Sequence[MatchItem], current: Sequence[MatchItem], evidence: Evidence, method: str
) -> np.ndarray:
    """Return the features of every pair (n_prior, n_current, features) in the order of FEATURES; what is unknown is 0.

    Near is log(1 + (d / 10 mm)^2), which forgives a single bad alignment; far is d / 10 mm.
    """
    shape = len(prior), len(current)
    known: dict[str, np.ndarray] = {
        "constant": np.ones(shape),
        "size": _size_change(prior, current),
        "type": _type_steps(prior, current),
        "side": _other_side(prior, current),
    }
    if evidence.similarity is not None:
        known["similarity"] = evidence.similarity
    for name, distance in (("aligned", evidence.aligned_mm), ("registered", evidence.registered_mm)):
        if distance is not None:
            known[f"{name}_near"] = np.log1p((distance / DISTANCE_SCALE_MM) ** 2)
            known[f"{name}_far"] = distance / DISTANCE_SCALE_MM
    return np.stack([known[name] for name in FEATURES[method]], axis=-1)


@cache
def weights_of(method: str) -> dict[str, float]:
    """Return the fitted weight of every feature of a method."""
    return json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))["weights"][method]


def _size_change(prior: Sequence[MatchItem], current: Sequence[MatchItem]) -> np.ndarray:
    """|log2 of the volume ratio|, at most 5; nodules seldom shrink or grow more than 32-fold between two scans."""
    before, after = (
        [np.nan if not item.volume_mm3 else np.log2(item.volume_mm3) for item in items] for items in (prior, current)
    )
    change = np.abs(np.array(after, dtype=float)[None] - np.array(before, dtype=float)[:, None])
    return np.minimum(np.nan_to_num(change, nan=0.0), 5.0)


def _type_steps(prior: Sequence[MatchItem], current: Sequence[MatchItem]) -> np.ndarray:
    """Return steps between the types from ground glass over part-solid and solid to calcified."""
    before, after = ([_TYPE_ORDER.get(item.type or "", np.nan) for item in items] for items in (prior, current))
    return np.nan_to_num(np.abs(np.array(after, dtype=float)[None] - np.array(before, dtype=float)[:, None]), nan=0.0)


def _other_side(prior: Sequence[MatchItem], current: Sequence[MatchItem]) -> np.ndarray:
    """1 where the two lie in different lungs."""
    return np.array([[float(bool(a.side and b.side and a.side != b.side)) for b in current] for a in prior]).reshape(
        len(prior), len(current)
    )
