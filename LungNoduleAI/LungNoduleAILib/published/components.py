"""From a map of probabilities to detections: its connected components, and one score for each.

A network that segments nodules says nothing of how sure it is of each. Here a component of all voxels above a low
probability is one detection, so that a calibration can choose among detections of every score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.options import MAX_SCORE, MEAN_SCORE, VOLUME_SCORE
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three

LEAST_PROBABILITY = 0.1  # of a voxel that belongs to a component
BODY_SHARE = 0.5  # of the largest probability: from there on a voxel counts for place, diameter and mean
LEAST_DIAMETER_MM = 2.0
HALF_WEIGHT_DIAMETER_MM = 4.0  # a component of this size keeps half of its mean as volume-weighted score
MOST_COMPONENTS = 1000
MASS_MM = 30.0
SCORES = (MAX_SCORE, MEAN_SCORE, VOLUME_SCORE)


@dataclass(frozen=True)
class Component:
    """One component: voxels of its body as (n, 3) indices k, j, i, and their probabilities."""

    places_kji: np.ndarray
    probabilities: np.ndarray
    voxel_mm3: float

    @property
    def diameter_mm(self) -> float:
        """Diameter of the ball that is as large."""
        return float(np.cbrt(6.0 * len(self.places_kji) * self.voxel_mm3 / math.pi))

    def score(self, how: str) -> float:
        """Return one score, 0 to 1: the largest probability ("max"), the mean ("mean"), or the mean weighted by volume.

        "volume" is mean * V / (V + V0), V0 the ball of HALF_WEIGHT_DIAMETER_MM: specks count less than nodules.
        """
        if how == MAX_SCORE:
            return float(self.probabilities.max())
        mean = float(self.probabilities.mean())
        if how == MEAN_SCORE:
            return mean
        if how != VOLUME_SCORE:
            raise InputError(f"There is no score '{how}': choose one of {', '.join(SCORES)}.")
        volume = len(self.places_kji) * self.voxel_mm3
        half = math.pi / 6.0 * HALF_WEIGHT_DIAMETER_MM**3
        return mean * volume / (volume + half)


def components_of(probability: np.ndarray, voxel_mm3: float) -> list[Component]:
    """Return the components (26 neighbors) of a map (k, j, i), the largest probability first; specks are left out."""
    import cc3d

    labels, count = cc3d.connected_components(probability >= LEAST_PROBABILITY, connectivity=26, return_N=True)
    if not count:
        return []
    boxes = cc3d.statistics(labels, no_slice_conversion=False)["bounding_boxes"]
    found = []
    for label in range(1, count + 1):
        box = boxes[label]
        inside = np.where(labels[box] == label, probability[box], 0.0)
        where = np.argwhere(inside >= max(BODY_SHARE * float(inside.max()), LEAST_PROBABILITY))
        values = inside[tuple(where.T)]
        corner = np.array([part.start for part in box])
        component = Component(where + corner, np.minimum(values, 1.0), voxel_mm3)
        if component.diameter_mm >= LEAST_DIAMETER_MM:
            found.append(component)
    found.sort(key=lambda one: -float(one.probabilities.max()))
    return found[:MOST_COMPONENTS]


def candidates_of(probability: np.ndarray, ijk_to_ras: np.ndarray, how: str) -> list[Candidate]:
    """Candidates of a map (k, j, i) on a grid with this matrix to RAS mm, best first.

    The place is the center of the component weighted by probability; every score is kept among the features.
    """
    voxel_mm3 = float(abs(np.linalg.det(ijk_to_ras[:3, :3])))
    found = []
    for component in components_of(probability, voxel_mm3):
        weights = component.probabilities / component.probabilities.sum()
        center_ijk = (weights @ component.places_kji)[::-1]
        center = ijk_to_ras[:3, :3] @ center_ijk + ijk_to_ras[:3, 3]
        diameter = component.diameter_mm
        kind = "mass" if diameter > MASS_MM else "nodule"
        features = {f"score_{name}": component.score(name) for name in SCORES}
        place = three(float(x) for x in center)
        found.append(Candidate(place, diameter, component.score(how), "solid", kind, features))
    return sorted(found, key=lambda candidate: -candidate.confidence)
