"""What a person asks of a training; every training takes it and returns the file of its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.device import DEVICES, OPENVINO
from ThoraxAILib.options import Options, option

TRAINING_DEVICES = tuple(device for device in DEVICES if device != OPENVINO)


@dataclass(frozen=True)
class TrainingRequest(Options):
    """``output`` keeps the synthetic bodies, the checkpoint and the weights; None takes the recipe's own number.

    ``data`` is a folder of the person's own annotated CT, for trainings that take some beside the bodies; ``jobs``
    processes make the bodies; a request given again for the same folder goes on where it stopped.
    """

    output: Path = option(help="folder of the bodies, the checkpoint, the weights", metavar="DIR")
    steps: int | None = option(None, "training steps (default: as shipped)", at_least=1)
    seed: int | None = option(None, "everything random comes from it (default: as shipped)", metavar="S", at_least=0)
    bodies: int | None = option(None, "synthetic bodies to train on (default: as shipped)", at_least=1)
    jobs: int = option(1, "processes that make bodies and samples", metavar="J", at_least=1)
    device: str = option("auto", "where the network is trained", choices=TRAINING_DEVICES)
    data: Path | None = option(
        None,
        "your own annotated CT, as many patches as from synthetic bodies: a LUNA16, LIDC or MSD-style folder",
    )

    real: Path | None = option(
        None,
        "a second stage on real nodules with readers' outlines, after the synthetic bodies: a folder with table.csv "
        "and one npz per nodule",
    )
    first_stage: Path | None = option(
        None, "weights that the second stage begins with (default: those shipped for it)", metavar="FILE"
    )

    def __post_init__(self) -> None:
        if self.device == OPENVINO:
            raise InputError(
                "OpenVINO only runs networks, it cannot train them: use --device "
                f"{', '.join(TRAINING_DEVICES[:-1])} or {TRAINING_DEVICES[-1]}."
            )
        super().__post_init__()
