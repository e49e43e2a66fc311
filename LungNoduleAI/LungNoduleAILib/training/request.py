"""What a person asks of a training; every training takes it and returns the file of its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError


@dataclass(frozen=True)
class TrainingRequest:
    """``output`` keeps the synthetic bodies, the checkpoint and the weights; None takes the recipe's own number.

    ``data`` is a folder of the person's own annotated CT, for trainings that take some beside the bodies; ``jobs``
    processes make the bodies; a request given again for the same folder goes on where it stopped.
    """

    output: Path
    steps: int | None = None
    seed: int | None = None
    bodies: int | None = None
    jobs: int = 1
    device: str = "auto"
    data: Path | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "bodies", "jobs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name} must be at least 1, {value} was given.")
        if self.seed is not None and self.seed < 0:
            raise InputError(f"--seed must be 0 or more, {self.seed} was given.")
