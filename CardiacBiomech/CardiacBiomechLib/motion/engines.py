"""The motion engine of one run, chosen once from the registry; the cardiac module's own engines come to it here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.motion import cascade_engine, demons_engine, instance_engine
from CardiacBiomechLib.motion.presets import DEFAULT_PRESET, LABEL_PRESET, PRESETS, preset
from CardiacBiomechLib.motion.protocol import MOTION_ENGINE, MotionEngine
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.engines.registry import REGISTRY, Registry
from ThoraxAILib.networks.device import DEVICES, select_device
from ThoraxAILib.options import Options, option

# in the order in which "auto" tries them
ENGINES = (instance_engine.ENGINE, cascade_engine.ENGINE, cascade_engine.REFINED, demons_engine.ENGINE)
REGISTRY.add(*ENGINES)
NAMES = tuple(make_engine.name for make_engine in ENGINES)
ROLE = "motion"


def choose_motion_engine(
    name: str,
    preset_name: str = DEFAULT_PRESET,
    weights: Path | None = None,
    threads: int | None = None,
    device: str = "auto",
    registry: Registry = REGISTRY,
) -> ChosenEngine[MotionEngine]:
    """Return the engine of this name with a preset and, for cascades, weights and a device; nothing is loaded yet.

    Raises InputError for unknown names or a device that is not there, MissingDependencyError for one that cannot run.
    """
    settings = {"preset": preset(preset_name), "weights": weights, "threads": threads}
    engine, reason = registry.choose(MOTION_ENGINE, name)
    if device != "auto" or engine.uses_device:
        device, _reason = select_device(device)
    return ChosenEngine(engine, reason, device if engine.uses_device else "cpu", settings)


@dataclass(frozen=True)
class EngineOptions(Options):
    """Which engine finds the motion, how, and where its networks run."""

    engine: str = option("instance", "what finds the motion", label="motion engine", metavar="|".join(NAMES))
    preset: str = option(DEFAULT_PRESET, "what to be best at", choices=tuple(PRESETS))
    weights: Path | None = option(None, "weights of your own for the cascade", metavar="FILE")
    threads: int | None = option(
        None, "processor threads (default: all cores but one, at most 4)", label="number of threads", at_least=1
    )
    device: str = option("auto", "where networks run", choices=DEVICES)

    def choose(self) -> ChosenEngine[MotionEngine]:
        """Return the engine of a run; raises as ``choose_motion_engine`` does."""
        return choose_motion_engine(self.engine, self.preset, self.weights, self.threads, self.device)

    def recorded(self) -> dict:
        """Return the choice as it is recorded; weights by their name, since a path may name a person."""
        return {**self.to_dict(), "weights": None if self.weights is None else self.weights.name}

    def reported(self, chosen: ChosenEngine[MotionEngine]) -> dict:
        """Return what a report says of the engine that ran: name, preset, and as in run.json fingerprint and device."""
        return {"engine": chosen.name, "preset": self.preset, "models": [vars(chosen.model(ROLE))]}


@dataclass(frozen=True)
class LabelEngineOptions(EngineOptions, Options):
    """The same where labels are what is wanted: the preset that follows contours most closely."""

    preset: str = option(LABEL_PRESET, "what to be best at", choices=tuple(PRESETS))


def make_engine(
    name: str, preset_name: str = DEFAULT_PRESET, weights: Path | None = None, threads: int | None = None
) -> MotionEngine:
    """Return the engine of this name, made for the CPU; raises as ``choose_motion_engine`` does."""
    return choose_motion_engine(name, preset_name, weights, threads, "cpu").made
