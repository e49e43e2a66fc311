"""What a lung registration can be told; shared by commands, the follow-up and tests."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ThoraxAILib.errors import InputError
from ThoraxAILib.registration.options import InstanceOptions, Level

LUNG_LEVELS = (
    Level(8.0, 24.0, 25, (16.0, 32.0)),
    Level(4.0, 10.0, 30, (10.0, 20.0)),
)
FINE_LEVEL = Level(2.0, 8.0, 12, (8.0,))


@dataclass(frozen=True)
class LungRegistrationOptions:
    """``levels`` from coarse to fine, ``fine`` adds one at 2 mm; ``both_directions`` also registers prior to current.

    The second direction gives inverse consistency, without which the uncertainty rests on local likeness alone.
    """

    grid_mm: float = 2.0
    weight: float = 0.3
    levels: tuple[Level, ...] = LUNG_LEVELS
    fine: bool = False
    both_directions: bool = True
    threads: int | None = None

    def __post_init__(self) -> None:
        if not 1.0 <= self.grid_mm <= 4.0:
            raise InputError(f"The grid of the registration must be 1 to 4 mm, {self.grid_mm:g} was given.")
        if self.weight < 0:
            raise InputError(f"The weight of the regularizer cannot be negative, {self.weight:g} was given.")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"The number of threads must be at least 1, {self.threads} was given.")

    def instance(self) -> InstanceOptions:
        """The options of the instance optimization."""
        levels = (*self.levels, FINE_LEVEL) if self.fine else self.levels
        return InstanceOptions(levels, "neo-hookean", self.weight, threads=self.threads)

    def to_dict(self) -> dict:
        """The options as they are written to registration.json."""
        return asdict(self)
