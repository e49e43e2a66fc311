"""What a registration by instance optimization can be told; shared by panels, commands and tests."""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.errors import InputError


@dataclass(frozen=True)
class Level:
    """One step from coarse to fine: voxel size worked at, distance of control points (mm), iterations, windows (mm).

    ``prior`` multiplies the regularizer's weight at this level.
    """

    image_mm: float
    control_mm: float
    iterations: int
    windows_mm: tuple[float, ...]
    prior: float = 1.0

    def __post_init__(self) -> None:
        if self.prior < 0:
            raise InputError(f"The regularizer of a level cannot be weighted {self.prior:g}: give 0 or more.")


CINE_LEVELS = (
    Level(5.6, 24.0, 40, (16.0, 30.0)),
    Level(2.8, 12.0, 40, (10.0, 20.0)),
    Level(1.4, 8.0, 30, (8.0, 16.0)),
)


@dataclass(frozen=True)
class InstanceOptions:
    """Objective: -similarity + ``weight`` * regularizer, minimized over B-spline control points from coarse to fine."""

    levels: tuple[Level, ...] = CINE_LEVELS
    regularizer: str = "neo-hookean"
    weight: float = 0.3
    correlation_weight: float = 1.0
    intensity_weight: float = 0.3
    noise_floor: float = 0.1
    optimizer: str = "adam"
    step_mm: float = 1.0
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.levels:
            raise InputError("The registration has no levels: give at least one.")
        if self.optimizer not in ("adam", "lbfgs"):
            raise InputError(f"The optimizer is named {self.optimizer}: use adam or lbfgs.")
        if self.weight < 0 or self.step_mm <= 0:
            raise InputError("The regularizer weight must not be negative and the step must be positive.")
