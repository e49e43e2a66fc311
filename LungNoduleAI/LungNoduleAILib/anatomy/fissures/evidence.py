"""What the CT shows around a border: how many vessels run at each height above it, and where a bright sheet lies.

Vessels do not cross fissures, so that a fissure lies in a band without them (Ukil and Reinhardt, IEEE TMI 28:202,
2009); where slices are thin it is also a line a millimeter wide, brighter than the lung on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.fissures.border import CELL_MM, Border
from LungNoduleAILib.anatomy.fissures.seen import Seen

STEP_MM, REACH_MM = 1.0, 36.0
LEVELS_MM = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)
VESSEL_HU, WALL_HU = 250.0, 170.0  # above the lung: certainly vessel, and no longer lung
DARKEST_HU, BRIGHTEST_HU = -150.0, 200.0  # around the lung, beyond which values are cut
ALONG_MM, ACROSS_MM, LINE_MM = 4.0, 3.0, 0.8
BESIDE_MM = 3
KNOWN_SHARE, BESIDE_SHARE = 0.5, 0.3
LEAST_SIGMAS, SURE_SIGMAS = 1.5, 5.5  # above the noise of what is compared: a sheet begins, and is certain
MAX_DENSITY = 2.5


@dataclass(frozen=True, eq=False)
class Evidence:
    """Of each place (u, v, level): ``vessels`` relative to their mean density, ``sheet`` 0 to 1, ``inside`` the lung.

    Level ``n`` lies ``LEVELS_MM[n]`` above the border.
    """

    vessels: np.ndarray
    sheet: np.ndarray
    inside: np.ndarray


def evidence_around(border: Border, image: Seen, region: np.ndarray, spacing_kji_mm: np.ndarray) -> Evidence:
    """Look around a border in the image and in the lobes on both sides, ``region`` (bool, k, j, i)."""
    places = border.positions_mm(LEVELS_MM)
    seen = image.at(places)
    voxels = places / spacing_kji_mm[:, None, None, None]
    inside = ndi.map_coordinates(region.view(np.uint8), voxels, order=0, mode="constant") > 0
    lung_hu = float(np.median(seen[inside])) if inside.any() else 0.0
    vessels, _ = _mean((seen > lung_hu + VESSEL_HU).astype(np.float32), inside, (ALONG_MM, ALONG_MM, ACROSS_MM))
    density = vessels / max(float(vessels[inside].mean()) if inside.any() else 0.0, 1e-6)
    core = ndi.binary_erosion(inside, np.ones((1, 1, 5), bool))
    return Evidence(np.minimum(density, MAX_DENSITY), _sheet(seen, inside, core, lung_hu), core)


def _sheet(seen: np.ndarray, inside: np.ndarray, core: np.ndarray, lung_hu: float) -> np.ndarray:
    """How surely each place lies on a sheet that is brighter than the lung on both sides, beyond the noise."""
    smooth = ndi.gaussian_filter(np.where(inside, seen, lung_hu), 0.7)
    lung = inside & ~ndi.binary_dilation(smooth > lung_hu + WALL_HU)
    level, known = _mean(
        np.clip(seen, lung_hu + DARKEST_HU, lung_hu + BRIGHTEST_HU), lung, (ALONG_MM, ALONG_MM, LINE_MM)
    )
    step = round(BESIDE_MM / STEP_MM)
    above, below = np.roll(level, -step, 2), np.roll(level, step, 2)
    rise = level - np.maximum(above, below)
    if not core.any():
        return np.zeros_like(rise)
    usual = float(np.median(rise[core]))
    sigma = 1.4826 * float(np.median(np.abs(rise[core] - usual)))
    sure = np.clip(((rise - usual) / max(sigma, 1e-6) - LEAST_SIGMAS) / (SURE_SIGMAS - LEAST_SIGMAS), 0.0, 1.0)
    beside = (np.roll(known, -step, 2) > BESIDE_SHARE) & (np.roll(known, step, 2) > BESIDE_SHARE)
    return sure * np.clip(known / KNOWN_SHARE, 0.0, 1.0) * (core & beside)


def _mean(values: np.ndarray, where: np.ndarray, sigma_mm: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the local mean of the values in a mask, and the share of the surroundings that it was made from."""
    sigma = [s / step for s, step in zip(sigma_mm, (CELL_MM, CELL_MM, STEP_MM), strict=True)]
    total = ndi.gaussian_filter(np.where(where, values, 0.0).astype(np.float32), sigma)
    share = ndi.gaussian_filter(where.astype(np.float32), sigma)
    return total / np.maximum(share, 0.05), share
