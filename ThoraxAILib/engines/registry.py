"""The one registry of engines: found by kind and name, filled by the packages themselves and by entry points."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator

from ThoraxAILib.engines.engine import Engine
from ThoraxAILib.errors import InputError, MissingDependencyError

AUTO = "auto"
ENTRY_POINTS = "thoraxai.engines"
ANY_FAULT = Exception  # of foreign code: importing a plug-in may raise whatever its author did not think of


class Registry:
    """Engines of every kind, in the order in which "auto" tries them: those of the suite, then those of plug-ins.

    Entry points are loaded when a kind is first asked for; ``faults`` names those that could not be used.
    """

    def __init__(self) -> None:
        self._own: dict[tuple[str, str], Engine] = {}
        self._plugged: dict[tuple[str, str], Engine] | None = None
        self._faults: list[str] = []

    def add(self, *engines: Engine) -> None:
        """Take up engines of a package; one of the same kind and name (a module loaded again) is replaced."""
        self._own.update({(engine.kind, engine.name): engine for engine in engines})

    @property
    def faults(self) -> tuple[str, ...]:
        """One sentence for each plug-in that cannot be used."""
        self._plug_ins()
        return tuple(self._faults)

    def engines(self, kind: str) -> tuple[Engine, ...]:
        """All engines of a kind."""
        every = {**self._plug_ins(), **self._own}
        own_first = [*self._own, *(key for key in every if key not in self._own)]
        return tuple(every[key] for key in own_first if key[0] == kind)

    def names(self, kind: str) -> tuple[str, ...]:
        """Names that ``choose`` takes, "auto" first."""
        return (AUTO, *(engine.name for engine in self.engines(kind)))

    def description(self, kind: str, name: str) -> str:
        """One line about an engine, or about what "auto" takes."""
        if name == AUTO:
            return "the first that can run here of " + ", ".join(engine.name for engine in self.engines(kind))
        return self.find(kind, name).description

    def find(self, kind: str, name: str) -> Engine:
        """Return engine of this kind and name, whether it can run or not; raises InputError naming the known ones."""
        for engine in self.engines(kind):
            if engine.name == name:
                return engine
        known = ", ".join(self.names(kind))
        faults = "".join(f" {fault}" for fault in self.faults)
        raise InputError(f"The {kind} '{name}' is not known: choose one of {known}.{faults}")

    def choose(self, kind: str, name: str = AUTO) -> tuple[Engine, str]:
        """Return the engine of this name and why it was taken; "auto" takes the first that can run.

        Raises InputError naming the known ones, MissingDependencyError saying what the one asked for lacks.
        """
        if name != AUTO:
            engine = self.find(kind, name)
            lacks = engine.missing()
            if not lacks:
                return engine, "it was asked for"
            others = ", ".join(other for other in self.names(kind) if other != name)
            raise MissingDependencyError(
                f"The {kind} '{name}' cannot run here, because {lacks}: mend that, or choose one of {others}."
            )
        reasons: list[str] = []
        for engine in self.engines(kind):
            lacks = engine.missing()
            if not lacks:
                return engine, "; ".join(reasons) or "it can run here"
            reasons.append(f"{engine.name} cannot run: {lacks}")
        raise MissingDependencyError(f"No {kind} can run here: {'; '.join(reasons) or 'none is installed'}.")

    def _plug_ins(self) -> dict[tuple[str, str], Engine]:
        if self._plugged is None:
            plugged: dict[tuple[str, str], Engine] = {}
            self._plugged = plugged  # before the loading, which may ask for engines itself
            for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
                self._take_up(point, plugged)
        return self._plugged

    def _take_up(self, point: importlib.metadata.EntryPoint, plugged: dict[tuple[str, str], Engine]) -> None:
        """Add the engines of one entry point, or say why not."""
        origin = f"The engine plug-in '{point.name}'" + (f" of {point.dist.name}" if point.dist is not None else "")
        try:
            found = tuple(_as_engines(point.load()))
        except ANY_FAULT as error:
            self._faults.append(f"{origin} cannot be loaded ({type(error).__name__}): mend or uninstall it.")
            return
        for engine in found:
            key = engine.kind, engine.name
            if key in self._own or key in plugged or engine.name == AUTO:
                self._faults.append(
                    f"{origin} offers the {engine.kind} '{engine.name}', a name that is taken: it is left out."
                )
            else:
                plugged[key] = engine


def _as_engines(found: object) -> Iterator[Engine]:
    """Yield the engines an entry point leads to; raises TypeError for anything else."""
    for engine in found if isinstance(found, Iterable) else (found,):
        if not isinstance(engine, Engine):
            raise TypeError(f"{type(engine).__name__} is no Engine")
        yield engine


REGISTRY = Registry()
