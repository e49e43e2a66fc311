"""ChosenEngine: one engine of one run: it is what runs, and it is what the run record names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from ThoraxAILib.engines.engine import Engine, Implementation
from ThoraxAILib.engines.registry import AUTO, REGISTRY, Registry
from ThoraxAILib.jobs.run_record import RunModel

Made = TypeVar("Made", bound=Implementation)


@dataclass(frozen=True, eq=False)
class ChosenEngine(Generic[Made]):
    """An engine, why it was taken, and the device chosen for it; made on first use and then kept.

    ``settings`` go to ``Engine.make`` by name, for kinds that take some.
    """

    engine: Engine
    reason: str
    asked_device: str = "cpu"
    settings: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def made(self) -> Made:
        """The implementation itself; raises InputError for unusable weights, MissingDependencyError without PyTorch."""
        return self.engine.make(self.asked_device, **self.settings)

    @property
    def name(self) -> str:
        """Name by which it is chosen."""
        return self.engine.name

    @property
    def fingerprint(self) -> str:
        """Fingerprint of what was made, before that of the engine itself."""
        if "made" in self.__dict__:
            return self.made.fingerprint
        if self.engine.fingerprint_with is not None:
            return self.engine.fingerprint_with(**self.settings)
        return self.engine.fingerprint

    @property
    def device(self) -> str:
        """Where it really ran; before it is made, where it is going to."""
        if "made" in self.__dict__:
            return self.made.device
        return self.asked_device if self.engine.uses_device else "cpu"

    def model(self, role: str) -> RunModel:
        """Return the entry of the run record."""
        return RunModel(role, self.name, self.fingerprint, self.device, self.engine.rules)


def choose(kind: str, name: str = AUTO, device: str = "cpu", registry: Registry = REGISTRY) -> ChosenEngine:
    """Return the engine of a kind by name for a device that was selected; raises as ``Registry.choose`` does."""
    engine, reason = registry.choose(kind, name)
    return ChosenEngine(engine, reason, device)
