"""What every anatomy segmenter returns, and the seam where learned ones come in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.model.findings import QualityNote

RUL, RML, RLL, LUL, LLL, AIRWAY = 1, 2, 3, 4, 5, 6
LOBE_OF_LABEL = {RUL: "RUL", RML: "RML", RLL: "RLL", LUL: "LUL", LLL: "LLL"}
# Values of Anatomy.structures beyond those of Anatomy.labels
LUNG_VESSEL, HEART, AORTA, SPINE, BONE, BODY = 7, 8, 9, 10, 11, 12
STRUCTURE_COUNT = 13
RIGHT_LUNG_LABELS = (RUL, RML, RLL)
LEFT_LUNG_LABELS = (LUL, LLL)


@dataclass(frozen=True)
class LobeBorder:
    """What became of the border between lobes at one fissure.

    ``moved`` says that it was put where the CT shows a fissure; ``vessel_density`` is that of vessels along it relative
    to the lung around, ``seen_share`` the part of it that lies on a bright sheet in the CT.
    """

    fissure: str
    moved: bool
    vessel_density: float
    seen_share: float


@dataclass(frozen=True, eq=False)
class NamedStructures:
    """What a segmenter of many structures found: ``labels`` (uint8, k, j, i), ``names[n]`` the structure of value n."""

    labels: np.ndarray
    names: tuple[str, ...]

    def with_labels(self, labels: np.ndarray) -> NamedStructures:
        """Return the same names around other labels."""
        return NamedStructures(np.ascontiguousarray(labels), self.names)


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Anatomy on the grid of one volume.

    ``labels`` is uint8 (k, j, i): 0 outside, 1 RUL, 2 RML, 3 RLL, 4 LUL, 5 LLL, 6 trachea and main bronchi.
    The lungs are filled: vessels, hila and juxtapleural nodules inside them carry the lobe's label.
    ``structures``, where the segmenter knows them, is uint8 on the same grid: the values of ``labels`` except where
    7 vessels of the lung, 8 heart, 9 aorta, 10 spine, 11 other bone or 12 other body lie. ``lobes_how`` says in a few
    words how approximate lobes were placed. ``named`` is every structure of a published segmenter by its name.
    ``borders`` tells what became of the border at each fissure that was looked for.
    """

    labels: np.ndarray
    quality: tuple[QualityNote, ...] = ()
    lobes_approximate: bool = True
    structures: np.ndarray | None = None
    lobes_how: str = "fissures are placed as planes that avoid vessels, no learned model ran"
    named: NamedStructures | None = None
    borders: tuple[LobeBorder, ...] = ()

    def voxels_of(self, labels: Iterable[int]) -> int:
        """Return how many voxels carry one of these labels, without a mask of them all."""
        return sum(int(np.count_nonzero(plane == label)) for label in labels for plane in self.labels)

    def has_lungs(self) -> bool:
        """Whether any voxel is lung."""
        return any((plane == label).any() for label in LOBE_OF_LABEL for plane in self.labels)

    @property
    def right_lung(self) -> np.ndarray:
        """Right lung, bool (k, j, i)."""
        return (self.labels >= RUL) & (self.labels <= RLL)

    @property
    def left_lung(self) -> np.ndarray:
        """Left lung, bool (k, j, i)."""
        return (self.labels == LUL) | (self.labels == LLL)

    @property
    def lungs(self) -> np.ndarray:
        """Both lungs, bool (k, j, i)."""
        return (self.labels >= RUL) & (self.labels <= LLL)
