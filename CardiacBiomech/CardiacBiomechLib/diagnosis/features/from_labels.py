"""Features of a study of which only the labels of end-diastole and end-systole are known."""

from __future__ import annotations

import numpy as np

from CardiacBiomechLib.diagnosis.features.measure import thickness_features, volume_features
from CardiacBiomechLib.mechanics.aha import heart_axes
from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume


def label_features(
    labels_ed: Volume,
    labels_es: Volume,
    parts: HeartLabels,
    surface_m2: float | None = None,
    regions: str = "sectors",
) -> dict[str, float]:
    """Return volumes and thickness by name; raises InputError for labels without a heart."""
    both = (labels_ed, labels_es)

    def volumes_ml(value: int) -> tuple[float, float]:
        counts = [float(np.count_nonzero(volume.array == value)) * volume.voxel_mm3 / 1000.0 for volume in both]
        return counts[0], counts[1]

    rv = None if parts.rv is None else volumes_ml(parts.rv)
    found = volume_features(volumes_ml(parts.lv), rv, volumes_ml(parts.myocardium), surface_m2)
    return found | thickness_features(both, parts, heart_axes(labels_ed, parts), regions)
