"""Which images at neighboring positions belong to the same volume, by their pixels alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.io.slices.dicom_headers import SliceHeader
from ThoraxAILib.io.slices.dicom_pixels import read_stack
from ThoraxAILib.jobs.progress import Progress

SHRINK = 4  # every fourth pixel of a row and of a column tells two phases apart
MAX_VOLUMES = 4  # more than this are not told apart by content
CLEAR = 0.9  # the chosen pairing differs at most this share of the next best one, at the median of the positions


def small_image(image: SliceHeader, shrink: int = SHRINK) -> np.ndarray:
    """Return rescaled pixels of one image, every ``shrink``-th of a row and column, float32."""
    return read_stack([image], False, Progress())[0, ::shrink, ::shrink]


def chains_of_like_images(places: Sequence[Sequence[SliceHeader]]) -> list[list[SliceHeader]] | None:
    """Return as many volumes as images lie at every position, each going on with what is most like its last image.

    None when the positions hold different numbers of images, or when the pairing is not clear.
    """
    count = len(places[0])
    if not 1 < count <= MAX_VOLUMES or any(len(place) != count for place in places):
        return None
    try:
        chains = [[image] for image in places[0]]
        last = [small_image(image) for image in places[0]]
        clearness = []
        for place in places[1:]:
            pixels = [small_image(image) for image in place]
            cost = np.array([[np.abs(old - new).mean() for new in pixels] for old in last])
            totals = sorted(
                (sum(cost[k, j] for k, j in enumerate(order)), order) for order in permutations(range(count))
            )
            clearness.append(totals[0][0] / max(totals[1][0], 1e-9))
            best = totals[0][1]
            for chain, chosen in zip(chains, best, strict=True):
                chain.append(place[chosen])
            last = [pixels[chosen] for chosen in best]
    except InputError:  # pixels that cannot be read tell nothing; reading the volume says why
        return None
    return chains if float(np.median(clearness)) <= CLEAR else None
