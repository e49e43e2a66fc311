"""The learning rate of every step: a short rise, then a fall along a half cosine or a power of what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """``rate`` is the highest; the first ``warm_up`` steps rise to it in a line.

    "cosine" falls to ``rate * (1 - fall)``; "power" falls as (1 - fall * step / steps) ** ``power``.
    """

    rate: float
    steps: int
    warm_up: int = 0
    shape: Literal["cosine", "power"] = "power"
    fall: float = 1.0
    power: float = 1.0

    def at(self, step: int) -> float:
        """Return the learning rate of a step, the first is 0."""
        rise = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        if self.shape == "cosine":
            left = (1.0 - self.fall) + self.fall * 0.5 * (1 + np.cos(np.pi * (step / self.steps)))
        else:
            left = (1.0 - self.fall * step / self.steps) ** self.power
        return float(self.rate * rise * left)
