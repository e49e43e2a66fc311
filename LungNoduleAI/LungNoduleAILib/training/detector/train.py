"""Trains the nodule detector on synthetic bodies: ``thoraxai lung train detector``. PyTorch at file scope.

Two networks learn in turn, nodules on 1 mm and masses on 3 mm voxels. Step n is a function of (seed, n) alone, so
that a stopped training goes on exactly. On the way the nodule network searches bodies without nodules, and what it then
reports wrongly becomes centres of later patches.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork, HeatmapSettings
from LungNoduleAILib.detection.heatmap_search import search
from LungNoduleAILib.synthesis.scanner.acquisition import acquire
from LungNoduleAILib.synthesis.scanner.settings import draw_scanner
from LungNoduleAILib.training.detector.batches import Batches, DetectorRecipe
from LungNoduleAILib.training.detector.loss import detector_loss, make_targets
from LungNoduleAILib.training.detector.training_volumes import COARSE, FINE, Level, TrainingVolumes, VolumeSource
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.errors import known
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.learner import Learner, MovingAverage, freeze_normalization
from ThoraxAILib.networks.precision import channels_last, choose_precision
from ThoraxAILib.networks.schedule import Schedule
from ThoraxAILib.networks.threads import torch_threads
from ThoraxAILib.networks.trainer import Loss, Trainer

if TYPE_CHECKING:
    from LungNoduleAILib.training.detector.real_cases import MixedVolumes

logger = logging.getLogger(__name__)
LEVELS = {level.name: level for level in (FINE, COARSE)}
THREADS = 2  # always as many, so that sums are taken in one order: the same weights from the same seed
MAX_GRADIENT = 2.0


class DetectorTraining(Trainer[HeatmapNetwork]):
    """One training in a folder: ``bodies``, ``checkpoint.pt``; made again with the same recipe it goes on."""

    def __init__(
        self, folder: Path, recipe: DetectorRecipe, volumes: VolumeSource, device: str = "cpu", jobs: int = 1
    ) -> None:
        """With ``jobs`` above 1 another process draws the patches; raises InputError when the folder holds a training
        of another recipe."""
        self.recipe, self._volumes, self._jobs = recipe, volumes, jobs
        self._precision = choose_precision(device)
        self._batches: Batches | None = None
        self.mined: dict[int, np.ndarray] | None = None
        schedule = Schedule(recipe.learning_rate, recipe.steps, recipe.warm_up, "cosine", fall=0.98)
        super().__init__(folder, schedule, recipe.seed, asdict(recipe), device)

    def make_learners(self) -> dict[str, Learner[HeatmapNetwork]]:
        """Return the network of every level."""
        return {name: self._learner(level) for name, level in LEVELS.items()}

    def _learner(self, level: Level) -> Learner[HeatmapNetwork]:
        recipe = self.recipe
        network = HeatmapNetwork(HeatmapSettings(level.spacing_mm, recipe.channels))
        channels_last(network.to(self._precision.device))
        optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
        return Learner(network, optimizer, MAX_GRADIENT, MovingAverage(network, recipe.average))

    def averaged(self, name: str) -> HeatmapNetwork:
        """Return the network of a level with the averaged weights, on the device of the training."""
        learner = self.learners[name]
        network = HeatmapNetwork(learner.network.settings).to(self._precision.device)
        network.load_state_dict(learner.kept_weights)
        return network.eval()

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Yield the process that draws patches."""
        with Batches(self.recipe, self._volumes, self._jobs) as self._batches:
            yield

    def before_step(self, step: int, progress: Progress) -> None:
        """Collect false alarms when their step has come."""
        if self.mined is None and step >= self.recipe.mine_step:
            self.mined = self._mine(progress)

    def loss(self, step: int) -> Loss:
        """How the network whose turn it is answers the patches of a step."""
        name, device = self.recipe.level_at(step).name, self._precision.device
        batch = known(self._batches, "where patches are drawn").draw(step, self.mined)
        if self._jobs > 1:  # drawn by another process, whose time is not in this one's
            self.seconds += batch.seconds
        network = self.learners[name].network
        network.train()
        if step / self.recipe.steps >= self.recipe.freeze_at:
            freeze_normalization(network)
        hu = torch.from_numpy(np.stack([patch.hu for patch in batch.patches])[:, None]).to(device)
        with self._precision.running():
            answer = network(hu)
        return Loss(detector_loss(answer, make_targets(batch.patches).to(device)), name)

    def _mine(self, progress: Progress) -> dict[int, np.ndarray]:
        """Centres (n, 3), in voxels of the volume, of what the network reports in bodies without nodules."""
        network = self.averaged(FINE.name)
        found = {}
        for number in range(min(self.recipe.mined_bodies, self.recipe.bodies)):
            progress(self.step / self.recipe.steps, f"Searching healthy body {number + 1} for false alarms")
            volume = self._volumes(number, FINE)
            rng = np.random.default_rng((self.recipe.seed, 1_000_000 + number))
            hu = acquire(volume.hu.astype(np.float32), volume.grid.spacing_kji_mm, draw_scanner(rng), rng)
            peaks = search(network, hu, np.ones(hu.shape, bool), self._device, Progress(), "")
            found[number] = peaks.center_kji[peaks.heat > 0.1][:40].copy()
        logger.info("false alarms collected per body: %s", [len(centers) for centers in found.values()])
        return found

    def own_state(self) -> dict:
        """Return the collected false alarms."""
        mined = self.mined
        return {"mined": None if mined is None else {body: torch.from_numpy(found) for body, found in mined.items()}}

    def resume_own_state(self, state: dict) -> None:
        """Take back the collected false alarms."""
        mined = state["mined"]
        self.mined = None if mined is None else {body: found.cpu().numpy() for body, found in mined.items()}


def train(request: TrainingRequest, progress: Progress) -> Path:
    """Make the bodies, train, calibrate, write ``nodule_detector.pt``; returns its path."""
    from LungNoduleAILib.detection.detector_file import write_detector
    from LungNoduleAILib.training.detector.calibration import calibrate

    chosen = {name: getattr(request, name) for name in ("steps", "seed", "bodies")}
    recipe = DetectorRecipe(**{name: value for name, value in chosen.items() if value is not None})
    bodies = TrainingVolumes(request.output / "bodies", recipe.seed, recipe.bodies)
    mixed: MixedVolumes | None = None
    if request.data is not None:
        from LungNoduleAILib.training.detector.real_cases import mix_in

        mixed, recipe = mix_in(request, recipe, bodies, progress.part(0.0, 0.1))
    with torch_threads(THREADS):
        training = DetectorTraining(
            request.output, recipe, bodies if mixed is None else mixed, request.device, request.jobs
        )
        with bodies.made_ahead(request.jobs):
            training.run(progress.part(0.0, 0.95))
        networks = {name: training.averaged(name) for name in training.learners}
        last = progress.part(0.95, 1.0)
        calibration = calibrate(networks, recipe.seed, request.output / "bodies", request.device, last)
    path = request.output / "nodule_detector.pt"
    note: dict[str, object] = {"recipe": asdict(recipe)}  # no time: the same training writes the same bytes
    if mixed is not None:
        note["own_cases"] = mixed.case_count
    write_detector(path, networks, calibration, note)
    return path
