"""What somebody reads off a cine, what is true, and how far apart these are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ThoraxAILib.errors import InputError

MOST_POINTS = 100.0


@dataclass(frozen=True)
class Reading:
    """Frames of end-diastole and end-systole (from 1), ejection fraction of the LV in percent, and the group."""

    ed_frame: int
    es_frame: int
    ef_percent: float
    diagnosis: str

    def check(self, frames: int, groups: tuple[str, ...]) -> None:
        """Raise InputError for a frame, a fraction or a group that there is not."""
        for name, number in (("end-diastole", self.ed_frame), ("end-systole", self.es_frame)):
            if not 1 <= number <= frames:
                raise InputError(f"Frame {number} of {name} does not exist: the cine has frames 1 to {frames}.")
        if not 0.0 <= self.ef_percent <= MOST_POINTS:
            raise InputError(f"An ejection fraction of {self.ef_percent:g} % does not exist: give 0 to 100.")
        if self.diagnosis not in groups:
            raise InputError(f"There is no group '{self.diagnosis[:20]}': choose one of {', '.join(groups)}.")


@dataclass(frozen=True)
class Truth:
    """The true reading of a case with ``frames`` frames, why its group is what it is, and where it comes from.

    ``diagnosis`` of the reading is empty when the source does not tell it. ``whole_cycle``: the last frame leads back
    to the first, so that frames are counted around the cycle.
    """

    reading: Reading
    frames: int
    whole_cycle: bool
    source: str
    why: tuple[str, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """Frames and points off, without sign; ``right`` is None when the true group is not known."""

    ed_frames_off: int
    es_frames_off: int
    ef_points_off: float
    right: bool | None
    seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def score_reading(reading: Reading, truth: Truth, seconds: float | None = None) -> Score:
    """Return how far a reading is from the truth."""
    true = truth.reading
    return Score(
        _frames_off(reading.ed_frame, true.ed_frame, truth),
        _frames_off(reading.es_frame, true.es_frame, truth),
        round(abs(reading.ef_percent - true.ef_percent), 1),
        reading.diagnosis == true.diagnosis if true.diagnosis else None,
        seconds,
    )


def _frames_off(told: int, true: int, truth: Truth) -> int:
    apart = abs(told - true)
    return min(apart, truth.frames - apart) if truth.whole_cycle else apart
