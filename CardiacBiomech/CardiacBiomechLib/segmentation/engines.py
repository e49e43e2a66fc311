"""The heart segmenter of one run, chosen once from the registry; the cardiac module's own engines come to it here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from CardiacBiomechLib.segmentation import learned, nnunet
from CardiacBiomechLib.segmentation.protocol import HEART_SEGMENTER, HeartSegmenter
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.engines.registry import AUTO, REGISTRY, Registry
from ThoraxAILib.networks.device import DEVICES, select_device
from ThoraxAILib.options import Options, option

ENGINES = (learned.ENGINE, nnunet.ENGINE)
REGISTRY.add(*ENGINES)
NAMES = tuple(engine.name for engine in ENGINES)
ROLE = "segmentation"


@dataclass(frozen=True)
class SegmenterOptions(Options):
    """What finds cavities and wall in frames that nobody has labeled, and where it runs."""

    segmenter: str = option(learned.ENGINE.name, "what finds the heart", metavar="|".join(NAMES))
    segmenter_weights: Path | None = option(
        None, "weights of your own, or the folder of a trained nnU-Net", metavar="PATH"
    )
    segmenter_device: str = option("auto", "where the segmenter's network runs", choices=DEVICES)

    def choose(self, registry: Registry = REGISTRY) -> ChosenEngine[HeartSegmenter]:
        """Return the segmenter of a run; nothing is loaded yet.

        Raises InputError for an unknown name or a device that is not there, MissingDependencyError for one that cannot
        run.
        """
        name = learned.ENGINE.name if self.segmenter == AUTO else self.segmenter
        engine, reason = registry.choose(HEART_SEGMENTER, name)
        device, _reason = select_device(self.segmenter_device)
        return ChosenEngine(
            engine, reason, device if engine.uses_device else "cpu", {"weights": self.segmenter_weights}
        )

    def recorded(self) -> dict:
        """Return the choice as it is recorded; weights by their name, since a path may name a person."""
        weights = self.segmenter_weights
        return {**self.to_dict(), "segmenter_weights": None if weights is None else weights.name}

    def reported(self, chosen: ChosenEngine[HeartSegmenter]) -> dict:
        """Return what a report says of the engine that ran: name, and as in run.json fingerprint and device."""
        return {"segmenter": chosen.name, "models": [vars(chosen.model(ROLE))]}
