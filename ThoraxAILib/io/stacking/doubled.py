"""Images at the same position: identical copies are left out, and of a slice sent again the one that fits is kept.

The stated rule for a slice sent again: the image most like its neighbors above and below is kept (smallest mean
absolute difference); of equal ones that of the lower InstanceNumber, then of the first file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ThoraxAILib.io.slices.dicom_headers import SliceHeader
from ThoraxAILib.io.slices.dicom_pixels import fingerprint
from ThoraxAILib.io.stacking.image_group import ImageGroup, by_position
from ThoraxAILib.io.stacking.likeness import small_image

MAX_DOUBLED = (3, 0.1)  # this many positions, or this share of them, may hold a slice sent again


def without_copies(images: Sequence[SliceHeader]) -> tuple[list[SliceHeader], tuple[str, ...]]:
    """Return images without identical ones at the same position, sorted, and the note that says so."""
    kept: list[SliceHeader] = []
    for place in by_position(images):
        if len(place) == 1:
            kept += place
            continue
        distinct = {fingerprint(image): image for image in reversed(place)}
        kept += [image for image in place if image in distinct.values()]
    dropped = len(images) - len(kept)
    which = "1 identical copy of a slice was" if dropped == 1 else f"{dropped} identical copies of slices were"
    return kept, (f"{which} left out.",) if dropped else ()


def resolve_doubled(group: ImageGroup, places: Sequence[Sequence[SliceHeader]]) -> ImageGroup:
    """Return the group with one image at every position (``places`` in their order), and how many were decided."""
    images = [most_like_its_neighbors(places, number) for number in range(len(places))]
    left = sum(len(place) - 1 for place in places)
    which = (
        "1 slice was sent again with other pixels" if left == 1 else f"{left} slices were sent again with other pixels"
    )
    return group.with_images(images, f"{which}: at each place the image most like its neighbors was kept.")


def most_like_its_neighbors(places: Sequence[Sequence[SliceHeader]], number: int) -> SliceHeader:
    """Return the image of one place (or time) that is most like those before and after it; see the rule above."""
    place = places[number]
    if len(place) == 1:
        return place[0]
    around = [_nearest_single(places, number, step) for step in (-1, 1)]
    neighbors = [small_image(image, shrink=1) for image in around if image is not None]

    def unlikeness(image: SliceHeader) -> tuple[float, float, str]:
        pixels = small_image(image, shrink=1)
        differences = [float(np.abs(pixels - neighbor).mean()) for neighbor in neighbors]
        instance = float("inf") if image.instance is None else float(image.instance)
        return round(sum(differences), 4), instance, str(image.path)

    return min(place, key=unlikeness)


def _nearest_single(places: Sequence[Sequence[SliceHeader]], number: int, step: int) -> SliceHeader | None:
    """Return the next image in one direction that is alone at its position; None at the end of the stack."""
    number += step
    while 0 <= number < len(places):
        if len(places[number]) == 1:
            return places[number][0]
        number += step
    return None
