"""Trains the cine cascade on phantoms without supervision: likeness and elasticity at the last output only.

Loss = -multi-scale local correlation + weight * Neo-Hookean energy with the tissue of the fixed frame. The true motion
of the phantoms is never shown; it only grades the result. Data and learning rate of a step depend on the recipe and
the step's number alone, so a training that goes on from its checkpoint ends with the same weights, bit for bit.
PyTorch at file scope.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.training.options import TrainingOptions
from CardiacBiomechLib.training.pairs import IN_PLANE_MM, load_or_make, random_pair
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.learner import Learner
from ThoraxAILib.networks.schedule import Schedule
from ThoraxAILib.networks.trainer import ONLY, Loss, Trainer
from ThoraxAILib.registration.cascade.network import Cascade
from ThoraxAILib.registration.cascade.settings import CascadeSettings
from ThoraxAILib.registration.cascade.weights import save_cascade
from ThoraxAILib.registration.deformation.dense import DenseDeformation, warp
from ThoraxAILib.registration.regularizers.protocol import Material
from ThoraxAILib.registration.regularizers.registry import regularizer
from ThoraxAILib.registration.similarity import LocalCorrelation, SquaredDifference

MAX_GRADIENT = 1.0
LOG_SCHEMA = "thoraxai.cardiac-training/1"


class CascadeTraining(Trainer[Cascade]):
    """One run in a folder: ``hearts`` (cache of phantoms), ``checkpoint.pt``, at the end weights and training.json."""

    def __init__(self, folder: Path, options: TrainingOptions, settings: CascadeSettings) -> None:
        """Start or resumes; raises InputError when the folder holds a training of another recipe."""
        self._folder, self._options, self._settings = folder, options, settings
        (folder / "hearts").mkdir(parents=True, exist_ok=True)
        self._regularizer = regularizer(options.regularizer)
        schedule = Schedule(options.learning_rate, options.steps, fall=0.95, power=0.9)
        recipe = {**asdict(options), "cascade": settings.to_dict(), "in_plane_mm": IN_PLANE_MM}
        super().__init__(folder, schedule, options.seed, recipe, threads=options.threads)

    def make_learners(self) -> dict[str, Learner[Cascade]]:
        """Return the cascade; its last weights are kept, not an average."""
        cascade = Cascade(self._settings)
        optimizer = torch.optim.AdamW(cascade.parameters(), lr=self._options.learning_rate, amsgrad=True)
        return {ONLY: Learner(cascade, optimizer, MAX_GRADIENT)}

    @property
    def cascade(self) -> Cascade:
        """The networks in training."""
        return self.learners[ONLY].network

    def finish(self, weights: Path, progress: Progress | None = None) -> None:
        """Train to the last step, then write ``weights`` and training.json; a cancel keeps the last checkpoint."""
        self.run(progress)
        save_cascade(self.cascade, weights, {"recipe": asdict(self._options), "steps": self.step})
        self._write_log()

    def loss(self, step: int) -> Loss:
        """How unlike two frames of the heart of a step remain, and how far its tissue is strained."""
        options = self._options
        random = np.random.default_rng((options.seed, step))
        heart = load_or_make(options.seed + int(random.integers(options.hearts)), self._folder / "hearts")
        fixed_array, moving_array, labels = random_pair(heart, random)
        spacing = heart.spacing_kji_mm
        fixed, moving = torch.from_numpy(fixed_array)[None], torch.from_numpy(moving_array)[None]
        displacement, _ = self.cascade(fixed, moving, spacing)
        warped = warp(moving, displacement, spacing)
        similarity = LocalCorrelation(fixed, spacing, options.windows_mm)(warped)
        difference = SquaredDifference(fixed)(warped)
        tissue = ACDC.tissue(labels, "fixed", options.bulk).maps()[:, :-1, :-1, :-1]
        mu, kappa = torch.from_numpy(np.ascontiguousarray(tissue))
        energy = self._regularizer.energy(DenseDeformation(displacement, spacing), Material(mu[None], kappa[None]))
        loss = options.intensity_weight * difference + options.weight * energy - similarity
        return Loss(loss, told=float(similarity.detach()))

    def _write_log(self) -> None:
        """Likeness of every step and the processor seconds: apart from the weights, which are the same at any speed."""
        log = {
            "schema": LOG_SCHEMA,
            "recipe": asdict(self._options),
            "seconds": round(self.seconds, 1),
            "similarity": [round(value, 5) for value in self.losses[ONLY]],
        }
        partial = self._folder / ".training.json.partial"
        partial.write_text(json.dumps(log, indent=1), encoding="utf-8")
        partial.replace(self._folder / "training.json")
