"""Trachea and main bronchi: a round, dark lumen between the lung tops, grown downwards without leaking.

Explosion-controlled region growing (Mori et al., IEEE TMI 19:101, 2000): the highest threshold whose tree does not
suddenly fill the lung.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.work_image import WorkImage
from ThoraxAILib.image.reach import deeper_mm, within_mm

LUMEN_HU = -600.0
LUMEN_AREA_MM2 = (50.0, 900.0)
MAX_TREE_ML = 130.0
THRESHOLDS_HU = (-975, -960, -945, -930, -915, -900, -885, -870, -850, -830)
MAIN_BRONCHUS_RADIUS_MM = 3.2


def find_airways(work: WorkImage, lung_air: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Lumen of trachea and main bronchi, bool on the work grid; empty when no trachea is in view.

    ``known`` is lumen that a network is sure of: it takes the place of a trachea where none shows as round lumina.
    """
    seeds = _trachea_seeds(work, lung_air)
    if not seeds.any() and known is not None:
        seeds = known
    if not seeds.any():
        return seeds
    return _large_branches(_grow(work, seeds), seeds, work)


def _trachea_seeds(work: WorkImage, lung_air: np.ndarray) -> np.ndarray:
    """Round lumina, slice by slice, that overlap over at least 20 mm above the middle of the lungs."""
    import cc3d

    seeds = np.zeros_like(lung_air)
    slices = np.flatnonzero(lung_air.any(axis=(1, 2)))
    if len(slices) == 0:
        return seeds
    i_of_air = np.flatnonzero(lung_air.any(axis=(0, 1)))
    middle = (i_of_air[0] + i_of_air[-1]) / 2
    width_mm = (i_of_air[-1] - i_of_air[0]) * work.spacing_kji_mm[2]
    for k in range(slices[0] + int(0.5 * len(slices)), work.hu.shape[0]):
        seeds[k] = _round_lumina(work.hu[k], work.spacing_kji_mm, middle, 0.25 * width_mm)
    labels = cc3d.connected_components(seeds, connectivity=6)
    if labels.max() == 0:
        return seeds
    spans = [(s[0].stop - s[0].start) * work.spacing_kji_mm[0] for s in ndi.find_objects(labels)]
    longest = int(np.argmax(spans))
    return labels == longest + 1 if spans[longest] >= 20.0 else np.zeros_like(seeds)


def _round_lumina(plane: np.ndarray, spacing_kji_mm: np.ndarray, middle_i: float, reach_mm: float) -> np.ndarray:
    import cc3d

    labels = cc3d.connected_components(plane < LUMEN_HU, connectivity=4)
    keep = np.zeros(int(labels.max()) + 1, dtype=bool)
    for label, box in enumerate(ndi.find_objects(labels), start=1):
        if box is None:
            continue
        height_mm = (box[0].stop - box[0].start) * spacing_kji_mm[1]
        width_mm = (box[1].stop - box[1].start) * spacing_kji_mm[2]
        if max(height_mm, width_mm) > 40.0 or max(height_mm, width_mm) > 2.4 * min(height_mm, width_mm):
            continue
        part = labels[box] == label
        area_mm2 = part.sum() * spacing_kji_mm[1] * spacing_kji_mm[2]
        off_middle_mm = abs((box[1].start + box[1].stop - 1) / 2 - middle_i) * spacing_kji_mm[2]
        dark = plane[box][part].min() < -850.0
        keep[label] = LUMEN_AREA_MM2[0] <= area_mm2 <= LUMEN_AREA_MM2[1] and off_middle_mm <= reach_mm and dark
    return keep[labels]


def _grow(work: WorkImage, seeds: np.ndarray) -> np.ndarray:
    import cc3d

    smooth = ndi.gaussian_filter(work.hu, 0.7 / work.spacing_kji_mm)
    tree, tree_ml = seeds, float(seeds.sum()) * work.voxel_mm3 / 1000.0
    for threshold in THRESHOLDS_HU:
        labels = cc3d.connected_components((smooth < threshold) | seeds, connectivity=6)
        grown = np.isin(labels, np.unique(labels[seeds]))
        grown_ml = float(grown.sum()) * work.voxel_mm3 / 1000.0
        if grown_ml > MAX_TREE_ML or grown_ml > 2.0 * tree_ml + 15.0:
            break
        tree, tree_ml = grown, grown_ml
    return tree


def _large_branches(tree: np.ndarray, seeds: np.ndarray, work: WorkImage) -> np.ndarray:
    """Return the part of a tree as wide as a main bronchus and joined to the trachea."""
    import cc3d

    spacing = work.spacing_kji_mm
    radius = min(MAIN_BRONCHUS_RADIUS_MM, 1.6 * float(min(spacing)))
    core = deeper_mm(tree, spacing, radius) | seeds
    wide = tree & within_mm(core, spacing, radius + 0.5)
    labels = cc3d.connected_components(wide, connectivity=26)
    return np.isin(labels, np.unique(labels[seeds])) & wide
