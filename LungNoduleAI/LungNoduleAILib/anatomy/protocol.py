"""The seam where anatomy segmenters come in."""

from __future__ import annotations

from typing import Protocol

from LungNoduleAILib.model.anatomy import Anatomy
from ThoraxAILib.engines.engine import Implementation
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

ANATOMY_SEGMENTER = "anatomy segmenter"


class AnatomySegmenter(Implementation, Protocol):
    """Anything that finds lungs, lobes and airways in a chest CT.

    ``fingerprint`` changes whenever its answers may change (a hash of weights or of the parameters); ``device`` is
    where it runs, after work where it really ran.
    """

    def segment(self, volume: Volume, progress: Progress) -> Anatomy:
        """Anatomy on the grid of ``volume`` (HU, axes in LPS order); odd anatomy is told in quality, not raised."""
        ...
