"""The choice of no re-identification: registration and position alone say which nodule is which."""

from __future__ import annotations

from LungNoduleAILib.followup.matching.protocol import REIDENTIFIER, DatedNodules
from ThoraxAILib.engines.engine import SUITE_LICENCE, Engine

NONE = "none"


class NoReidentifier:
    """Has no opinion on any pair."""

    name = NONE
    fingerprint = NONE
    device = "cpu"

    def likeness(self, prior: DatedNodules, current: DatedNodules) -> None:
        """No opinion; see Reidentifier."""


ENGINE = Engine(
    REIDENTIFIER,
    NONE,
    "nodules are matched by registration and position alone",
    SUITE_LICENCE,
    lambda device: NoReidentifier(),
    version=NONE,
)
