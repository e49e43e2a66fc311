"""Whether frames cover one heart cycle: more than one beat, less than one, or too few phases to be a curve.

Told by the pictures alone: frames one cycle apart look alike, and in a whole cycle the last frame leads to the first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ThoraxAILib.image.volume import Volume

MIN_PHASES = 8  # fewer are single phases, not a curve
MIN_TWO_BEATS = 16
AS_ALIKE = 0.6  # of the mean difference one step apart: frames one beat apart differ less
OPEN_END = 0.5  # of the largest difference between any two frames: a wider step from last to first is no closed cycle
SAMPLES = 20000


def differences(frames: Sequence[Volume]) -> np.ndarray:
    """Mean absolute difference (n, n) between frames, of a sample of voxels that change most."""
    total = frames[0].array.size
    step = max(1, total // (4 * SAMPLES))
    values = np.stack([frame.array.ravel()[::step].astype(np.float32) for frame in frames])
    moving = values.std(0)
    values = values[:, moving >= np.quantile(moving, 0.75)]
    return np.array([[np.abs(one - other).mean() for other in values] for one in values])


def beat_frames(apart: np.ndarray) -> int:
    """Return how many frames one beat has when there are two or more beats; the number of frames otherwise."""
    count = len(apart)
    if count < MIN_TWO_BEATS:
        return count
    alike = {lag: float(np.mean(np.diagonal(apart, lag))) for lag in range(1, count - 3)}
    usual = max(alike.values())
    for lag in range(MIN_PHASES, count - 3):
        near = [alike[other] for other in range(max(2, lag - 3), min(lag + 4, count - 3)) if other != lag]
        if alike[lag] < min(near) and alike[lag] < AS_ALIKE * usual and alike[lag] < 1.5 * alike[1]:
            return lag if count - lag >= MIN_PHASES else count
    return count


def closes(apart: np.ndarray) -> bool:
    """Whether the last frame leads back to the first, as in a whole cycle."""
    return bool(apart[-1, 0] <= OPEN_END * apart.max()) if len(apart) >= MIN_PHASES else False
