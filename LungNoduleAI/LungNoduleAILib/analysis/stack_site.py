"""A nodule of a folder of stacks as the analysis meets one: padded, all lung around it, with a candidate on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.datasets.nodule_stacks import PAD_SLICES, NoduleStack, Padding, padded, person_number
from LungNoduleAILib.delineation.patch import cut_patch
from LungNoduleAILib.delineation.protocol import Delineator, Site
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import measure
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

MIN_MM = 3.0
LOBE_LABEL = 3  # which lobe is all the same: a stack shows none


@dataclass(frozen=True, eq=False)
class StackSite:
    """``volume`` is the padded stack, ``truth`` its consensus there, ``candidate`` lies in its middle with its size."""

    volume: Volume
    truth: np.ndarray
    candidate: Candidate
    anatomy: Anatomy

    @staticmethod
    def of(stack: NoduleStack, seed: int, padding: Padding = "removed") -> StackSite:
        """Pad a stack, its noise a function of ``seed`` and the person, and point at its nodule."""
        rng = np.random.default_rng((seed, person_number(stack.person)))
        volume = padded(stack, rng, padding)
        truth = on_padded(stack.consensus)
        candidate = Candidate(place_of(volume, stack.middle_kji), max(stack.diameter_mm, MIN_MM), 1.0)
        return StackSite(volume, truth, candidate, Anatomy(np.full(truth.shape, LOBE_LABEL, np.uint8)))

    def site(self) -> Site:
        """Return what a delineator is given."""
        center = self.volume.kji_from_ras(np.array(self.candidate.center_ras_mm))
        patch = cut_patch(self.volume, self.anatomy, center, self.candidate.diameter_mm)
        return Site(self.volume, self.candidate, patch, np.ones(patch.hu.shape, bool))

    def measured(self, delineator: Delineator) -> Finding | None:
        """Return the finding that the analysis reports for the candidate."""
        depth = LungDepth(self.volume, self.anatomy)
        return measure(self.volume, self.anatomy, depth, self.candidate, "told", delineator)


def on_padded(mask: np.ndarray) -> np.ndarray:
    """Return a mask of a stack on its padded form."""
    return np.pad(mask, ((PAD_SLICES, PAD_SLICES), (0, 0), (0, 0)))


def place_of(volume: Volume, kji: np.ndarray) -> tuple[float, float, float]:
    """Return the RAS place of a voxel of a stack in its padded form."""
    return three(float(x) for x in volume.ras_from_kji(np.asarray(kji, dtype=float) + np.array([PAD_SLICES, 0, 0])))
