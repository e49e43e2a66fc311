"""The motion engine that optimizes each pair of frames: the default, without weights."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path

from CardiacBiomechLib.model.heart_labels import HeartTissue
from CardiacBiomechLib.motion.presets import DEFAULT_PRESET, PRESETS, MotionPreset
from CardiacBiomechLib.motion.protocol import MOTION_ENGINE, WITHOUT_TORCH
from ThoraxAILib.engines.engine import INSTALL_TORCH, SUITE_LICENCE, Engine
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.weights_file import require_torch
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.result import Registration

FINGERPRINT = "instance-1"  # the preset, which the report names beside it, decides the rest


@dataclass(frozen=True)
class InstanceEngine:
    """Multi-resolution instance optimization with tissue, by PyTorch on the CPU; needs no weights."""

    preset: MotionPreset = PRESETS[DEFAULT_PRESET]
    name: str = "instance"
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
        """See ``ThoraxAILib.registration.instance.register``; raises MissingDependencyError without PyTorch."""
        require_torch("Motion engines that optimize", WITHOUT_TORCH)
        from ThoraxAILib.registration.instance import register

        stiffness = None if tissue is None else tissue.stiffness("fixed", self.preset.bulk)
        return register(fixed, moving, self.preset.instance, stiffness, initial=initial, progress=progress)


def with_threads(preset: MotionPreset, threads: int | None) -> MotionPreset:
    """Return the preset with a number of processor threads."""
    return replace(preset, instance=replace(preset.instance, threads=threads))


def _make(
    _device: str,
    preset: MotionPreset = PRESETS[DEFAULT_PRESET],
    weights: Path | None = None,
    threads: int | None = None,
) -> InstanceEngine:
    return InstanceEngine(with_threads(preset, threads))


def _missing() -> str:
    return f"PyTorch is not installed ({INSTALL_TORCH})" if importlib.util.find_spec("torch") is None else ""


ENGINE = Engine(
    MOTION_ENGINE,
    "instance",
    "optimizes each pair of frames with the stiffness of the heart's parts; needs PyTorch, CPU",
    SUITE_LICENCE,
    _make,
    version=FINGERPRINT,
    missing=_missing,
)
