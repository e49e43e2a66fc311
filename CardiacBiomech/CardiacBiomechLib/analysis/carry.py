"""Labels of one frame carried to another with the help of a segmenter that saw both frames.

In the order of the method: segment both frames, see whether the segmenter agrees with the given labels, register, carry
the labels, correct them by what was seen. Without agreement the motion goes alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from CardiacBiomechLib.model.heart_labels import ACDC, HeartLabels
from CardiacBiomechLib.motion.guidance import Seen, corrected
from CardiacBiomechLib.motion.propagate import Propagation, check_inputs, propagate
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.motion.volumes import dice, ejections
from CardiacBiomechLib.segmentation.engines import SegmenterOptions
from CardiacBiomechLib.segmentation.protocol import HeartSegmenter
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

AUTO, SEGMENTATION, NONE = "auto", "segmentation", "none"
GUIDES = (AUTO, SEGMENTATION, NONE)
AGREEMENT = 0.6  # least Dice of wall and cavity between segmenter and given labels


@dataclass(frozen=True, eq=False)
class Guided:
    """A propagation, and whether a segmenter helped: ``reason`` says why (not); ``agreement`` is its Dice by part.

    ``left_slices`` are end slices (from 0) that the left ventricle was found to have left.
    """

    propagation: Propagation
    used: bool
    reason: str
    agreement: dict[str, float]
    left_slices: list[int] = field(default_factory=list)
    segmenter: ChosenEngine[HeartSegmenter] | None = None

    def as_json(self, asked: str) -> dict:
        """Return the report of the propagation with what helped it."""
        told = {
            "asked": asked,
            "used": self.used,
            "reason": self.reason,
            "agreement": {part: round(value, 4) for part, value in self.agreement.items()},
            "left_slices": [k + 1 for k in self.left_slices],
            "models": [] if self.segmenter is None else [vars(self.segmenter.model("segmentation"))],
        }
        return {**self.propagation.as_json(), "guide": told}


def carry(
    labeled: Volume,
    labels: Volume,
    other: Volume,
    engine: MotionEngine,
    order: str = "auto",
    guide: str = AUTO,
    segmenter: SegmenterOptions | None = None,
    progress: Progress | None = None,
) -> Guided:
    """Carry ``labels`` of the frame ``labeled`` to the frame ``other``, helped by a segmenter as ``guide`` says.

    "auto" goes without help where no segmenter can run, finds no heart or disagrees with the given labels;
    "segmentation" raises InputError then. Raises InputError, MissingDependencyError, Cancelled.
    """
    if guide not in GUIDES:
        raise InputError(f"There is no guide named {guide}: use {', '.join(GUIDES[:-1])} or {GUIDES[-1]}.")
    progress = progress or Progress()
    parts = check_inputs(labeled, labels, other, order)
    if guide == NONE:
        return Guided(propagate(labeled, labels, other, engine, order, progress=progress), False, "not asked for", {})
    try:
        chosen = (segmenter or SegmenterOptions()).choose()
        seen = chosen.made.segment((labeled, other), progress.part(0.0, 0.2))
    except (InputError, MissingDependencyError) as error:
        if guide == SEGMENTATION:
            raise
        alone = propagate(labeled, labels, other, engine, order, progress=progress.part(0.2, 1.0))
        return Guided(alone, False, str(error), {})
    in_own_values = [_renumbered(volume.array, parts) for volume in seen]
    agreement = {name: dice(in_own_values[0], labels.array, value) for name, value in parts.parts().items()}
    if not min(agreement["LV"], agreement["MYO"]) >= AGREEMENT:
        reason = f"the segmenter and the given labels agree too little (Dice of the cavity {agreement['LV']:.2f})"
        if guide == SEGMENTATION:
            raise InputError(f"{reason[0].upper()}{reason[1:]}: check the labels, or use --guide none.")
        alone = propagate(labeled, labels, other, engine, order, progress=progress.part(0.2, 1.0))
        return Guided(alone, False, reason, agreement, segmenter=chosen)
    found = propagate(labeled, labels, other, engine, order, progress=progress.part(0.2, 1.0))
    kept, left = corrected(found.labels, labels.array, Seen(*in_own_values), parts)
    helped = replace(found, labels=kept, ejections=ejections(labels, kept, found.motion, parts))
    return Guided(helped, True, "the segmenter agrees with the labels", agreement, left, chosen)


def _renumbered(acdc: np.ndarray, parts: HeartLabels) -> np.ndarray:
    """Return labels in the values that ``parts`` says; a right cavity that it does not know goes."""
    result = np.zeros_like(acdc)
    for name, value in parts.parts().items():
        result[acdc == ACDC.parts()[name]] = value
    return result
