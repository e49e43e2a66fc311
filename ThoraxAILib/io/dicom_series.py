"""From image headers to stacks: grouped by series, split where one series holds several volumes, sorted by position.

A stack that cannot become a volume keeps the reason, so that a person is told instead of finding it missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ThoraxAILib.image.tuples import two
from ThoraxAILib.io.dicom_headers import HeaderScan, SliceHeader
from ThoraxAILib.io.dicom_pixels import fingerprint
from ThoraxAILib.io.series import SeriesSummary, too_few_slices
from ThoraxAILib.io.slice_grid import (
    SAME_POSITION_MM,
    SliceGrid,
    UnusableStack,
    depths_along_normal,
    is_even,
    plan_grid,
)

SAME_ORIENTATION = 0.005  # largest difference of a direction cosine
SAME_PIXEL_SPACING = 0.001  # relative
# What may tell two volumes of one series apart when their slices lie between each other, most telling first.
PHASE_ATTRIBUTES = ("temporal_position", "cardiac_phase", "acquisition", "image_type", "contrast", "thickness_mm")
MIN_PHASE_SLICES = 3
HU_RESCALE_TYPES = ("", "HU", "US")  # US: unspecified; the values are checked then


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
    by_series: dict[tuple[str, str], list[SliceHeader]] = {}
    for header in scan.headers:
        by_series.setdefault((header.study_uid, header.series_uid), []).append(header)
    stacks = []
    for images in by_series.values():
        parts = [_make_stack(part, modalities) for group in _same_geometry(images) for part in _phases(group)]
        parts.sort(key=lambda stack: (not stack.summary.usable, -stack.summary.slice_count))
        stacks += [
            replace(stack, summary=replace(stack.summary, part=number)) for number, stack in enumerate(parts, start=1)
        ]
    return sorted(stacks, key=lambda stack: (stack.summary.series_number or 0, stack.summary.choice))


def _same_geometry(images: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Images of one series grouped by kind, size, kernel, orientation and pixel spacing."""
    groups: list[list[SliceHeader]] = []
    for image in images:
        for group in groups:
            if _fits(image, group[0]):
                group.append(image)
                break
        else:
            groups.append([image])
    return groups


def _fits(image: SliceHeader, other: SliceHeader) -> bool:
    def kind(header: SliceHeader) -> tuple:
        return (
            header.modality,
            header.is_localizer,
            header.has_plane,
            header.rows,
            header.columns,
            header.samples,
            header.kernel,
            header.frame_of_reference_uid,
        )

    if kind(image) != kind(other):
        return False
    return not image.has_plane or bool(
        np.allclose(image.plane.orientation_lps, other.plane.orientation_lps, atol=SAME_ORIENTATION, rtol=0)
        and np.allclose(image.plane.pixel_spacing_mm, other.plane.pixel_spacing_mm, rtol=SAME_PIXEL_SPACING, atol=0)
    )


def _depths(images: Sequence[SliceHeader]) -> np.ndarray:
    row, column = _directions(images[0])
    return depths_along_normal(np.array([image.plane.position_lps_mm for image in images]), row, column)


def _directions(image: SliceHeader) -> tuple[np.ndarray, np.ndarray]:
    """Directions of a row and of a column of an image with a plane."""
    return two(np.reshape(image.plane.orientation_lps, (2, 3)))


def _phases(images: list[SliceHeader]) -> list[list[SliceHeader]]:
    """Split images that lie between each other into the volumes an attribute tells apart, else leave them together."""
    if not images[0].has_plane or np.linalg.norm(np.cross(*_directions(images[0]))) < 0.5:
        return [images]
    if is_even(np.sort(_depths(images))):
        return [images]
    for attribute in PHASE_ATTRIBUTES:
        parts: dict[object, list[SliceHeader]] = {}
        for image in images:
            parts.setdefault(getattr(image, attribute), []).append(image)
        if len(parts) > 1 and _are_interleaved_volumes(list(parts.values())):
            return list(parts.values())
    return [images]


def _are_interleaved_volumes(parts: Sequence[Sequence[SliceHeader]]) -> bool:
    """Whether each part is an even volume of its own and all share most of their range."""
    depths = [np.sort(_depths(part)) for part in parts]
    if any(len(depth) < MIN_PHASE_SLICES or not is_even(depth) for depth in depths):
        return False
    shared = min(depth[-1] for depth in depths) - max(depth[0] for depth in depths)
    return shared >= 0.5 * max(depth[-1] - depth[0] for depth in depths)


def _make_stack(images: Sequence[SliceHeader], modalities: Sequence[str]) -> Stack:
    """Sort, drop copies, plan the grid; whatever prevents a volume becomes the summary's reason."""
    reason = _unusable_kind(images[0], modalities)
    grid: SliceGrid | None = None
    notes: tuple[str, ...] = ()
    if not reason:
        try:
            images, notes = _without_copies(_sorted_by_depth(images))
            first = images[0]
            reason = too_few_slices(first.modality, len(images))
            if not reason:
                grid = plan_grid(
                    np.array([image.plane.position_lps_mm for image in images]),
                    np.array(first.plane.orientation_lps),
                    first.plane.pixel_spacing_mm,
                    (first.columns, first.rows),
                )
                notes += grid.notes
        except UnusableStack as fault:
            reason = str(fault)
    return Stack(tuple(images), _summary(images, grid, reason), grid, notes)


def _sorted_by_depth(images: Sequence[SliceHeader]) -> list[SliceHeader]:
    depths = _depths(images)
    return [images[index] for index in sorted(range(len(images)), key=lambda i: (depths[i], str(images[i].path)))]


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
    if np.linalg.norm(np.cross(*_directions(image))) < 0.5:
        return "has an ImageOrientationPatient that is no plane"
    if image.modality == "CT" and image.rescale_type not in HU_RESCALE_TYPES:
        return f"has values in {image.rescale_type}, not HU"
    return ""


def _without_copies(images: list[SliceHeader]) -> tuple[list[SliceHeader], tuple[str, ...]]:
    """Sorted images with identical ones at the same position left out, and the note that says so.

    Raises UnusableStack when images at the same position differ.
    """
    depths = _depths(images)
    kept = [images[0]]
    for index in range(1, len(images)):
        if depths[index] - depths[index - 1] > SAME_POSITION_MM:
            kept.append(images[index])
        elif fingerprint(images[index]) != fingerprint(kept[-1]):
            raise UnusableStack("has different images at the same position, as when two series or phases are mixed")
    dropped = len(images) - len(kept)
    which = "1 identical copy of a slice was" if dropped == 1 else f"{dropped} identical copies of slices were"
    return kept, (f"{which} left out.",) if dropped else ()


def _summary(images: Sequence[SliceHeader], grid: SliceGrid | None, reason: str) -> SeriesSummary:
    first = images[0]
    return SeriesSummary(
        series_uid=first.series_uid,
        study_uid=first.study_uid,
        modality=first.modality,
        files=tuple(dict.fromkeys(image.path for image in images)),
        slice_count=len(images),
        rows=first.rows,
        columns=first.columns,
        spacing_ijk_mm=None if grid is None else grid.spacing_ijk_mm,
        kernel=first.kernel,
        slice_thickness_mm=first.thickness_mm,
        series_number=first.series_number,
        plane=_plane(first) if grid is not None else "",
        original="DERIVED" not in first.image_type and "SECONDARY" not in first.image_type,
        usable=not reason,
        reason=reason,
    )


def _plane(image: SliceHeader) -> str:
    """Nearest anatomical plane of the images; oblique when more than 45 degrees from each."""
    row, column = _directions(image)
    normal = np.abs(np.cross(row, column))
    axis = int(normal.argmax())
    return ("sagittal", "coronal", "axial")[axis] if normal[axis] > np.sqrt(0.5) else "oblique"
