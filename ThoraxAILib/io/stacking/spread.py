"""One volume spread over several UIDs: new series, study or frame of reference in every slice or part of it.

Images of different series are stacked when they are of one person and day, of one kind, size, orientation, pixel
spacing and kernel, were acquired within minutes, and together lie on one even ladder, each position once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ThoraxAILib.io.slices.dicom_headers import SliceHeader
from ThoraxAILib.io.slices.slice_grid import SAME_POSITION_MM, UnusableStack, is_even, spacing_of, too_few_slices
from ThoraxAILib.io.stacking.image_group import ImageGroup, depths_mm, fits, in_groups, is_plane, same_word

MAX_MINUTES = 10.0  # between the first and the last image of one volume
FEW_UIDS = 3  # from so many series of too few images on, one cause is told for all of them
DAY_S = 86400.0


def joined_over_uids(groups: Sequence[ImageGroup]) -> list[ImageGroup]:
    """Return the groups, each of one series, with those that are parts of one volume put together.

    A part with enough slices to be a volume of its own is joined only to parts of the same SeriesNumber; what cannot
    be joined though it is too short alone is put together too, with the cause.
    """
    short = [group for group in groups if _is_short(group)]
    others = [group for group in groups if not _is_short(group)]
    joined: list[ImageGroup] = []
    for candidates in _candidates(others, short):
        joined += _join(candidates)
    return joined


def _is_short(group: ImageGroup) -> bool:
    first = group.images[0]
    return is_plane(first) and not first.is_localizer and bool(too_few_slices(first.modality, len(group.images)))


def _candidates(others: list[ImageGroup], short: list[ImageGroup]) -> list[list[ImageGroup]]:
    """Return groups that fit each other; a group that fits no other one stands alone."""
    bins: list[list[ImageGroup]] = []
    for group in [*others, *short]:
        first = group.images[0]
        if not is_plane(first) or first.is_localizer:
            bins.append([group])
            continue
        for candidates in bins:
            if _may_belong(group, candidates[0]):
                candidates.append(group)
                break
        else:
            bins.append([group])
    return bins


def _may_belong(group: ImageGroup, other: ImageGroup) -> bool:
    one, two = group.images[0], other.images[0]
    if not is_plane(two) or one.person != two.person or not fits(one, two) or not same_kernel(one, two):
        return False
    if not (_is_short(group) and _is_short(other)) and one.series_number != two.series_number:
        return False
    return ("DERIVED" in one.image_type) == ("DERIVED" in two.image_type)


def _join(candidates: list[ImageGroup]) -> list[ImageGroup]:
    if len(candidates) == 1:
        return candidates
    images = [image for group in candidates for image in group.images]
    cause = _cause_against(images)
    if not all(_is_short(group) for group in candidates) and not is_even(np.sort(depths_mm(images))):
        cause = cause or "has gaps between its series"
    uids = _what_differs(images)
    if not cause:
        note = (
            f"The volume is spread over {uids}; its {len(images)} images are read together because person, position, "
            "orientation, size and time agree."
        )
        return [ImageGroup(tuple(images), (note,))]
    short = [group for group in candidates if _is_short(group)]
    if len(short) < max(FEW_UIDS, len(candidates) - 1):
        return candidates
    long = [group for group in candidates if not _is_short(group)]
    together = tuple(image for group in short for image in group.images)
    return [
        *long,
        ImageGroup(together, cause=f"is spread over {_what_differs(together)} and {_cause_against(together)}"),
    ]


def _what_differs(images: Sequence[SliceHeader]) -> str:
    counts = {
        "StudyInstanceUIDs": len({image.study_uid for image in images}),
        "SeriesInstanceUIDs": len({image.series_uid for image in images}),
    }
    return " and ".join(f"{count} {name}" for name, count in counts.items() if count > 1) or "several series"


def _cause_against(images: Sequence[SliceHeader]) -> str:
    """Why images of several series are no volume together, as the end of a sentence; empty when they are one."""
    short = too_few_slices(images[0].modality, len(images))
    if short:
        return short
    if len(in_groups(images, same_kernel)) > 1:
        return "its images differ in their kernel"
    if len({image.acquired_on or image.study_date for image in images}) > 1:
        return "its images were acquired on different days"
    if _minutes(images) > MAX_MINUTES:
        return f"its images were acquired over {_minutes(images):.0f} minutes"
    depths = np.sort(depths_mm(images))
    if np.diff(depths).min() <= SAME_POSITION_MM:
        return "has different images at the same position"
    if is_even(depths):
        return ""
    try:
        spacing_of(depths - depths[0])
    except UnusableStack as fault:
        return str(fault)
    return ""


def same_kernel(one: SliceHeader, two: SliceHeader) -> bool:
    """Whether two images may be of one reconstruction; a kernel that is not stated differs from none."""
    return "" in (one.kernel.strip(), two.kernel.strip()) or same_word(one.kernel) == same_word(two.kernel)


def _minutes(images: Sequence[SliceHeader]) -> float:
    """Time from the first to the last image; one that starts before midnight may end after it."""
    times = sorted(image.acquired_s for image in images if image.acquired_s is not None)
    if len(times) < 2:
        return 0.0
    gaps = [*np.diff(times), times[0] + DAY_S - times[-1]]
    return float(DAY_S - max(gaps)) / 60.0
