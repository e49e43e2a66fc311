"""What every nodule detector returns, and the seam where learned ones come in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from LungNoduleAILib.model.anatomy import Anatomy
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress


@dataclass(frozen=True)
class Candidate:
    """A place that may be a nodule: centre RAS mm, diameter mm, confidence 0..1, and what the detector looked at."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float
    confidence: float
    density: str = "solid"
    kind: str = "nodule"
    features: dict[str, float] = field(default_factory=dict)


class Detector(Protocol):
    """Anything that proposes nodules in a chest CT.

    ``operating_point`` is the confidence from which its candidates are reported when the person chose no threshold;
    ``fingerprint`` changes whenever its answers may change (a hash of weights or of the parameters).
    """

    name: str
    operating_point: float
    fingerprint: str

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU, axes in LPS order), best first, of every confidence."""
        ...
