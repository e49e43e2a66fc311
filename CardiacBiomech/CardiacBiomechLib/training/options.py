"""How the cine cascade is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.options import REGULARIZER_NAMES


@dataclass(frozen=True)
class TrainingOptions(Options):
    """Recipe; ``hearts`` phantoms with seeds from ``seed`` on. The defaults made the shipped cascade."""

    steps: int = option(1000, "training steps, of one pair each", at_least=1)
    hearts: int = option(160, "how many phantoms to draw from", at_least=1)
    seed: int = option(1000, "of weights, phantoms and their order", at_least=0)
    learning_rate: float = option(1e-3, "of the first step", more_than=0)
    regularizer: str = option("neo-hookean", "what keeps the field smooth", choices=REGULARIZER_NAMES)
    weight: float = option(0.1, "of the regularizer", label="weight of the regularizer", at_least=0)
    bulk: float = option(20.0, "how much the wall resists a change of its volume", label="bulk weight", at_least=0)
    intensity_weight: float = option(0.3, "of the squared difference beside the correlation", at_least=0)
    windows_mm: tuple[float, ...] = option(
        (8.0, 16.0, 30.0), "of the local correlation", label="windows", unit="mm", more_than=0
    )
    threads: int = option(1, "another number gives slightly other weights", label="number of threads", at_least=1)


@dataclass(frozen=True)
class SegmentationTrainingOptions(Options):
    """Recipe of the segmentation network; ``scenes`` synthetic scenes with seeds from ``seed`` on."""

    steps: int = option(9000, "training steps, of one batch each", at_least=1)
    batch: int = option(12, "slices in a batch", at_least=1)
    scenes: int = option(600, "how many synthetic scenes to draw from", at_least=1)
    people: Path | None = option(
        None, "labeled slices of people (Images and Labels as PNG: Sunnybrook) that teach too", metavar="FOLDER"
    )
    people_share: float = option(0.25, "share of a batch that are people", at_least=0, at_most=0.9)
    valves: str = option("near", "where the tricuspid plane of the synthetic hearts lies", choices=("spread", "near"))
    start: Path | None = option(None, "weights to start from, of an earlier training", metavar="FILE")
    seed: int = option(5000, "of weights, scenes and their order", at_least=0)
    learning_rate: float = option(2e-3, "highest", more_than=0)
    threads: int = option(1, "another number gives slightly other weights", label="number of threads", at_least=1)
