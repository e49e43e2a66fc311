"""Short-axis cine MRI to motion, strain and biomechanics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ThoraxAILib.public.lazy_names import lazy_names

if TYPE_CHECKING:
    from CardiacBiomechLib.analysis.track import TrackOptions
    from CardiacBiomechLib.public.segmentation import SegmentedCine, segment_heart
    from CardiacBiomechLib.public.tracking import TrackedCine, track

_HOMES = {
    "SegmentedCine": "CardiacBiomechLib.public.segmentation",
    "TrackOptions": "CardiacBiomechLib.analysis.track",
    "TrackedCine": "CardiacBiomechLib.public.tracking",
    "segment_heart": "CardiacBiomechLib.public.segmentation",
    "track": "CardiacBiomechLib.public.tracking",
}

__all__ = ["SegmentedCine", "TrackOptions", "TrackedCine", "segment_heart", "track"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
