"""Slope and intercept that are missing in some images of a volume: taken from the others where these agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ThoraxAILib.io.slices.dicom_headers import SliceHeader
from ThoraxAILib.io.slices.slice_grid import UnusableStack


def with_rescale(images: Sequence[SliceHeader]) -> tuple[list[SliceHeader], tuple[str, ...]]:
    """Return images that all state a rescale, or none at all, and the note on those that were given the others'.

    Raises UnusableStack when it is missing in some and the others do not agree. A slope of 0 is none.
    """
    stated = {_rescale(image) for image in images} - {None}
    missing = sum(_rescale(image) is None for image in images)
    if not missing or not stated:
        bare = [image if _rescale(image) else replace(image, slope=None, intercept=None) for image in images]
        return bare, ()
    if len(stated) > 1:
        raise UnusableStack(f"states no rescale in {missing} of {len(images)} images, whose HU are unknown")
    slope, intercept = next(iter(stated)) or (1.0, 0.0)
    given = [image if _rescale(image) else replace(image, slope=slope, intercept=intercept) for image in images]
    return given, (f"The rescale is missing in {missing} of {len(images)} images: that of the others was taken.",)


def _rescale(image: SliceHeader) -> tuple[float, float] | None:
    if not image.slope or image.intercept is None:
        return None
    return image.slope, image.intercept
