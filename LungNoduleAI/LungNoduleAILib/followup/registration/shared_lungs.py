"""Which lungs two scans have in common: a follow-up may show one lung only, or have sides confused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.model.anatomy import Anatomy
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

MIN_ML = 60.0
SIDES = ("right", "left")


@dataclass(frozen=True, eq=False)
class SharedLungs:
    """Masks (k, j, i) of the lungs that are compared, their sides, and sentences about what is not."""

    prior: np.ndarray
    current: np.ndarray
    sides: tuple[str, ...]
    notes: tuple[str, ...] = ()


def shared_lungs(prior: Volume, current: Volume, prior_labels: np.ndarray, current_labels: np.ndarray) -> SharedLungs:
    """Return lungs present in both scans; raises InputError when a scan shows none or labels do not fit their scan."""
    scans = (("prior", prior, prior_labels), ("current", current, current_labels))
    masks, present = [], []
    for name, volume, labels in scans:
        if labels.shape != volume.array.shape:
            raise InputError(
                f"The lung labels of the {name} scan have shape {labels.shape}, the scan has "
                f"{volume.array.shape}: give labels on the grid of the scan."
            )
        anatomy = Anatomy(labels)
        sides = {"right": anatomy.right_lung, "left": anatomy.left_lung}
        found = tuple(side for side in SIDES if sides[side].sum() * volume.voxel_mm3 / 1000 >= MIN_ML)
        if not found:
            raise InputError(f"No lung was found in the {name} scan: give a chest CT.")
        masks.append(sides)
        present.append(found)
    common = tuple(side for side in SIDES if all(side in found for found in present))
    if not common:  # one lung each, on other sides: the same lung with its side mistaken, or not the same lung
        note = (
            f"The prior scan shows only the {present[0][0]} lung and the current one only the {present[1][0]}: "
            "they are registered as one and the same, check the sides."
        )
        return SharedLungs(masks[0][present[0][0]], masks[1][present[1][0]], ("unknown",), (note,))
    notes = tuple(
        f"Only the {common[0]} lung is in both scans: the {side} lung of the {name} scan is not compared."
        for (name, _, _), found in zip(scans, present, strict=True)
        for side in found
        if side not in common
    )
    prior_mask, current_mask = (np.logical_or.reduce([sides[side] for side in common]) for sides in masks)
    return SharedLungs(prior_mask, current_mask, common, notes)
