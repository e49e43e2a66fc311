"""The motion engines of the trained cascade: one pass of its networks, alone or as the start of an optimization."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from CardiacBiomechLib.model.heart_labels import HeartTissue
from CardiacBiomechLib.motion.instance_engine import InstanceEngine, with_threads
from CardiacBiomechLib.motion.presets import DEFAULT_PRESET, PRESETS, MotionPreset
from CardiacBiomechLib.motion.protocol import MOTION_ENGINE, WITHOUT_TORCH
from ThoraxAILib.engines.engine import learned_engine, weights_fingerprint
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import OPENVINO
from ThoraxAILib.networks.weights_file import require_torch
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.result import Registration

SHIPPED_WEIGHTS = Path(__file__).with_name("cine_cascade.pt")
REFINING_LEVELS = 2  # of the preset, that go on from where a cascade ends


@dataclass(frozen=True)
class CascadeEngine:
    """One pass of trained networks; ``refine`` lets instance optimization go on from there.

    OpenVINO cannot warp images between the networks: asked for it, the cascade runs with PyTorch on the CPU.
    """

    weights: Path = SHIPPED_WEIGHTS
    refine: InstanceEngine | None = None
    name: str = "cascade"
    threads: int | None = None
    asked_device: str = "cpu"

    @property
    def device(self) -> str:
        """Where the networks really run."""
        return "cpu" if self.asked_device == OPENVINO else self.asked_device

    @property
    def fingerprint(self) -> str:
        """Of its weights."""
        return weights_fingerprint(self.weights)

    def register(
        self,
        fixed: Volume,
        moving: Volume,
        tissue: HeartTissue | None,
        progress: Progress,
        initial: Field | None = None,
    ) -> Registration:
        """See ``ThoraxAILib.registration.cascade``; a given ``initial`` replaces the networks when refining."""
        if self.refine is None:
            return self._predicted(fixed, moving, progress)
        start = initial
        if start is None:
            start = self._predicted(fixed, moving, progress.part(0.0, 0.1)).field
        return self.refine.register(fixed, moving, tissue, progress.part(0.1, 1.0), start)

    def _predicted(self, fixed: Volume, moving: Volume, progress: Progress) -> Registration:
        require_torch("Motion engines with networks", WITHOUT_TORCH)
        from ThoraxAILib.registration.cascade.predict import predict
        from ThoraxAILib.registration.cascade.weights import load_cascade

        return predict(load_cascade(self.weights), fixed, moving, progress, self.threads, self.device)


def _make(
    device: str,
    preset: MotionPreset = PRESETS[DEFAULT_PRESET],
    weights: Path | None = None,
    threads: int | None = None,
) -> CascadeEngine:
    return CascadeEngine(weights or SHIPPED_WEIGHTS, threads=threads, asked_device=device)


def _make_refined(
    device: str,
    preset: MotionPreset = PRESETS[DEFAULT_PRESET],
    weights: Path | None = None,
    threads: int | None = None,
) -> CascadeEngine:
    chosen = with_threads(preset, threads)
    finer = replace(chosen, instance=replace(chosen.instance, levels=chosen.instance.levels[-REFINING_LEVELS:]))
    return CascadeEngine(weights or SHIPPED_WEIGHTS, InstanceEngine(finer), REFINED.name, threads, device)


ENGINE = learned_engine(
    MOTION_ENGINE,
    "cascade",
    "one pass of networks trained on phantoms, a second per pair; contracts too little where slices lie far apart; "
    "needs PyTorch, CPU or CUDA",
    SHIPPED_WEIGHTS,
    _make,
    own_weights=True,
)
REFINED = learned_engine(
    MOTION_ENGINE,
    "cascade+instance",
    "the cascade, and an optimization that goes on from there; needs PyTorch",
    SHIPPED_WEIGHTS,
    _make_refined,
    own_weights=True,
)
