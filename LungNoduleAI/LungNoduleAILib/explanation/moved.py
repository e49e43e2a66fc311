"""What moved the suspicion of a nodule: each feature's share in the rating, exactly, because the model is linear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.measurement.appearance import FEATURES
from LungNoduleAILib.measurement.judgement import BY_SIZE, CLIP, SQUARED, Judgement, judged_terms

WORDS = {
    "log_size": "size",
    "deep_hu": "density of its core",
    "bright_hu": "its densest part",
    "median_hu": "its usual density",
    "low_hu": "its faintest part",
    "spread_hu": "spread of its density",
    "solid_share": "share that is solid",
    "deep_solid_share": "share of its core that is solid",
    "faint_share": "share that is faint",
    "rim_hu": "density of what surrounds it",
    "edge_hu": "sharpness of its edge",
    "elongation": "second axis against the longest",
    "flatness": "shortest axis against the longest",
    "compactness": "compactness",
    "roughness": "roughness of its surface",
    "certainty": "how sure its outline is",
    "slice_mm": "distance of the slices",
}


@dataclass(frozen=True)
class Moved:
    """``feature`` in words and the ``points`` of the rating that it adds beside the mean nodule of the training."""

    feature: str
    points: float


def moved_by(judgement: Judgement, appearance: dict[str, float]) -> tuple[float, tuple[Moved, ...]]:
    """Return the rating of the mean nodule, and what each feature adds to it, the largest first.

    Rating = mean + sum of the points, before it is bounded to 1 to 5. A feature's points are those of all its terms:
    itself, times the size, squared.
    """
    model = judgement.rating
    standardized = np.clip((judged_terms(appearance) - model.mean) / model.scale, -CLIP, CLIP)
    points = standardized * model.weights
    owners = [*FEATURES, *BY_SIZE, *SQUARED]
    of_feature = dict.fromkeys(FEATURES, 0.0)
    for owner, value in zip(owners, points, strict=True):
        of_feature[owner] += float(value)
    found = sorted((Moved(WORDS[name], value) for name, value in of_feature.items()), key=lambda m: -abs(m.points))
    return float(model.bias), tuple(found)
