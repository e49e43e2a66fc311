"""Trains the segmentation network: cross entropy and soft Dice on synthetic slices, the left cavity alone on people.

Data and learning rate of a step depend on the recipe and the step's number alone, so a training that goes on from its
checkpoint ends with the same weights, bit for bit. PyTorch at file scope.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from CardiacBiomechLib.model.heart_classes import CLASSES, LV
from CardiacBiomechLib.segmentation.prediction import MAKER, SCHEMA
from CardiacBiomechLib.segmentation.slice_network import SliceNetwork, SliceNetworkSettings
from CardiacBiomechLib.training.options import SegmentationTrainingOptions
from CardiacBiomechLib.training.segmentation_samples import SliceSample, SliceSamples
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.learner import Learner, MovingAverage
from ThoraxAILib.networks.schedule import Schedule
from ThoraxAILib.networks.trainer import ONLY, Loss, Trainer
from ThoraxAILib.networks.weights_file import load_weights, save_weights, sha256

logger = logging.getLogger(__name__)
MAX_GRADIENT, WARM_UP = 2.0, 40
CLASS_WEIGHTS = (0.6, 1.0, 1.4, 1.0, 0.6)
HELD_OUT = ("SC-HF-I-02", "SC-HYP-01", "SC-N-02")  # people who never teach, so that they can judge


class SegmentationTraining(Trainer[SliceNetwork]):
    """One run in a folder: ``scenes`` (cache), ``checkpoint.pt``, at the end the weights."""

    checkpoint_every = 50

    def __init__(self, folder: Path, options: SegmentationTrainingOptions, settings: SliceNetworkSettings) -> None:
        """Start or resume; raises InputError when the folder holds a training of another recipe."""
        self._folder, self._options, self._settings = folder, options, settings
        cache = folder / "scenes"
        cache.mkdir(parents=True, exist_ok=True)
        self._samples = SliceSamples(options.seed, options.scenes, cache, options.people, HELD_OUT, options.valves)
        self._class_weights = torch.tensor(CLASS_WEIGHTS)
        schedule = Schedule(options.learning_rate, options.steps, WARM_UP, power=0.9)
        super().__init__(folder, schedule, options.seed, self._recipe_of(), threads=options.threads)

    def _recipe_of(self) -> dict:
        options = {
            name: value for name, value in asdict(self._options).items() if name not in ("people", "threads", "start")
        }
        start = None if self._options.start is None else sha256(self._options.start)
        return {
            **options,
            "start": start,
            "people": self._options.people is not None,
            "network": self._settings.to_dict(),
        }

    def make_learners(self) -> dict[str, Learner[SliceNetwork]]:
        """Return the one network; an average of its weights is kept."""
        network = SliceNetwork(self._settings)
        if self._options.start is not None:
            network.load_state_dict(load_weights(self._options.start, SCHEMA, MAKER).state)
        optimizer = torch.optim.AdamW(network.parameters(), lr=self._options.learning_rate, weight_decay=1e-4)
        return {ONLY: Learner(network, optimizer, MAX_GRADIENT, MovingAverage(network, 0.995))}

    def loss(self, step: int) -> Loss:
        """How the network labels the batch of a step."""
        options = self._options
        people = 0 if options.people is None else round(options.batch * options.people_share)
        batch = [self._samples.synthetic(step, place) for place in range(options.batch - people)]
        batch += [self._samples.person(step, place) for place in range(people)]
        logits = self.learners[ONLY].network(torch.from_numpy(np.stack([sample.image for sample in batch])))
        return Loss(batch_loss(logits, batch, self._class_weights))

    def finish(self, weights: Path, progress: Progress | None = None) -> None:
        """Train to the last step, then write ``weights``; a cancel keeps the last checkpoint."""
        self.run(progress)
        logger.info("learned in %.0f CPU seconds", self.seconds)
        self.write(weights)

    def write(self, weights: Path) -> None:
        """Write the averaged weights of now."""
        note = {"recipe": self._recipe, "steps": self.step}
        save_weights(weights, SCHEMA, self._settings.to_dict(), self.learners[ONLY].kept_weights, note)


def batch_loss(logits: Tensor, batch: list[SliceSample], class_weights: Tensor) -> Tensor:
    """Loss of logits (n, classes, j, i): whole labels first, then those of people, of whom only one is known."""
    whole = sum(not sample.only_lv for sample in batch)
    labels = torch.from_numpy(np.stack([sample.labels for sample in batch])).long()
    chance = functional.softmax(logits, 1)
    entropy = functional.cross_entropy(logits[:whole], labels[:whole], class_weights)
    wanted = functional.one_hot(labels[:whole], CLASSES).movedim(-1, 1)
    loss = entropy + (1.0 - _dice(chance[:whole], wanted, (0, 2, 3))).mean()
    if whole == len(batch):
        return loss
    cavity, known = chance[whole:, LV].clamp(1e-5, 1 - 1e-5), (labels[whole:] == LV).float()
    partial = functional.binary_cross_entropy(cavity, known) + (1.0 - _dice(cavity, known, (0, 1, 2)))
    return loss + partial * (len(batch) - whole) / whole


def _dice(chance: Tensor, wanted: Tensor, over: tuple[int, ...]) -> Tensor:
    return (2 * (chance * wanted).sum(over) + 20.0) / (chance.sum(over) + wanted.sum(over) + 20.0)
