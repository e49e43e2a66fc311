"""Chest CT to anatomy, nodules, measurements and report (algorithms, scene, panel and commands)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ThoraxAILib.public.lazy_names import lazy_names

if TYPE_CHECKING:
    from LungNoduleAILib.model.findings import Finding
    from LungNoduleAILib.model.follow_up_options import FollowUpOptions
    from LungNoduleAILib.model.options import AnalysisOptions
    from LungNoduleAILib.model.pairs import Pair
    from LungNoduleAILib.public.analysis import Analysis, analyze
    from LungNoduleAILib.public.follow_up import FollowUpAnalysis, follow_up

_HOMES = {
    "Analysis": "LungNoduleAILib.public.analysis",
    "AnalysisOptions": "LungNoduleAILib.model.options",
    "Finding": "LungNoduleAILib.model.findings",
    "FollowUpAnalysis": "LungNoduleAILib.public.follow_up",
    "FollowUpOptions": "LungNoduleAILib.model.follow_up_options",
    "Pair": "LungNoduleAILib.model.pairs",
    "analyze": "LungNoduleAILib.public.analysis",
    "follow_up": "LungNoduleAILib.public.follow_up",
}

__all__ = [
    "Analysis",
    "AnalysisOptions",
    "Finding",
    "FollowUpAnalysis",
    "FollowUpOptions",
    "Pair",
    "analyze",
    "follow_up",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
