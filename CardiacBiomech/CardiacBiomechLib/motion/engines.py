"""The registration engines a motion estimate can use, by name; PyTorch is loaded only by those that need it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from CardiacBiomechLib.model.heart_labels import HeartTissue
from CardiacBiomechLib.motion.presets import DEFAULT_PRESET, PRESETS, MotionPreset, preset
from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.result import Registration

SHIPPED_WEIGHTS = Path(__file__).with_name("cine_cascade.pt")
REFINING_LEVELS = 2  # of the preset, that go on from where a cascade ends


class Engine(Protocol):
    """Finds the field on the fixed grid that makes the moving frame look like the fixed one."""

    name: str

    def register(
        self,
        fixed: Volume,
        moving: Volume,
        tissue: HeartTissue | None,
        progress: Progress,
        initial: Field | None = None,
    ) -> Registration:
        """Both frames on one grid; engines that cannot use ``tissue`` or ``initial`` (a Field) ignore them."""


@dataclass(frozen=True)
class InstanceEngine:
    """Multi-resolution instance optimization with tissue: the embedded default, needs no weights."""

    preset: MotionPreset = PRESETS[DEFAULT_PRESET]
    name: str = "instance"

    def register(
        self,
        fixed: Volume,
        moving: Volume,
        tissue: HeartTissue | None,
        progress: Progress,
        initial: Field | None = None,
    ) -> Registration:
        """See ``ThoraxAILib.registration.instance.register``."""
        require_torch()
        from ThoraxAILib.registration.instance import register

        stiffness = None if tissue is None else tissue.stiffness("fixed", self.preset.bulk)
        return register(fixed, moving, self.preset.instance, stiffness, initial=initial, progress=progress)


@dataclass(frozen=True)
class CascadeEngine:
    """One pass of trained networks; ``refine`` lets instance optimization go on from there."""

    weights: Path = SHIPPED_WEIGHTS
    refine: InstanceEngine | None = None
    name: str = "cascade"
    threads: int | None = None

    def register(
        self,
        fixed: Volume,
        moving: Volume,
        tissue: HeartTissue | None,
        progress: Progress,
        initial: Field | None = None,
    ) -> Registration:
        """See ``ThoraxAILib.registration.cascade``; a given ``initial`` replaces the networks when refining."""
        require_torch()
        from ThoraxAILib.registration.cascade.predict import predict
        from ThoraxAILib.registration.cascade.weights import load_cascade

        if self.refine is None:
            return predict(load_cascade(self.weights), fixed, moving, progress, self.threads)
        start = initial
        if start is None:
            start = predict(load_cascade(self.weights), fixed, moving, progress.part(0.0, 0.1), self.threads).field
        return self.refine.register(fixed, moving, tissue, progress.part(0.1, 1.0), start)


@dataclass(frozen=True)
class DemonsEngine:
    """SimpleITK's diffeomorphic Demons: no PyTorch, no tissue."""

    name: str = "demons"

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


NAMES = ("instance", "cascade", "cascade+instance", "demons")


def engine(
    name: str, preset_name: str = DEFAULT_PRESET, weights: Path | None = None, threads: int | None = None
) -> Engine:
    """The engine of this name with a preset and, for cascades, weights; raises InputError for unknown names."""
    chosen = preset(preset_name)
    chosen = replace(chosen, instance=replace(chosen.instance, threads=threads))
    if name == "instance":
        return InstanceEngine(chosen)
    if name == "cascade":
        return CascadeEngine(weights or SHIPPED_WEIGHTS, threads=threads)
    if name == "cascade+instance":
        finer = replace(chosen, instance=replace(chosen.instance, levels=chosen.instance.levels[-REFINING_LEVELS:]))
        return CascadeEngine(weights or SHIPPED_WEIGHTS, InstanceEngine(finer), name, threads)
    if name == "demons":
        return DemonsEngine()
    raise InputError(f"There is no registration engine named {name}: choose one of {', '.join(NAMES)}.")


@dataclass(frozen=True)
class EngineOptions(Options):
    """Which engine finds the motion, and how."""

    engine: str = option("instance", "what finds the motion", label="registration engine", choices=NAMES)
    preset: str = option(DEFAULT_PRESET, "what to be best at", choices=tuple(PRESETS))
    weights: Path | None = option(None, "weights of your own for the cascade", metavar="FILE")
    threads: int | None = option(
        None, "processor threads (default: all cores but one, at most 4)", label="number of threads", at_least=1
    )

    def make(self) -> Engine:
        """The engine."""
        return engine(self.engine, self.preset, self.weights, self.threads)

    def recorded(self) -> dict:
        """The choice as it is recorded; weights by their name, since a path may name a person."""
        return {**self.to_dict(), "weights": None if self.weights is None else self.weights.name}


def require_torch() -> None:
    """Raise MissingDependencyError unless PyTorch can be imported."""
    import importlib.util

    if importlib.util.find_spec("torch") is None:
        raise MissingDependencyError(
            "PyTorch is needed for this registration engine: install it with pip install "
            '"thoraxai[learning]", or use --engine demons.'
        )
