"""What a registration by instance optimization can be told; shared by panels, commands and tests."""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.errors import InputError
from ThoraxAILib.options import Options, option

REGULARIZER_NAMES = ("neo-hookean", "diffusion", "bending")  # the regularizers themselves need PyTorch


@dataclass(frozen=True)
class Level(Options):
    """One step from coarse to fine: voxel size worked at, distance of control points (mm), iterations, windows (mm).

    ``prior`` multiplies the regularizer's weight at this level.
    """

    image_mm: float = option(label="voxel size of a level", unit="mm", more_than=0)
    control_mm: float = option(label="distance of control points", unit="mm", more_than=0)
    iterations: int = option(label="number of iterations", at_least=1)
    windows_mm: tuple[float, ...] = option(label="windows", unit="mm", more_than=0)
    prior: float = option(1.0, label="weight of the regularizer of a level", at_least=0)


CINE_LEVELS = (
    Level(5.6, 24.0, 40, (16.0, 30.0)),
    Level(2.8, 12.0, 40, (10.0, 20.0)),
    Level(1.4, 8.0, 30, (8.0, 16.0)),
)


@dataclass(frozen=True)
class InstanceOptions(Options):
    """Objective: -similarity + ``weight`` * regularizer, minimized over B-spline control points from coarse to fine."""

    levels: tuple[Level, ...] = option(CINE_LEVELS, flag="--level")
    regularizer: str = option("neo-hookean", choices=REGULARIZER_NAMES)
    weight: float = option(0.3, label="weight of the regularizer", at_least=0)
    correlation_weight: float = option(1.0, at_least=0)
    intensity_weight: float = option(0.3, at_least=0)
    noise_floor: float = option(0.1, at_least=0)
    optimizer: str = option("adam", choices=("adam", "lbfgs"))
    step_mm: float = option(1.0, unit="mm", more_than=0)
    threads: int | None = option(None, label="number of threads", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.levels:
            raise InputError("The registration has no levels: give at least one.")
