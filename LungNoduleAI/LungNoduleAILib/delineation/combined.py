"""The learned delineator: region growing, and the network's outline where the two differ by far.

Region growing is exact where a nodule lies free in the lung. Attached to a vessel or the wall it may run into them, and
of ground glass it may see the core only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungNoduleAILib.delineation.classical import ClassicalDelineator
from LungNoduleAILib.delineation.learned import SHIPPED, Delineation, NoduleNetwork
from LungNoduleAILib.delineation.patch import Patch
from LungNoduleAILib.delineation.protocol import DELINEATOR, Outline, Site
from LungNoduleAILib.delineation.region import Region
from ThoraxAILib.engines.engine import learned_engine, weights_fingerprint
from ThoraxAILib.errors import InputError

# Ratio of the two volumes. On synthetic pairs of dates growth is told alike from 1.15 to 1.5, and at 2 many leaks stay:
# Testing/benchmarks/lung_matching.py growth.
FAR_APART = 1.4
MIN_MM, MAX_MM = 3.0, 40.0  # larger masses are left to region growing, which knows the hull of the lung
NOTE = "Outlined by the segmentation network: region growing gave {0:.1f} times its volume."


class LearnedDelineator:
    """Outlines by region growing, checked and where need be replaced by the segmentation network; needs PyTorch."""

    name = "learned"

    def __init__(self, device: str = "cpu", weights: Path = SHIPPED) -> None:
        """Raise InputError for a file without such weights, MissingDependencyError without PyTorch."""
        self._network = NoduleNetwork(weights, device)
        self._grown = ClassicalDelineator()
        self.fingerprint = weights_fingerprint(weights)

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self._network.device

    def outline(self, site: Site) -> Outline | None:
        """Return the nodule at a site; see Delineator.

        The network's volume counts voxels above half-way HU: next to a vessel, the blurred skirt that
        ``partial_volume_mm3`` adds is the vessel's.
        """
        grown = self._grown.outline(site)
        seen = None if grown is None else self._seen(site)
        if grown is None or seen is None:
            return grown
        region, patch = grown.region, site.patch
        mask = _in_patch(seen, patch) & site.allowed
        ratio = region.mask.sum() / max(int(mask.sum()), 1)
        if not mask.any() or 1 / FAR_APART < ratio < FAR_APART:
            return grown
        core = (
            float(np.median(patch.hu[mask]))
            if seen.threshold_hu is None
            else (2 * seen.threshold_hu - region.background_hu)
        )
        dense = (patch.hu > 0.5 * (core + region.background_hu)) & site.allowed
        seen_mm3 = float(seen.mask.array.sum()) * site.volume.voxel_mm3
        return Outline(_region(mask, dense, core, region.background_hu, patch), seen_mm3, (NOTE.format(ratio),))

    def _seen(self, site: Site) -> Delineation | None:
        """Return the network's outline at a candidate; None where it sees none or the candidate is a mass."""
        candidate = site.candidate
        if candidate.diameter_mm > MAX_MM:
            return None
        try:
            return self._network.segment(site.volume, candidate.center_ras_mm, max(candidate.diameter_mm, MIN_MM))
        except InputError:  # the network sees no nodule at this point
            return None


def _in_patch(seen: Delineation, patch: Patch) -> np.ndarray:
    """Return the network's mask on the voxels of the patch."""
    along = [
        np.rint(np.arange(n) * scale + offset).astype(int) - first
        for n, scale, offset, first in zip(
            patch.hu.shape, patch.scale_kji, patch.offset_kji, seen.mask.offset_kji, strict=True
        )
    ]
    held = [(at >= 0) & (at < n) for at, n in zip(along, seen.mask.array.shape, strict=True)]
    mask = np.zeros(patch.hu.shape, dtype=bool)
    mask[np.ix_(*held)] = seen.mask.array[np.ix_(*(at[h] for at, h in zip(along, held, strict=True)))]
    return mask


def _region(mask: np.ndarray, dense: np.ndarray, core_hu: float, background_hu: float, patch: Patch) -> Region:
    import edt

    inside_mm = edt.edt(mask, anisotropy=tuple(float(s) for s in patch.spacing_kji_mm), black_border=False)
    center = np.array(np.unravel_index(int(np.argmax(inside_mm)), mask.shape))
    return Region(mask, dense | mask, center, float(inside_mm.max()), core_hu, background_hu)


ENGINE = learned_engine(
    DELINEATOR,
    LearnedDelineator.name,
    "region growing, and a network trained on synthetic bodies where the two differ by far; needs PyTorch",
    SHIPPED,
    LearnedDelineator,
)
