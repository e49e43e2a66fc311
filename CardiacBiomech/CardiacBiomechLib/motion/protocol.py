"""The seam where motion engines come in: they find the motion between two frames of a cine."""

from __future__ import annotations

from typing import Protocol

from CardiacBiomechLib.model.heart_labels import HeartTissue
from ThoraxAILib.engines.engine import Implementation
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.result import Registration

MOTION_ENGINE = "motion engine"
WITHOUT_TORCH = "use --engine demons"


class MotionEngine(Implementation, Protocol):
    """Finds the field on the fixed grid that makes the moving frame look like the fixed one.

    ``fingerprint`` changes whenever its answers may change; ``device`` is where it really runs. Its Engine is made with
    ``make(device, preset=..., weights=..., threads=...)``, and ignores what it has no use for.
    """

    def register(
        self,
        fixed: Volume,
        moving: Volume,
        tissue: HeartTissue | None,
        progress: Progress,
        initial: Field | None = None,
    ) -> Registration:
        """Both frames on one grid; engines that cannot use ``tissue`` or ``initial`` (a Field) ignore them."""
        ...
