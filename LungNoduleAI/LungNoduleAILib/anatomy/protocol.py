"""The seam where anatomy segmenters come in."""

from __future__ import annotations

from typing import Protocol

from LungNoduleAILib.model.anatomy import Anatomy
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress


class AnatomySegmenter(Protocol):
    """Anything that finds lungs, lobes and airways in a chest CT."""

    @property
    def name(self) -> str:
        """What options and records call it."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever its answers may change: a hash of weights or of the parameters."""

    def segment(self, volume: Volume, progress: Progress) -> Anatomy:
        """Anatomy on the grid of ``volume`` (HU, axes in LPS order); odd anatomy is told in quality, not raised."""
        ...
