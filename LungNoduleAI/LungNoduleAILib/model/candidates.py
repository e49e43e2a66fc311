"""What every nodule detector returns, and the seam where learned ones come in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Candidate:
    """A place that may be a nodule: centre RAS mm, diameter mm, confidence 0..1, and what the detector looked at."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float
    confidence: float
    density: str = "solid"
    kind: str = "nodule"
    features: dict[str, float] = field(default_factory=dict)
