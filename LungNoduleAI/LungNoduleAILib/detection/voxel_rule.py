"""The lung filter of the report's study, in voxels, kept for comparison; ours in mm is the default.

Source: roelhulsman/ConformalNoduleDetection (Apache-2.0), scripts/remove_false_nodules.py: a box stays when any lung
voxel lies within n // 20 + 1 voxels of its center along each axis of n voxels (27 in plane, about 18 mm, of 512).
"""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY, Anatomy
from LungNoduleAILib.model.candidates import Candidate
from ThoraxAILib.image.volume import Volume

PARTS = 20


def reach_voxels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how far the rule looks along each axis of an image of this shape."""
    return tuple(n // PARTS + 1 for n in shape)


def is_far_from_lung(candidate: Candidate, volume: Volume, anatomy: Anatomy) -> bool:
    """Whether the rule removes a candidate."""
    center = np.round(volume.kji_from_ras(np.array(candidate.center_ras_mm))).astype(int)
    box = tuple(
        slice(max(0, c - r), max(0, min(n, c + r + 1)))
        for c, r, n in zip(center, reach_voxels(anatomy.labels.shape), anatomy.labels.shape, strict=True)
    )
    labels = anatomy.labels[box]
    return not bool(((labels > 0) & (labels < AIRWAY)).any())


def why_removed(shape: tuple[int, ...]) -> str:
    """Say that the rule removed something."""
    size = " x ".join(str(reach) for reach in reversed(reach_voxels(shape)))
    return f"no lung within {size} voxels of its center (the rule of the report's study)"
