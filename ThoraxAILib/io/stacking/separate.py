"""Several volumes in one series: told apart by what a header says, by time, by the order of the images or by content.

A way of telling apart counts only when every part of it is a volume of its own. What is missing in a header parts
nothing: an image without the value joins the part that lacks its position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from ThoraxAILib.io.slices.dicom_headers import SliceHeader
from ThoraxAILib.io.slices.slice_grid import SAME_POSITION_MM, UnusableStack, is_even, spacing_of
from ThoraxAILib.io.stacking.doubled import MAX_DOUBLED, resolve_doubled, without_copies
from ThoraxAILib.io.stacking.image_group import (
    MIN_SLICES_OF_A_VOLUME,
    ImageGroup,
    by_position,
    depths_mm,
    is_plane,
    most_frequent,
    same_word,
)
from ThoraxAILib.io.stacking.likeness import chains_of_like_images

# What may tell two volumes of one series apart when their slices lie between each other, most telling first, and
# what it is called in a note.
ATTRIBUTES = {
    "temporal_position": "TemporalPositionIdentifier",
    "cardiac_phase": "NominalPercentageOfCardiacPhase",
    "acquisition": "AcquisitionNumber",
    "trigger_ms": "TriggerTime",
    "kernel": "ConvolutionKernel",
    "image_type": "ImageType",
    "contrast": "ContrastBolusAgent",
    "thickness_mm": "SliceThickness",
    "frame_of_reference_uid": "FrameOfReferenceUID",
    "description": "SeriesDescription",
    "acquired_on": "AcquisitionDate",
    "acquired_s": "AcquisitionTime",
    "photometric": "PhotometricInterpretation",
}
PASS_GAP = 5.0  # two passes of the table are this many times further apart in time than the images of one
SHARED_RANGE = 0.5  # of the longer part, for volumes that only an attribute tells apart
Parts = list[list[SliceHeader]]


def separate(group: ImageGroup) -> list[ImageGroup]:
    """Split the images of a group into the volumes that something tells apart, else leave them together."""
    images = group.images
    if len(images) < 2 or not is_plane(images[0]):
        return [group]
    depths = np.sort(depths_mm(images))
    if is_even(depths):
        kernels = _by_attribute(images, "kernel")
        if len(kernels) > 1 and all(is_even(np.sort(depths_mm(part))) for part in kernels) and _share_range(kernels):
            return _told(group, kernels, ATTRIBUTES["kernel"])
        return [group]
    for attribute, name in ATTRIBUTES.items():
        parts = _by_attribute(images, attribute)
        # two recorded volumes may overlap a little (passes); other attributes may vary within one
        loose = attribute in ("temporal_position", "acquisition", "trigger_ms", "frame_of_reference_uid", "acquired_s")
        if len(parts) > 1 and _are_volumes(parts) and (_overlap(parts) if loose else _share_range(parts)):
            return [again for part in _told(group, parts, name) for again in separate(part)]
    if np.diff(depths).min() > SAME_POSITION_MM:
        return [group]
    return _separate_doubled(group)


def _separate_doubled(group: ImageGroup) -> list[ImageGroup]:
    """Images at one position that no attribute tells apart: copies, passes, a slice sent again, or two volumes."""
    images, copies = without_copies(group.images)
    group = group.with_images(images, *copies)
    places = by_position(images)
    doubled = sum(len(place) > 1 for place in places)
    if not doubled:
        return [group]
    passes = _passes(images, lambda image: image.acquired_s, PASS_GAP)
    if len(passes) > 1 and _are_volumes(passes):
        return _told(group, passes, "time")
    if doubled <= max(MAX_DOUBLED[0], MAX_DOUBLED[1] * len(places)):
        return [resolve_doubled(group, places)]
    rounds = _passes(images, lambda image: None if image.instance is None else float(image.instance), 0.0)
    if len(rounds) > 1 and _are_volumes(rounds) and _share_range(rounds):
        return _told(group, rounds, "the order of their InstanceNumber")
    chains = chains_of_like_images(places)
    if chains is not None and _are_volumes(chains):
        return _told(group, chains, "their content, as no attribute tells them apart")
    return [group]


def _told(group: ImageGroup, parts: Parts, by: str) -> list[ImageGroup]:
    note = f"The series holds {len(parts)} volumes, told apart by {by}."
    return [group.with_images(part, note) for part in parts]


def _by_attribute(images: Sequence[SliceHeader], name: str) -> Parts:
    """Images by the value of an attribute; those without one go where their position is vacant."""
    parts: dict[object, list[SliceHeader]] = {}
    vacant: list[SliceHeader] = []
    for image in images:
        value = getattr(image, name)
        key = same_word(value) if isinstance(value, str) else value
        if key in (None, "", ("",)):
            vacant.append(image)
        else:
            parts.setdefault(key, []).append(image)
    if not parts:
        return [list(images)]
    for image in vacant:
        _nearest_gap(list(parts.values()), image).append(image)
    return list(parts.values())


def _nearest_gap(parts: Parts, image: SliceHeader) -> list[SliceHeader]:
    """Return the part in which no image lies at the position of this one; the largest when all or none does."""
    free = [
        part for part in parts if np.abs(depths_mm([image, *part])[1:] - depths_mm([image])[0]).min() > SAME_POSITION_MM
    ]
    return max(free or parts, key=len)


def _are_volumes(parts: Parts) -> bool:
    """Whether every part has enough slices, no two at one position, and can be brought onto an even grid."""
    return all(len(part) >= MIN_SLICES_OF_A_VOLUME and _is_volume(part) for part in parts)


def _is_volume(part: Sequence[SliceHeader]) -> bool:
    depths = np.sort(depths_mm(part))
    try:
        spacing_of(depths - depths[0])
    except UnusableStack:
        return False
    return True


def _spans(parts: Parts) -> np.ndarray:
    reference = parts[0][0]
    spans = [depths_mm([reference, *part])[1:] for part in parts]
    return np.array([(span.min(), span.max()) for span in spans])


def _overlap(parts: Parts) -> bool:
    """Whether any two parts cover some of the same range."""
    spans = _spans(parts)
    ordered = spans[np.argsort(spans[:, 0])]
    return bool((ordered[1:, 0] < ordered[:-1, 1] + SAME_POSITION_MM).any())


def _share_range(parts: Parts) -> bool:
    """Whether all parts share most of their range."""
    spans = _spans(parts)
    shared = spans[:, 1].min() - spans[:, 0].max()
    return bool(shared >= SHARED_RANGE * (spans[:, 1] - spans[:, 0]).max())


def _passes(images: Sequence[SliceHeader], when: Callable[[SliceHeader], float | None], least_gap: float) -> Parts:
    """Split images in the order of a number wherever a position comes a second time.

    ``least_gap`` is how many times the usual step the number must jump there; no split at all where it is missing.
    """
    stated = [when(image) for image in images]
    if any(value is None for value in stated):
        return [list(images)]
    order = np.argsort(np.array(stated, dtype=float), kind="stable")
    ordered = [images[int(index)] for index in order]
    depths = np.round(depths_mm(ordered) / SAME_POSITION_MM).astype(int)
    passes: Parts = [[]]
    taken: set[int] = set()
    for image, depth in zip(ordered, depths, strict=True):
        if int(depth) in taken:
            passes.append([])
            taken = set()
        passes[-1].append(image)
        taken.add(int(depth))
    if least_gap > 0 and not _clear_gaps(passes, when, least_gap):
        return [list(images)]
    return passes


def _clear_gaps(passes: Parts, when: Callable[[SliceHeader], float | None], least_gap: float) -> bool:
    times = [np.array([when(image) for image in part], dtype=float) for part in passes]
    within = np.concatenate([np.diff(part) for part in times]) if any(len(part) > 1 for part in times) else np.zeros(1)
    usual = float(np.quantile(within, 0.9)) if len(within) else 0.0
    return all(after[0] - before[-1] > least_gap * usual for before, after in pairwise(times))


def notes_on_variety(images: Sequence[SliceHeader]) -> tuple[str, ...]:
    """Return what varies within the images of one volume although it should not."""
    notes: list[str] = []
    kernels = [image.kernel for image in images]
    stated = {same_word(kernel) for kernel in kernels} - {""}
    missing = sum(not kernel.strip() for kernel in kernels)
    if len(stated) > 1:
        usual = most_frequent(kernels)
        other = sum(same_word(kernel) not in ("", same_word(usual)) for kernel in kernels)
        notes.append(
            f"The kernel varies within the volume ({other} of {len(images)} images are not {usual}): they are read "
            "together because their positions form one volume."
        )
    elif stated and missing:
        notes.append(
            f"ConvolutionKernel is missing in {missing} of {len(images)} images; they belong to the same volume."
        )
    frames = {image.frame_of_reference_uid for image in images if image.frame_of_reference_uid}
    if len(frames) > 1:
        notes.append(
            f"The images state {len(frames)} different FrameOfReferenceUIDs; they are read together because their "
            "positions, orientation and size form one volume."
        )
    return tuple(notes)
