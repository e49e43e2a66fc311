"""The learned delineator: the outline of the segmentation network, at the size that the detector tells.

On real nodules the network is nearer to readers than region growing everywhere; where it sees nothing, region growing
stands in and the outline says so. Where it takes in much more than the detector saw, a vessel or the wall that a nodule
lies against, its outline is cut at the detector's size.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from LungNoduleAILib.delineation.classical import CUT_NOTE, ClassicalDelineator
from LungNoduleAILib.delineation.cubes import sampled
from LungNoduleAILib.delineation.learned import MAX_MM, MIN_MM, SHIPPED, NoduleNetwork
from LungNoduleAILib.delineation.looks import Delineation
from LungNoduleAILib.delineation.patch import Patch
from LungNoduleAILib.delineation.protocol import DELINEATOR, Outline, Site
from LungNoduleAILib.delineation.region import Region, background_hu, distance_from
from ThoraxAILib.engines.engine import learned_engine, weights_fingerprint
from ThoraxAILib.errors import InputError

CORE_SHARE = 0.9  # voxels this sure tell the HU of the core
# Detectors tell the diameter of a small nodule to about a fifth (held-out setting); what they see of a large one may be
# a part of it. An outline FAR_LARGER times as wide is cut at REACH diameters and REACH_MM from the middle.
SMALL_MM, FAR_LARGER = 15.0, 1.75
REACH, REACH_MM = 0.6, 0.5
NOTE = "Outlined by region growing: the segmentation network sees no nodule at this point."


class LearnedDelineator:
    """Outlines by the segmentation network, by region growing where that sees nothing; needs PyTorch."""

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
        """Return the nodule at a site; see Delineator. Its volume lies inside the outline, not yet cut into voxels."""
        seen = self._seen(site)
        if seen is None:
            grown = self._grown.outline(site)
            return None if grown is None else replace(grown, notes=(NOTE, *grown.notes))
        share = _share_in_patch(seen, site.patch)
        mask = _mask_in_patch(seen, site.patch)
        if not mask.any():
            return None
        return Outline(_region(mask, share, site), seen.volume_mm3, seen.notes, seen.mask, share)

    def _seen(self, site: Site) -> Delineation | None:
        """Return the network's outline at a candidate; None where it sees none."""
        candidate = site.candidate
        size = float(np.clip(candidate.diameter_mm, MIN_MM, MAX_MM))
        try:
            seen = self._network.segment(site.volume, candidate.center_ras_mm, size)
            if size < SMALL_MM and seen.diameter_mm > FAR_LARGER * size:
                reach_mm = REACH * size + REACH_MM
                seen = self._network.segment_within(site.volume, candidate.center_ras_mm, size, reach_mm, CUT_NOTE)
            return seen
        except InputError:  # the network sees no nodule at this point
            return None


def _places(patch: Patch, first: tuple[int, int, int]) -> list[np.ndarray]:
    """Positions of the voxels of a patch along each axis, in voxels of the CT counted from ``first``."""
    return [
        np.arange(n) * scale + offset - start
        for n, scale, offset, start in zip(patch.hu.shape, patch.scale_kji, patch.offset_kji, first, strict=True)
    ]


def _share_in_patch(seen: Delineation, patch: Patch) -> np.ndarray:
    """Return the network's chance on the voxels of the patch, 0 beyond what it looked at."""
    around = np.pad(seen.share, 1)
    return sampled(around, [np.clip(places + 1, 0, None) for places in _places(patch, seen.share_offset_kji)])


def _mask_in_patch(seen: Delineation, patch: Patch) -> np.ndarray:
    """Return the network's mask on the voxels of the patch."""
    along = [np.rint(places).astype(int) for places in _places(patch, seen.mask.offset_kji)]
    held = [(at >= 0) & (at < n) for at, n in zip(along, seen.mask.array.shape, strict=True)]
    mask = np.zeros(patch.hu.shape, dtype=bool)
    mask[np.ix_(*held)] = seen.mask.array[np.ix_(*(at[h] for at, h in zip(along, held, strict=True)))]
    return mask


def _region(mask: np.ndarray, share: np.ndarray, site: Site) -> Region:
    import edt

    patch, size_mm = site.patch, site.candidate.diameter_mm
    inside_mm = edt.edt(mask, anisotropy=tuple(float(s) for s in patch.spacing_kji_mm), black_border=False)
    center = np.array(np.unravel_index(int(np.argmax(inside_mm)), mask.shape))
    background = background_hu(patch.hu, distance_from(center, patch.hu.shape, patch.spacing_kji_mm), size_mm)
    sure = mask & (share > CORE_SHARE)
    core = float(np.median(patch.hu[sure if sure.any() else mask]))
    dense = (patch.hu > 0.5 * (core + background)) & site.allowed
    return Region(mask, dense | mask, center, float(inside_mm.max()), core, background)


ENGINE = learned_engine(
    DELINEATOR,
    LearnedDelineator.name,
    "a network trained on synthetic bodies and on nodules that readers outlined; needs PyTorch",
    SHIPPED,
    LearnedDelineator,
)
