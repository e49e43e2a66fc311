"""From image headers to stacks: grouped by series, split where one series holds several volumes, sorted by position.

A stack that cannot become a volume keeps the reason, so that a person is told instead of finding it missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ThoraxAILib.io.series import SeriesSummary
from ThoraxAILib.io.slices.dicom_headers import HeaderScan, SliceHeader
from ThoraxAILib.io.slices.slice_grid import SliceGrid, UnusableStack, plan_grid, too_few_slices
from ThoraxAILib.io.stacking.doubled import without_copies
from ThoraxAILib.io.stacking.image_group import (
    ImageGroup,
    directions,
    fits,
    in_groups,
    most_frequent,
    usual_pixel_spacing,
)
from ThoraxAILib.io.stacking.rescale import with_rescale
from ThoraxAILib.io.stacking.separate import notes_on_variety, separate
from ThoraxAILib.io.stacking.spread import joined_over_uids

# How RescaleType is written for Hounsfield units (PS3.3 C.11.1.1.2: HU; the standard's own example spells
# "Houndsfield"), and what leaves the unit open; the values are checked then.
HU_SPELLED = re.compile(r"[\[(]?\s*H\.?\s*U\.?\s*[\])]?|HO?UN[DS]*FI?EI?LD.*|HOUNSF.*")
OPEN_RESCALE_TYPES = ("", "US", "UNSPECIFIED", "UNKNOWN", "NONE", "N/A", "UNITLESS")


@dataclass(frozen=True, eq=False)
class Stack:
    """The images of one volume sorted along their normal, the grid they go on (None when unusable), and its summary."""

    headers: tuple[SliceHeader, ...]
    summary: SeriesSummary
    grid: SliceGrid | None
    notes: tuple[str, ...] = ()

    @property
    def usable_grid(self) -> SliceGrid:
        """The grid of a usable stack; ValueError for one that is not."""
        if self.grid is None:
            raise ValueError("a stack that is not usable has no grid")
        return self.grid


def find_stacks(scan: HeaderScan, modalities: Sequence[str]) -> list[Stack]:
    """Every stack among scanned images, by series number; within a series the largest is part 1."""
    by_series: dict[tuple[str, str, str], list[SliceHeader]] = {}
    for header in scan.headers:
        by_series.setdefault((header.person, header.study_uid, header.series_uid), []).append(header)
    groups = [ImageGroup(tuple(part)) for images in by_series.values() for part in in_groups(images, fits)]
    volumes = [volume for group in joined_over_uids(groups) for volume in separate(group)]
    parts: dict[tuple[str, str], list[Stack]] = {}
    for volume in volumes:
        stack = _make_stack(volume, modalities)
        parts.setdefault((stack.summary.study_uid, stack.summary.series_uid), []).append(stack)
    stacks = []
    for own in parts.values():
        own.sort(key=_size_and_order)
        stacks += [
            replace(stack, summary=replace(stack.summary, part=number)) for number, stack in enumerate(own, start=1)
        ]
    return sorted(stacks, key=lambda stack: (stack.summary.series_number or 0, stack.summary.choice))


def _size_and_order(stack: Stack) -> tuple:
    """Usable ones first, then the larger ones, then those that were acquired first."""
    times = [image.acquired_s for image in stack.headers if image.acquired_s is not None]
    instances = [image.instance for image in stack.headers if image.instance is not None]
    first = min(stack.headers, key=lambda image: str(image.path))
    return (
        not stack.summary.usable,
        -stack.summary.slice_count,
        first.acquisition.zfill(12),
        min(times, default=0.0),
        min(instances, default=0),
        str(first.path),
    )


def _make_stack(volume: ImageGroup, modalities: Sequence[str]) -> Stack:
    """Sort, drop copies, plan the grid; whatever prevents a volume becomes the summary's reason."""
    images: Sequence[SliceHeader] = volume.images
    reason = _unusable_kind(images[0], modalities) or volume.cause
    grid: SliceGrid | None = None
    notes = volume.notes
    if not reason:
        try:
            images, copies = without_copies(images)
            images, rescaled = with_rescale(images)
            reason = too_few_slices(images[0].modality, len(images))
            if not reason:
                grid, planned = _plan(images)
                notes += copies + rescaled + planned + notes_on_variety(images)
        except UnusableStack as fault:
            reason = str(fault)
    return Stack(tuple(images), _summary(images, grid, reason), grid, notes)


def _plan(images: Sequence[SliceHeader]) -> tuple[SliceGrid, tuple[str, ...]]:
    """Return the grid of sorted images and the repairs; the pixel spacing is the one that most images state."""
    first = images[0]
    spacing, note = usual_pixel_spacing(images)
    grid = plan_grid(
        np.array([image.plane.position_lps_mm for image in images]),
        np.array(first.plane.orientation_lps),
        spacing,
        (first.columns, first.rows),
    )
    return grid, (*grid.notes, *note)


def _unusable_kind(image: SliceHeader, modalities: Sequence[str]) -> str:
    """Why images of this kind are no volume whatever their number, or nothing."""
    if image.modality not in modalities:
        return f"is {image.modality or 'of unknown modality'}, not {' or '.join(modalities)}"
    if image.is_localizer:
        return "is a localizer"
    if image.samples != 1 or not image.photometric.startswith("MONOCHROME"):
        return f"is a color picture ({image.photometric or 'several samples per pixel'})"
    if image.frames > 1 and image.frame is None:
        return "is a multi-frame file that does not say where its frames lie"
    if not image.has_plane:
        return "has images without position, orientation or pixel spacing"
    if np.linalg.norm(np.cross(*directions(image))) < 0.5:
        return "has an ImageOrientationPatient that is no plane"
    if image.modality == "CT" and not _is_hounsfield(image.rescale_type):
        return f"has values in {image.rescale_type}, not HU"
    return ""


def _is_hounsfield(rescale_type: str) -> bool:
    """Whether a RescaleType says HU, in any spelling, or nothing."""
    stated = " ".join(rescale_type.upper().replace("_", " ").split())
    return stated in OPEN_RESCALE_TYPES or HU_SPELLED.fullmatch(stated) is not None


def _summary(images: Sequence[SliceHeader], grid: SliceGrid | None, reason: str) -> SeriesSummary:
    first = images[0]
    return SeriesSummary(
        series_uid=min(image.series_uid for image in images),
        study_uid=min(image.study_uid for image in images),
        modality=first.modality,
        files=tuple(dict.fromkeys(image.path for image in images)),
        slice_count=len(images),
        rows=first.rows,
        columns=first.columns,
        spacing_ijk_mm=None if grid is None else grid.spacing_ijk_mm,
        grid_slices=0 if grid is None else grid.size_ijk[2],
        kernel=most_frequent([image.kernel for image in images]),
        slice_thickness_mm=next((i.thickness_mm for i in images if i.thickness_mm is not None), None),
        series_number=first.series_number,
        plane=_plane(first) if grid is not None else "",
        original="DERIVED" not in first.image_type and "SECONDARY" not in first.image_type,
        usable=not reason,
        reason=reason,
    )


def _plane(image: SliceHeader) -> str:
    """Nearest anatomical plane of the images; oblique when more than 45 degrees from each."""
    row, column = directions(image)
    normal = np.abs(np.cross(row, column))
    axis = int(normal.argmax())
    return ("sagittal", "coronal", "axial")[axis] if normal[axis] > np.sqrt(0.5) else "oblique"
