"""``thoraxai lung train WHAT``: each shipped network made again from its seed, on synthetic bodies alone."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.progress import Progress

# name: (module, function that takes a TrainingRequest and a Progress and returns the weights file, what it trains)
TRAININGS: dict[str, tuple[str, str, str]] = {
    "anatomy": ("LungNoduleAILib.training.labels.anatomy", "train", "the anatomy network: lungs, lobes and organs"),
    "patterns": ("LungNoduleAILib.training.labels.patterns", "train", "the map of parenchyma patterns"),
    "detector": ("LungNoduleAILib.training.detector.train", "train", "the nodule detector"),
    "segmentation": ("LungNoduleAILib.training.labels.outline", "train", "the segmentation of one nodule"),
    "siamese": ("LungNoduleAILib.training.matching.train", "train", "the re-identification of nodules"),
    "matching": ("LungNoduleAILib.training.matching.evidence_fit", "train", "the probabilities of the matching"),
}
WITH_DATA = ("detector",)  # trainings that also take the person's own annotated CT
BAR_WIDTH = 30


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``train`` with one command per training."""
    train = commands.add_parser("train", help="train a network on synthetic bodies; goes on where it stopped")
    names = train.add_subparsers(dest="training", required=True, metavar="WHAT")
    for name, (_module, _function, what) in TRAININGS.items():
        parser = names.add_parser(name, help=f"train {what}")
        _add_training(parser)
        if name in WITH_DATA:
            parser.add_argument(
                "--data",
                type=Path,
                metavar="PATH",
                help="your own annotated CT, as many patches as "
                "from synthetic bodies: a LUNA16, LIDC or MSD-style folder",
            )


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--output", type=Path, required=True, metavar="DIR", help="folder of the bodies, the checkpoint, the weights")
    add("--steps", type=int, metavar="N", help="training steps (default: as shipped)")
    add("--seed", type=int, metavar="S", help="everything random comes from it (default: as shipped)")
    add("--bodies", type=int, metavar="N", help="synthetic bodies to train on (default: as shipped)")
    add("--jobs", type=int, default=1, metavar="J", help="processes that make bodies and samples (default 1)")
    add("--device", default="auto", metavar="auto|cpu|cuda", help="where the network is trained")
    parser.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.networks.device import OPENVINO, select_device
    from ThoraxAILib.networks.weights_file import require_torch

    require_torch("Trainings")
    if arguments.device == OPENVINO:
        raise InputError("OpenVINO only runs networks, it cannot train them: use --device auto, cpu or cuda.")
    device, _reason = select_device(arguments.device)
    request = TrainingRequest(
        arguments.output,
        arguments.steps,
        arguments.seed,
        arguments.bodies,
        arguments.jobs,
        device,
        getattr(arguments, "data", None),
    )
    try:
        request.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder '{request.output.name}' cannot be made ({error.strerror}): choose another --output."
        ) from error
    module, function, _what = TRAININGS[arguments.training]
    bar = ProgressBar()
    try:
        weights = getattr(importlib.import_module(module), function)(request, Progress(bar, arguments.is_cancelled))
    finally:
        bar.end()
    print(f"The weights lie in {weights}.")
    return 0


class ProgressBar:
    """Progress as one line on stderr that is drawn again when its text or percentage changes."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, fraction: float, text: str) -> None:
        """Draw the bar at ``fraction`` (0..1) with ``text`` after it."""
        full = int(BAR_WIDTH * fraction)
        line = f"[{'#' * full}{'.' * (BAR_WIDTH - full)}] {100 * fraction:3.0f} % {text}"
        if line != self._shown:
            print("\r" + line.ljust(len(self._shown)), end="", file=sys.stderr, flush=True)
            self._shown = line

    def end(self) -> None:
        """Leave the line as it is and go to the next."""
        if self._shown:
            print(file=sys.stderr)
