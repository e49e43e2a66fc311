"""The seam where delineators come in: they say where the nodule ends that a candidate or a click points at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from LungNoduleAILib.delineation.patch import Patch
from LungNoduleAILib.delineation.region import Region
from LungNoduleAILib.model.candidates import Candidate
from ThoraxAILib.engines.engine import Implementation
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import Volume

DELINEATOR = "delineator"


@dataclass(frozen=True, eq=False)
class Site:
    """Where a nodule is to be outlined: a CT in LPS order, the candidate (or a click with a size), and its patch.

    ``allowed`` (bool, voxels of the patch) is where a nodule may extend: the filled lung with its margin.
    """

    volume: Volume
    candidate: Candidate
    patch: Patch
    allowed: np.ndarray

    @property
    def seed_kji(self) -> np.ndarray:
        """The candidate's centre in voxels of the patch."""
        return self.patch.patch_from_full_kji(self.volume.kji_from_ras(np.array(self.candidate.center_ras_mm)))


@dataclass(frozen=True, eq=False)
class Outline:
    """A nodule's region in the patch, its volume where the delineator knows better than the region, and notes.

    A delineator that works on the voxels of the CT itself gives its ``mask`` there, and in ``share`` (float32, voxels
    of the patch) how surely each belongs to the nodule; its axes are then those of the region, as of a reader's
    outline.
    """

    region: Region
    volume_mm3: float | None = None
    notes: tuple[str, ...] = ()
    mask: Mask | None = None
    share: np.ndarray | None = None


class Delineator(Implementation, Protocol):
    """Anything that outlines one nodule.

    ``fingerprint`` changes whenever its answers may change (a hash of weights or the version of its rules); ``device``
    is where it runs, after work where it really ran.
    """

    def outline(self, site: Site) -> Outline | None:
        """Return the nodule at a site; None when nothing there rises above the lung around it."""
        ...
