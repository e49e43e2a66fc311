"""Approximate lobes: each fissure as the plane that vessels avoid.

Vessels do not cross fissures, so a fissure lies where a plane of plausible tilt meets the fewest vessels (the
avascular zone used by Ukil & Reinhardt, IEEE TMI 28:202, 2009, here reduced to planes). Without a clear gap the
prior share of the lobe decides. The result is a guide to where a finding lies, not a fissure segmentation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.work_image import WorkImage
from LungNoduleAILib.model.anatomy import LLL, LUL, RLL, RML, RUL

VESSEL_HU = -650.0
STEP_MM = 2.0
BAND_MM = 3.0
PRIOR_WEIGHT = 0.25  # against vessel density in units of its mean
INNER_MM = 6.0  # next to the pleura and the hilum nothing is learned


@dataclass(frozen=True)
class FissurePrior:
    """Tilts to try and the share of the lung below the plane that anatomy makes likely.

    A tilt is the angle in degrees by which the plane falls towards anterior; ``roll`` the one towards lateral.
    Shares and their spread are those of 32 healthy adults, supine, full inspiration: RUL 17.9, RML 9.3, RLL 26.5,
    LUL 23.1, LLL 23.2 % of both lungs (Yamada et al., Respiration 99:598, 2020, Table 3, PMC7490509).
    """

    tilts_deg: tuple[float, ...]
    rolls_deg: tuple[float, ...]
    share: float
    share_spread: float


OBLIQUE_RIGHT = FissurePrior((35, 40, 45, 50, 55, 60), (-15, -7.5, 0, 7.5, 15), 0.494, 0.049)
OBLIQUE_LEFT = FissurePrior((35, 40, 45, 50, 55, 60), (-15, -7.5, 0, 7.5, 15), 0.50, 0.052)
HORIZONTAL = FissurePrior((-15, -7.5, 0, 7.5, 15), (-15, -7.5, 0, 7.5, 15), 0.342, 0.055)


def label_lobes(work: WorkImage, sides: np.ndarray) -> np.ndarray:
    """Lobe labels (uint8, work grid) of filled lungs given as sides (1 right, 2 left)."""
    labels = np.zeros(sides.shape, np.uint8)
    if (sides == 1).any():
        right = sides == 1
        below = _below_fissure(work, right, OBLIQUE_RIGHT)
        labels[below] = RLL
        upper = right & ~below
        middle = _below_fissure(work, upper, HORIZONTAL)
        labels[upper] = RUL
        labels[middle] = RML
    if (sides == 2).any():
        left = sides == 2
        below = _below_fissure(work, left, OBLIQUE_LEFT)
        labels[left] = LUL
        labels[below] = LLL
    return labels


def _below_fissure(work: WorkImage, region: np.ndarray, prior: FissurePrior) -> np.ndarray:
    """Return the part of a region below its most vessel-free plausible plane."""
    import edt

    spacing = tuple(float(s) for s in work.spacing_kji_mm)
    strides = tuple(max(1, int(STEP_MM / s)) for s in spacing)
    sampled = tuple(slice(None, None, s) for s in strides)
    inner = (edt.edt(region, anisotropy=spacing, black_border=True) > INNER_MM)[sampled]
    if inner.sum() < 500:
        inner = region[sampled]
    steps = np.array(strides) * work.spacing_kji_mm
    points = np.argwhere(inner) * steps
    if len(points) == 0:
        return np.zeros_like(region)
    vessel = work.hu[sampled][inner] > VESSEL_HU
    normal, offset = _best_plane(points, vessel, prior)
    k, j, i = np.ogrid[: region.shape[0], : region.shape[1], : region.shape[2]]
    height = k * spacing[0] * normal[0] + j * spacing[1] * normal[1] + i * spacing[2] * normal[2]
    return region & (height < offset)


def _best_plane(points_mm: np.ndarray, vessel: np.ndarray, prior: FissurePrior) -> tuple[np.ndarray, float]:
    best, chosen = np.inf, (np.array([1.0, 0.0, 0.0]), 0.0)
    mean_density = max(float(vessel.mean()), 1e-6)
    for tilt in np.radians(prior.tilts_deg):
        for roll in np.radians(prior.rolls_deg):
            # k superior, j posterior: a plane falling towards anterior has its normal towards superior and anterior.
            normal = np.array([np.cos(tilt) * np.cos(roll), -np.sin(tilt) * np.cos(roll), np.sin(roll)])
            height = points_mm @ normal
            bins = ((height - height.min()) / STEP_MM).astype(int)
            count = np.bincount(bins).astype(float)
            share = np.cumsum(count) / count.sum()
            width = BAND_MM / STEP_MM
            density = ndi.gaussian_filter1d(np.bincount(bins, weights=vessel), width) / np.maximum(
                ndi.gaussian_filter1d(count, width), 1e-6
            )
            cost = density / mean_density + PRIOR_WEIGHT * ((share - prior.share) / prior.share_spread) ** 2
            place = int(np.argmin(cost))
            if cost[place] < best:
                best, chosen = cost[place], (normal, height.min() + (place + 0.5) * STEP_MM)
    return chosen
