"""What the commands of the worklist are asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LungNoduleAILib.triage.queue import Worklist
from ThoraxAILib.options import Options, option


@dataclass(frozen=True)
class TriageSimulateRequest(Options):
    """A worklist and the device that flags cases on it."""

    traffic: float = option(0.8, "load of all readers, 0 to 1", more_than=0.0)
    readers: int = option(1, "who read at the same time", at_least=1)
    read_minutes: float = option(10.0, "mean reading time, minutes", more_than=0.0)
    prevalence: float = option(0.1, "share of diseased cases", at_least=0.0, at_most=1.0)
    sensitivity: float = option(0.9, "share of diseased cases that are flagged", at_least=0.0, at_most=1.0)
    false_positive_fraction: float = option(0.1, "share of healthy cases that are flagged", at_least=0.0, at_most=1.0)
    cases: int = option(
        100_000, "of the event simulation beside the formula; 0: none", label="number of cases", at_least=0
    )
    seed: int = option(0, "of the simulation", at_least=0)
    output: Path | None = option(None, "also write the numbers as JSON", metavar="FILE")

    @property
    def worklist(self) -> Worklist:
        """The worklist; raises InputError for one that only grows."""
        names = ("traffic", "readers", "read_minutes", "prevalence", "sensitivity", "false_positive_fraction")
        return Worklist(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True)
class TriageRequest(Options):
    """Which analyzed cases to put in reading order."""

    results: tuple[Path, ...] = option(
        help="output folders of thoraxai lung analyze, or a folder of them", positional=True, metavar="DIR"
    )
    output: Path = option(help="the worklist to write, most urgent first", metavar="CSV")
