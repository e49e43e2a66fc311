"""A second outline by the segmentation network, taken where region growing differs from it by far.

Region growing is exact where a nodule lies free in the lung. Attached to a vessel or the wall it may run into them, and
of ground glass it may see the core only. Without PyTorch or weights the first outline stays.
"""

from __future__ import annotations

import importlib.util

import numpy as np

from LungNoduleAILib.delineation.learned import SHIPPED, Delineation, segment_nodule
from LungNoduleAILib.delineation.region import Region
from LungNoduleAILib.measurement.patch import Patch
from LungNoduleAILib.model.candidates import Candidate
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

# Ratio of the two volumes. On synthetic pairs of dates growth is told alike from 1.15 to 1.5, and at 2 many leaks stay:
# Testing/benchmarks/lung_matching.py growth.
FAR_APART = 1.4
LEAST_MM, MOST_MM = 3.0, 40.0  # larger masses are left to region growing, which knows the hull of the lung
NOTE = "Outlined by the segmentation network: region growing gave {0:.1f} times its volume."


def second_outline(
    region: Region, patch: Patch, volume: Volume, candidate: Candidate, allowed: np.ndarray
) -> tuple[Region, float | None, tuple[str, ...]]:
    """The region itself, or in its place the network's with its volume in mm3 and a note; both in ``patch``.

    ``patch`` is a cut of ``volume``. The volume counts voxels above half-way HU: next to a vessel, the blurred skirt
    that ``partial_volume_mm3`` adds is the vessel's.
    """
    seen = _seen(volume, candidate)
    if seen is None:
        return region, None, ()
    mask = _in_patch(seen, patch) & allowed
    ratio = region.mask.sum() / max(int(mask.sum()), 1)
    if not mask.any() or 1 / FAR_APART < ratio < FAR_APART:
        return region, None, ()
    core = (
        float(np.median(patch.hu[mask]))
        if seen.threshold_hu is None
        else (2 * seen.threshold_hu - region.background_hu)
    )
    dense = (patch.hu > 0.5 * (core + region.background_hu)) & allowed
    seen_mm3 = float(seen.mask.array.sum()) * volume.voxel_mm3
    return _region(mask, dense, core, region.background_hu, patch), seen_mm3, (NOTE.format(ratio),)


def _seen(volume: Volume, candidate: Candidate) -> Delineation | None:
    """The network's outline at a candidate; None where it sees none, is not there, or the candidate is a mass."""
    if candidate.diameter_mm > MOST_MM or not SHIPPED.is_file() or importlib.util.find_spec("torch") is None:
        return None
    try:
        return segment_nodule(volume, candidate.center_ras_mm, max(candidate.diameter_mm, LEAST_MM))
    except InputError:  # the network sees no nodule at this point
        return None


def _in_patch(seen: Delineation, patch: Patch) -> np.ndarray:
    """The network's mask on the voxels of the patch."""
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
