"""The engines of one run, chosen once: they are what runs, and they are what the run record names.

The lung module's own engines come to the registry here; plug-ins come by entry points (see ThoraxAILib.engines).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from LungNoduleAILib.analysis.threshold import check_calibration
from LungNoduleAILib.anatomy import classical as classical_anatomy
from LungNoduleAILib.anatomy.learned import segmenter as learned_anatomy
from LungNoduleAILib.anatomy.protocol import ANATOMY_SEGMENTER, AnatomySegmenter
from LungNoduleAILib.delineation import classical as classical_outline
from LungNoduleAILib.delineation import combined as learned_outline
from LungNoduleAILib.delineation.protocol import DELINEATOR, Delineator
from LungNoduleAILib.detection import classical as classical_detector
from LungNoduleAILib.detection import learned as learned_detector
from LungNoduleAILib.detection.protocol import DETECTOR, Detector
from LungNoduleAILib.followup.matching import no_reidentifier, siamese
from LungNoduleAILib.followup.matching.protocol import REIDENTIFIER, Reidentifier
from LungNoduleAILib.measurement import judgement
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.opacity import classical as classical_opacities
from LungNoduleAILib.opacity import learned as learned_opacities
from LungNoduleAILib.opacity.protocol import OPACITY_FINDER, OpacityFinder
from LungNoduleAILib.parenchyma import pattern_map
from LungNoduleAILib.parenchyma.pattern_map import PATTERN_MAPPER, LearnedPatterns
from LungNoduleAILib.published import monai_anatomy, monai_detector, nnunet_detector, totalsegmentator
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.engines.engine import Engine
from ThoraxAILib.engines.registry import AUTO, REGISTRY, Registry
from ThoraxAILib.errors import InputError, MissingDependencyError, known
from ThoraxAILib.jobs.run_record import RunModel
from ThoraxAILib.networks.device import check_device, select_device

CLASSICAL = "classical"
BOTH_CLASSICAL = "detector and anatomy are classical, so no network takes part"
# in the order in which "auto" tries them
ENGINES = (
    learned_anatomy.ENGINE,
    classical_anatomy.ENGINE,
    *monai_anatomy.ENGINES,
    *totalsegmentator.ANATOMY_ENGINES,
    learned_detector.ENGINE,
    classical_detector.ENGINE,
    monai_detector.ENGINE,
    nnunet_detector.ENGINE,
    totalsegmentator.DETECTOR_ENGINE,
    learned_outline.ENGINE,
    classical_outline.ENGINE,
    siamese.ENGINE,
    no_reidentifier.ENGINE,
    pattern_map.ENGINE,
    learned_opacities.ENGINE,
    classical_opacities.ENGINE,
)
REGISTRY.add(*ENGINES)
ROLES = {
    "anatomy": "anatomy",
    "detector": "detector",
    "delineator": "delineator",
    "opacities": "opacities",
    "reidentifier": "re-identification",
    "patterns": "patterns",
}
JUDGE = "type and suspicion"


@dataclass(frozen=True, eq=False)
class LungEngines:
    """What takes part in one run, each None where the run has no use for it, and the device with its reason."""

    anatomy: ChosenEngine[AnatomySegmenter]
    device: str
    device_reason: str
    detector: ChosenEngine[Detector] | None = None
    delineator: ChosenEngine[Delineator] | None = None
    reidentifier: ChosenEngine[Reidentifier] | None = None
    patterns: ChosenEngine[LearnedPatterns] | None = None
    opacities: ChosenEngine[OpacityFinder] | None = None

    def models(self) -> tuple[RunModel, ...]:
        """Every engine that takes part, for the run record; after the run with the device each really ran on."""
        chosen = {role: getattr(self, field) for field, role in ROLES.items()}
        models = [
            engine.model(role)
            for role, engine in chosen.items()
            if engine is not None and engine.name != no_reidentifier.NONE
        ]
        if self.delineator is not None:  # what is outlined is judged, by the same models whatever outlined it
            models.append(RunModel(JUDGE, "ratings of readers", judgement.fingerprint(), "cpu"))
        return tuple(models)


def choose_engines(options: AnalysisOptions | FollowUpOptions, registry: Registry = REGISTRY) -> LungEngines:
    """Return the engines of an analysis or a follow-up; nothing is loaded yet.

    Raises InputError for unknown names, a device that is not there or a calibration of another detector,
    MissingDependencyError for an engine asked for by name that cannot run here.
    """
    analysis = options.analysis if isinstance(options, FollowUpOptions) else options
    kinds = {
        "anatomy": (ANATOMY_SEGMENTER, analysis.anatomy, AUTO),
        "detector": (DETECTOR, analysis.detector, AUTO),
        "delineator": (DELINEATOR, analysis.delineator, CLASSICAL),
        "opacities": (OPACITY_FINDER, AUTO, CLASSICAL),
    }
    if isinstance(options, FollowUpOptions):
        name = options.reidentifier if options.network else no_reidentifier.NONE
        kinds["reidentifier"] = (REIDENTIFIER, name, no_reidentifier.NONE)
    both_classical = analysis.anatomy == analysis.detector == CLASSICAL
    settings = {"weights": analysis.detector_weights, "score": analysis.detector_score}
    chosen = _chosen(kinds, analysis.device, both_classical, registry, settings)
    detector = known(chosen.detector, "the detector")
    check_calibration(analysis, detector.name, detector.fingerprint)
    return chosen


def choose_anatomy(anatomy: str = AUTO, device: str = AUTO, registry: Registry = REGISTRY) -> LungEngines:
    """Return the engines of a run that only finds the lungs; raises as ``choose_engines`` does."""
    return _chosen({"anatomy": (ANATOMY_SEGMENTER, anatomy, AUTO)}, device, False, registry)


def choose_pattern_engines(anatomy: str = AUTO, device: str = AUTO, registry: Registry = REGISTRY) -> LungEngines:
    """Return the engines of a pattern map; raises as ``choose_engines`` does."""
    kinds = {"anatomy": (ANATOMY_SEGMENTER, anatomy, AUTO), "patterns": (PATTERN_MAPPER, LearnedPatterns.name, AUTO)}
    return _chosen(kinds, device, False, registry)


def operating_point(name: str) -> float:
    """Return the confidence from which a detector reports; 0 when it cannot run here."""
    try:
        engine = REGISTRY.choose(DETECTOR, name)[0]
        fixed = getattr(engine.make, "operating_point", None)  # known without loading a network
        return fixed if isinstance(fixed, float) else engine.make("cpu").operating_point
    except MissingDependencyError:
        return 0.0


def _chosen(
    kinds: dict[str, tuple[str, str, str]],
    device: str,
    both_classical: bool,
    registry: Registry,
    detector_settings: Mapping[str, object] | None = None,
) -> LungEngines:
    """Engines by field of LungEngines from (kind, name asked for, what "auto" means where all is classical)."""
    found = {}
    for field, (kind, name, without_network) in kinds.items():
        wanted = without_network if both_classical and name == AUTO else name
        engine, reason = registry.choose(kind, wanted)
        found[field] = engine, BOTH_CLASSICAL if wanted != name else reason
    chosen_device, device_reason = _device(device, any(engine.uses_device for engine, _ in found.values()))
    chosen: dict[str, ChosenEngine[Any]] = {
        field: ChosenEngine(
            engine,
            reason,
            chosen_device,
            _taken(engine, detector_settings or {}) if field == "detector" else {},
        )
        for field, (engine, reason) in found.items()
    }
    return LungEngines(device=chosen_device, device_reason=device_reason, **chosen)


def _taken(engine: Engine, settings: Mapping[str, object]) -> dict[str, object]:
    """Return the settings that an engine takes; raises InputError for a model of one's own that it cannot use."""
    if settings.get("weights") is not None and "weights" not in engine.settings:
        raise InputError(
            f"The {engine.kind} '{engine.name}' takes no model of your own: leave out --detector-weights, or choose "
            f"--detector {nnunet_detector.NAME}."
        )
    return {name: value for name, value in settings.items() if name in engine.settings}


def _device(asked: str, any_network: bool) -> tuple[str, str]:
    """Return the device and why; without a network that is the processor, whatever was asked for and can be had."""
    if any_network:
        return select_device(asked)
    check_device(asked)
    if asked != AUTO:
        select_device(asked)
    return "cpu", "no network takes part"
