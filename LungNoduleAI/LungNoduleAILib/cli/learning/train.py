"""``thoraxai lung train WHAT``: each shipped network made again from its seed, on synthetic bodies and real nodules."""

from __future__ import annotations

import argparse
import importlib
import itertools
import sys
from dataclasses import replace

from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.errors import OutputError
from ThoraxAILib.jobs.progress import Progress

# name: (module, function that takes a TrainingRequest and a Progress and returns the weights file, what it trains)
TRAININGS: dict[str, tuple[str, str, str]] = {
    "anatomy": ("LungNoduleAILib.training.labels.anatomy", "train", "the anatomy network: lungs, lobes and organs"),
    "patterns": ("LungNoduleAILib.training.labels.patterns", "train", "the map of parenchyma patterns"),
    "opacities": ("LungNoduleAILib.training.labels.opacities", "train", "what takes the place of lung"),
    "detector": ("LungNoduleAILib.training.detector.train", "train", "the nodule detector"),
    "segmentation": ("LungNoduleAILib.training.labels.outline", "train", "the segmentation of one nodule"),
    "appearance": (
        "LungNoduleAILib.training.appearance_fit",
        "train",
        "type and suspicion as readers rate them (needs --real)",
    ),
    "siamese": ("LungNoduleAILib.training.matching.train", "train", "the re-identification of nodules"),
    "matching": ("LungNoduleAILib.training.matching.evidence_fit", "train", "the probabilities of the matching"),
}
# Options that not every training takes: the person's own annotated CT, real nodules with readers' outlines
WITH = {"detector": ("data",), "segmentation": ("real", "first_stage"), "appearance": ("real",)}
BAR_WIDTH = 30


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``train`` with one command per training."""
    train = commands.add_parser("train", help="train a network on synthetic bodies; goes on where it stopped")
    names = train.add_subparsers(dest="training", required=True, metavar="WHAT")
    for name, (_module, _function, what) in TRAININGS.items():
        parser = names.add_parser(name, help=f"train {what}")
        without = tuple(set(itertools.chain(*WITH.values())) - set(WITH.get(name, ())))
        TrainingRequest.add_arguments(parser, without=without)
        parser.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.networks.device import select_device
    from ThoraxAILib.networks.weights_file import require_torch

    require_torch("Trainings")
    request = TrainingRequest.from_arguments(arguments)
    device, _reason = select_device(request.device)
    request = replace(request, device=device)
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
