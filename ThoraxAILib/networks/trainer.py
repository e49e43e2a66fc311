"""The one training loop: steps that a seed decides, a checkpoint from which they go on to the same bits, progress.

A training is a subclass that says what its networks are, what the loss of a step is, and what decides its result.
What a step learns from must be a function of (seed, step) alone. PyTorch at file scope.
"""

from __future__ import annotations

import logging
import math
import pickle
import time
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic

import numpy as np
import torch
from torch import Tensor

from ThoraxAILib.errors import InputError, OutputError, ThoraxAIError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.learner import Learner, Network
from ThoraxAILib.networks.schedule import Schedule
from ThoraxAILib.networks.threads import torch_threads

logger = logging.getLogger(__name__)
CHECKPOINT_FILE = "checkpoint.pt"
SCHEMA = "thoraxai.training/1"
ONLY = "network"  # the name of a learner without company
SHOWN_STEPS = 50  # whose mean is told


@dataclass(frozen=True, eq=False)
class Loss:
    """What a step has to make smaller, and for which learner; ``told`` is recorded in its place where it says more."""

    value: Tensor
    learner: str = ONLY
    told: float | None = None


class Trainer(ABC, Generic[Network]):
    """One training in a folder that keeps ``checkpoint.pt``; made again for the same folder it goes on.

    ``step`` steps are done, ``losses`` holds what each of them told, by learner; ``seconds`` are processor seconds.
    """

    checkpoint_every: ClassVar[int] = 50

    def __init__(
        self,
        folder: Path,
        schedule: Schedule,
        seed: int,
        recipe: dict[str, Any],
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        """Start, or go on from the checkpoint of the folder; whatever ``make_learners`` needs must be set before.

        ``recipe`` (plain values) is everything that decides the result; ``threads`` processor threads are used while it
        runs, None leaves them. Raises InputError when the folder holds a training of another recipe or version.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._checkpoint = folder / CHECKPOINT_FILE
        self._schedule, self._recipe, self._device = schedule, recipe, device
        self._threads = threads
        torch.manual_seed(seed)
        self.learners = self.make_learners()
        self.step, self.seconds = 0, 0.0
        self.losses: dict[str, list[float]] = {name: [] for name in self.learners}
        if self._checkpoint.is_file():
            self._resume()

    @abstractmethod
    def make_learners(self) -> dict[str, Learner[Network]]:
        """Return the networks by name; called once, right after the random numbers are seeded."""

    @abstractmethod
    def loss(self, step: int) -> Loss:
        """Return the loss of a step, its gradients not yet computed."""

    def before_step(self, step: int, progress: Progress) -> None:
        """Do what a step relies on, beyond its sample; nothing by default."""

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Keep open what steps take their samples from, such as other processes; nothing by default."""
        yield

    def own_state(self) -> dict[str, Any]:
        """Return what the subclass wants to find again in ``resume_own_state``: tensors and plain values."""
        return {}

    def resume_own_state(self, state: dict[str, Any]) -> None:
        """Take back what ``own_state`` gave."""

    @property
    def steps(self) -> int:
        """How many steps the training has."""
        return self._schedule.steps

    def run(self, progress: Progress | None = None) -> None:
        """Train to the last step; after a cancel the next run goes on from the last checkpoint."""
        progress = progress or Progress()
        with self.drawing(), nullcontext() if self._threads is None else torch_threads(self._threads):
            while self.step < self.steps:
                started = time.process_time()
                progress(self.step / self.steps, f"Step {self.step + 1} of {self.steps}{self._shown()}")
                self.before_step(self.step, progress)
                self._take_step()
                self.seconds += time.process_time() - started
                if self.step % self.checkpoint_every == 0 or self.step == self.steps:
                    self.save()
                    logger.info("step %d of %d%s, CPU seconds %.0f", self.step, self.steps, self._shown(), self.seconds)

    def _take_step(self) -> None:
        loss = self.loss(self.step)
        if not math.isfinite(float(loss.value.detach())):
            raise ThoraxAIError(
                f"The training went wrong in step {self.step + 1}: its loss is no number any more. Give the same "
                "command again: it goes on from the last checkpoint; if that fails too, start in another folder."
            )
        self.learners[loss.learner].descend(loss.value, self._schedule.at(self.step))
        self.losses[loss.learner].append(float(loss.value.detach()) if loss.told is None else loss.told)
        self.step += 1

    def _shown(self) -> str:
        """Return the mean of the last losses of the first learner."""
        recent = next(iter(self.losses.values()))[-SHOWN_STEPS:]
        return f", loss {np.mean(recent):.3f}" if recent else ""

    def save(self) -> None:
        """Keep the state of the training; the file appears whole or not at all. Raises OutputError."""
        partial = self._checkpoint.with_suffix(".partial")
        state = {
            "schema": SCHEMA,
            "recipe": self._recipe,
            "step": self.step,
            "losses": self.losses,
            "seconds": self.seconds,
            "learners": {name: learner.state() for name, learner in self.learners.items()},
            "own": self.own_state(),
        }
        try:
            torch.save(state, partial)
            partial.replace(self._checkpoint)
        except (OSError, RuntimeError) as error:
            raise OutputError(
                f"The checkpoint of the training cannot be written to '{self._checkpoint.parent.name}' "
                f"({type(error).__name__}): make room or choose another --output."
            ) from error
        finally:
            partial.unlink(missing_ok=True)

    def _resume(self) -> None:
        state = _read(self._checkpoint, self._device)
        if state["recipe"] != self._recipe:
            raise InputError(
                f"The folder '{self._checkpoint.parent.name}' holds a training with other settings: "
                "choose another --output or the same settings."
            )
        self.step, self.losses, self.seconds = state["step"], state["losses"], state["seconds"]
        for name, learner in self.learners.items():
            learner.resume(state["learners"][name])
        self.resume_own_state(state["own"])


def _read(path: Path, device: str) -> dict:
    """Return the content of a checkpoint; raises InputError for one of another version or a damaged one."""
    content = None
    if zipfile.is_zipfile(path):  # as everything that torch.save writes
        try:
            content = torch.load(path, map_location=device, weights_only=True)
        except (RuntimeError, pickle.UnpicklingError, EOFError, LookupError, ValueError) as error:
            logger.warning("'%s' cannot be read (%s)", path.name, type(error).__name__)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(
            f"'{path.name}' in the folder '{path.parent.name}' is no training that this version can go on with: "
            "choose another --output, or delete the file to begin again."
        )
    return content
