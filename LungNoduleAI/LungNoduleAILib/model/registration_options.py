"""What a lung registration can be told; shared by commands, the follow-up and tests."""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.options import InstanceOptions, Level

LUNG_LEVELS = (
    Level(8.0, 24.0, 25, (16.0, 32.0)),
    Level(4.0, 10.0, 30, (10.0, 20.0)),
)
FINE_LEVEL = Level(2.0, 8.0, 12, (8.0,))


@dataclass(frozen=True)
class LungRegistrationOptions(Options):
    """``levels`` from coarse to fine, ``fine`` adds one at 2 mm; ``both_directions`` also registers prior to current.

    The second direction gives inverse consistency, without which the uncertainty rests on local likeness alone.
    """

    grid_mm: float = option(
        2.0, "voxel size of the field", label="grid of the registration", unit="mm", at_least=1.0, at_most=4.0
    )
    weight: float = option(0.3, "how stiff the lung is", label="weight of the regularizer", at_least=0.0)
    levels: tuple[Level, ...] = option(
        LUNG_LEVELS,
        "from coarse to fine: voxel size and distance of control points in mm, iterations, windows in mm",
        flag="--level",
        metavar="IMAGE,CONTROL,N,WINDOW/WINDOW",
    )
    fine: bool = option(False, "one level more, at 2 mm: twice the time")
    both_directions: bool = option(
        True, "without the way back, half the time; the uncertainty is rougher", flag="--one-direction"
    )
    threads: int | None = option(
        None, "processor threads (default: all cores but one, at most 4)", label="number of threads", at_least=1
    )

    def instance(self) -> InstanceOptions:
        """Return the options of the instance optimization."""
        levels = (*self.levels, FINE_LEVEL) if self.fine else self.levels
        return InstanceOptions(levels, "neo-hookean", self.weight, threads=self.threads)
