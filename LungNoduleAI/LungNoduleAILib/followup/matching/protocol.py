"""The seam where re-identifiers come in: they say how alike nodules of two dates look, without registration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from LungNoduleAILib.followup.matching.evidence import MatchItem
from LungNoduleAILib.followup.matching.lung_frame import LungFrame
from ThoraxAILib.engines.engine import Implementation
from ThoraxAILib.image.volume import Volume

REIDENTIFIER = "re-identifier"


@dataclass(frozen=True, eq=False)
class DatedNodules:
    """The nodules of one date in their CT (HU); ``frame`` places them in the lungs, None leaves their place out."""

    volume: Volume
    items: Sequence[MatchItem]
    frame: LungFrame | None


class Reidentifier(Implementation, Protocol):
    """Anything that tells the same nodule on two dates from others by what it looks like.

    ``fingerprint`` changes whenever its answers may change; ``device`` is where it runs, after work where it really
    ran.
    """

    def likeness(self, prior: DatedNodules, current: DatedNodules) -> np.ndarray | None:
        """Likeness (n_prior, n_current), -1 to 1, of all pairs; None from one that has no opinion."""
        ...
