"""The seam where nodule detectors come in."""

from __future__ import annotations

from typing import Protocol

from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from ThoraxAILib.engines.engine import Implementation
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

DETECTOR = "detector"


class Detector(Implementation, Protocol):
    """Anything that proposes nodules in a chest CT.

    ``operating_point`` is the confidence from which its candidates are reported when the person chose no threshold;
    ``fingerprint`` changes whenever its answers may change (a hash of weights or of the parameters); ``device`` is
    where it runs, after work where it really ran.
    """

    @property
    def operating_point(self) -> float:
        """The confidence from which its candidates are reported when the person chose no threshold."""

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU, axes in LPS order), best first, of every confidence."""
        ...
