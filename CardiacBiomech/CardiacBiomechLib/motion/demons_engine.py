"""The motion engine without PyTorch: SimpleITK's diffeomorphic Demons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.model.heart_labels import HeartTissue
from CardiacBiomechLib.motion.presets import MotionPreset
from CardiacBiomechLib.motion.protocol import MOTION_ENGINE
from ThoraxAILib.engines.engine import SUITE_LICENCE, Engine
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.result import Registration

FINGERPRINT = "demons-1"


@dataclass(frozen=True)
class DemonsEngine:
    """SimpleITK's diffeomorphic Demons: no PyTorch, no tissue."""

    name: str = "demons"
    fingerprint: str = FINGERPRINT
    device: str = "cpu"

    def register(
        self,
        fixed: Volume,
        moving: Volume,
        tissue: HeartTissue | None,
        progress: Progress,
        initial: Field | None = None,
    ) -> Registration:
        """See ``ThoraxAILib.registration.demons.register_demons``."""
        from ThoraxAILib.registration.demons import register_demons

        return register_demons(fixed, moving, progress)


def _make(
    _device: str, preset: MotionPreset | None = None, weights: Path | None = None, threads: int | None = None
) -> DemonsEngine:
    return DemonsEngine()


ENGINE = Engine(
    MOTION_ENGINE,
    "demons",
    "diffeomorphic Demons of SimpleITK; no PyTorch, no stiffness of tissue",
    SUITE_LICENCE,
    _make,
    version=FINGERPRINT,
)
