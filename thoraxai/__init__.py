"""Thoracic imaging in Python and in 3D Slicer: lung nodules, follow-up, heart motion, de-identification.

    import thoraxai
    analysis = thoraxai.analyze("ct.nrrd")
    print(analysis.findings)
    analysis.save("out")

Each name is imported when it is first used. Research use only, not a medical device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ThoraxAILib import __version__
from ThoraxAILib.public.lazy_names import lazy_names

if TYPE_CHECKING:
    from AnonymizerLib.public.anonymization import Anonymization, anonymize
    from AnonymizerLib.run.request import AnonymizeOptions
    from CardiacBiomechLib.public.comparison import compare_cine
    from CardiacBiomechLib.public.practice import practice_cine, score_cine
    from CardiacBiomechLib.public.segmentation import SegmentedCine, segment_heart
    from CardiacBiomechLib.public.study import analyze_cine
    from CardiacBiomechLib.public.tracking import TrackedCine, track
    from LungNoduleAILib.model.findings import Finding
    from LungNoduleAILib.model.follow_up_options import FollowUpOptions
    from LungNoduleAILib.model.options import AnalysisOptions
    from LungNoduleAILib.model.pairs import Pair
    from LungNoduleAILib.public.analysis import Analysis, analyze
    from LungNoduleAILib.public.follow_up import FollowUpAnalysis, follow_up
    from LungNoduleAILib.public.foreign import ForeignResult, read_findings
    from ThoraxAILib.errors import Cancelled, InputError, MissingDependencyError, OutputError, ThoraxAIError
    from ThoraxAILib.image.volume import Volume
    from ThoraxAILib.io.volumes import find_series, read_volume

_HOMES = {
    "Analysis": "LungNoduleAILib.public.analysis",
    "AnalysisOptions": "LungNoduleAILib.model.options",
    "Anonymization": "AnonymizerLib.public.anonymization",
    "AnonymizeOptions": "AnonymizerLib.run.request",
    "Cancelled": "ThoraxAILib.errors",
    "Finding": "LungNoduleAILib.model.findings",
    "FollowUpAnalysis": "LungNoduleAILib.public.follow_up",
    "FollowUpOptions": "LungNoduleAILib.model.follow_up_options",
    "ForeignResult": "LungNoduleAILib.public.foreign",
    "InputError": "ThoraxAILib.errors",
    "MissingDependencyError": "ThoraxAILib.errors",
    "OutputError": "ThoraxAILib.errors",
    "Pair": "LungNoduleAILib.model.pairs",
    "SegmentedCine": "CardiacBiomechLib.public.segmentation",
    "ThoraxAIError": "ThoraxAILib.errors",
    "TrackedCine": "CardiacBiomechLib.public.tracking",
    "Volume": "ThoraxAILib.image.volume",
    "analyze": "LungNoduleAILib.public.analysis",
    "analyze_cine": "CardiacBiomechLib.public.study",
    "anonymize": "AnonymizerLib.public.anonymization",
    "compare_cine": "CardiacBiomechLib.public.comparison",
    "find_series": "ThoraxAILib.io.volumes",
    "follow_up": "LungNoduleAILib.public.follow_up",
    "practice_cine": "CardiacBiomechLib.public.practice",
    "read_findings": "LungNoduleAILib.public.foreign",
    "read_volume": "ThoraxAILib.io.volumes",
    "score_cine": "CardiacBiomechLib.public.practice",
    "segment_heart": "CardiacBiomechLib.public.segmentation",
    "track": "CardiacBiomechLib.public.tracking",
}

__all__ = [
    "Analysis",
    "AnalysisOptions",
    "Anonymization",
    "AnonymizeOptions",
    "Cancelled",
    "Finding",
    "FollowUpAnalysis",
    "FollowUpOptions",
    "ForeignResult",
    "InputError",
    "MissingDependencyError",
    "OutputError",
    "Pair",
    "SegmentedCine",
    "ThoraxAIError",
    "TrackedCine",
    "Volume",
    "__version__",
    "analyze",
    "analyze_cine",
    "anonymize",
    "compare_cine",
    "find_series",
    "follow_up",
    "practice_cine",
    "read_findings",
    "read_volume",
    "score_cine",
    "segment_heart",
    "track",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
