"""The seam where heart segmenters come in: they label short-axis frames that nobody has labeled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ThoraxAILib.engines.engine import Implementation
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

HEART_SEGMENTER = "heart segmenter"


class HeartSegmenter(Implementation, Protocol):
    """Labels LV, wall and RV in every frame of a cine.

    ``fingerprint`` changes whenever its answers may change; ``device`` is where it really ran. Its Engine is made with
    ``make(device, weights=...)``.
    """

    def segment(self, frames: Sequence[Volume], progress: Progress) -> tuple[Volume, ...]:
        """Return one label image (uint8: 1 RV, 2 wall, 3 LV) per frame, on its grid; slices are the first axis.

        Frames are those of one cine on one grid, or a single one. Raises InputError when no heart is found, Cancelled.
        """
        ...
