"""The frames of one cine on one grid, with what is known about their times."""

from __future__ import annotations

from dataclasses import dataclass, field

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.inputs import check_image, check_same_grid


@dataclass(frozen=True, eq=False)
class Cine:
    """Frames in order of time; ``times_ms`` after the R wave, None when the source does not say.

    Frames are counted from 1 wherever a person sees them, as ACDC does. ``notes`` are choices made while reading,
    ``source`` says in a sentence what was read, and ``whole_cycle`` whether the frames lead round one heart cycle.
    ``sop_uids`` names the DICOM images of each frame; empty where a frame is no set of images of its own.
    """

    frames: tuple[Volume, ...] = field(repr=False)
    times_ms: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()
    source: str = ""
    whole_cycle: bool = True
    sop_uids: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    def check(self) -> None:
        """Raise InputError unless there are two or more usable frames on one grid."""
        if len(self.frames) < 2:
            raise InputError(f"The cine has {len(self.frames)} frame: give a cine of two or more.")
        for number, frame in enumerate(self.frames, start=1):
            check_image(frame, f"frame {number} of the cine")
            check_same_grid(frame, f"frame {number} of the cine", self.frames[0], "first frame")

    def index(self, number: int) -> int:
        """Return the index of frame ``number`` (counted from 1); raises InputError when the cine has no such frame."""
        if not 1 <= number <= len(self.frames):
            raise InputError(f"There is no frame {number}: the cine has frames 1 to {len(self.frames)}.")
        return number - 1
