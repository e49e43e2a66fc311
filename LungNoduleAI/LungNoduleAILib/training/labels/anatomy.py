"""The training of the anatomy network: ``thoraxai lung train anatomy``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from LungNoduleAILib.anatomy.learned.prediction import SCHEMA, WEIGHTS
from LungNoduleAILib.training.labels.anatomy_samples import CLASS_WEIGHTS, CLASSES, SPACING_MM, AnatomySamples
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.jobs.progress import Progress

STEPS, SEED = 2000, 7
CHANNELS = (24, 48, 96, 112, 112)  # five levels: the deepest sees most of a chest at once


def train(request: TrainingRequest, progress: Progress) -> Path:
    """Train, or go on training, and write the weights into the request's folder; returns their file."""
    from LungNoduleAILib.training.labels.label_training import LabelRecipe, LabelTraining
    from ThoraxAILib.networks.label_network import LabelNetworkSettings

    steps = STEPS if request.steps is None else request.steps
    seed = SEED if request.seed is None else request.seed
    samples = AnatomySamples(seed, cache=str(request.output / "bodies"))
    if request.bodies is not None:
        samples = replace(samples, pool=min(samples.pool, request.bodies), reuse=max(1, -(-steps // request.bodies)))
    recipe = LabelRecipe(steps, seed, CLASS_WEIGHTS, workers=request.jobs - 1, device=request.device)
    settings = LabelNetworkSettings(len(CLASSES), CHANNELS, SPACING_MM)
    training = LabelTraining(request.output, recipe, settings, samples)
    training.run(progress)
    return training.write(request.output / WEIGHTS.name, SCHEMA, samples, CLASSES)
