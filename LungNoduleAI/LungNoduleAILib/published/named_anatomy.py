"""From a published segmenter's own values to the anatomy of this suite; every structure keeps its name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LungNoduleAILib.anatomy.lung_air import find_lung_air
from LungNoduleAILib.anatomy.quality import assess_quality, is_no_chest
from LungNoduleAILib.anatomy.work_image import WorkImage, make_work_image
from LungNoduleAILib.model.anatomy import LLL, LUL, RLL, RML, RUL, Anatomy, NamedStructures
from LungNoduleAILib.published.structures import labels_of, structures_of
from ThoraxAILib.image.volume import Volume

RIGHT, LEFT = 1, 2


def anatomy_of(volume: Volume, found: np.ndarray, names: Sequence[str], lobes_how: str) -> Anatomy:
    """Anatomy from values (uint8, grid of ``volume``, LPS order), ``names[n]`` being the structure of value n."""
    labels = labels_of(found, names)
    work = make_work_image(volume)
    quality = assess_quality(work, find_lung_air(work), _sides(labels, work), sides_certain=True)
    if is_no_chest(quality):
        return Anatomy(np.zeros_like(labels), quality)
    structures = structures_of(found, names, labels)
    return Anatomy(labels, quality, False, structures, lobes_how, NamedStructures(found, tuple(names)))


def _sides(labels: np.ndarray, work: WorkImage) -> np.ndarray:
    """Return which lung each work voxel belongs to, by the CT voxel in its middle: 0 none, 1 right, 2 left."""
    middle = [np.arange(n) * f + f // 2 for n, f in zip(work.hu.shape, work.factors_kji, strict=True)]
    found = labels[np.ix_(*middle)]
    return np.where(np.isin(found, (RUL, RML, RLL)), RIGHT, np.where(np.isin(found, (LUL, LLL)), LEFT, 0))
