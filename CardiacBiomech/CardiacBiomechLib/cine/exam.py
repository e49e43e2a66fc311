"""What lies in the folder of an exam: runs of images of one slice, told apart by kind, and the stack to read.

An exam holds scouts, single-phase stacks (late enhancement), phase-contrast series, perfusion, repeats and aborted
runs at the same places as the cine. A run is what one series shows of one kind at one position; the stack takes at
each position the last run that covers the cycle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from CardiacBiomechLib.cine.phases import EVEN_GAP, Phases, in_time
from ThoraxAILib.image.tuples import two
from ThoraxAILib.io.slices.dicom_headers import SliceHeader
from ThoraxAILib.io.slices.slice_grid import depths_along_normal
from ThoraxAILib.io.stacking.image_group import SAME_PIXEL_SPACING, depths_mm, in_groups

SAME_ORIENTATION = 0.01  # largest difference of a direction cosine
SAME_POSITION_MM = 0.5
MIN_PHASES_OF_PARTS = 8  # fewer images of several series are no cycle that they share
MAX_CYCLE_MS = 3000.0  # a longer "cycle" is a dynamic series (perfusion), not a cine
# From base to apex: the long axes of three exams of three vendors lie within 12 degrees of this direction (LPS)
LONG_AXIS_LPS = np.array([0.62, -0.60, -0.50]) / np.linalg.norm([0.62, -0.60, -0.50])
SHORT_AXIS_DEGREES = 40.0
PHASE_TYPES = ("P", "PHASE", "PHASE MAP", "VELOCITY", "VELOCITY MAP", "P_PCA", "PHASE_MAP", "VELOCITY_MAP")
OTHER_PARTS = {"R": "real part", "REAL": "real part", "I": "imaginary part", "IMAGINARY": "imaginary part"}
MAP_TYPES = ("T1 MAP", "T2 MAP", "T2_STAR MAP", "T2STAR MAP", "R2 MAP", "R2_STAR MAP", "ECV MAP", "PERFUSION")


@dataclass(frozen=True, eq=False)
class Run:
    """Images of one kind at one position in order of time; ``depth_mm`` along the normal.

    They are of one series, or of so many ``series`` whose times go on from each other.
    """

    phases: Phases
    kind: str
    depth_mm: float
    series: int = 1

    @property
    def first(self) -> SliceHeader:
        """The header of the first image."""
        return self.phases.images[0]

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.phases.images)

    @property
    def moves(self) -> bool:
        """Whether it can belong to a cine: magnitude images of two or more phases within one or two heart cycles."""
        return self.kind == "magnitude" and self.count > 1 and self.phases.cycle_ms <= MAX_CYCLE_MS


@dataclass(frozen=True, eq=False)
class Position:
    """One slice position and everything that was imaged there."""

    depth_mm: float
    runs: tuple[Run, ...]


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel slices of one pixel size; ``normal_lps`` from the first position to the last."""

    positions: tuple[Position, ...]
    normal_lps: np.ndarray
    images: tuple[SliceHeader, ...] = field(default=())

    @property
    def tilt_degrees(self) -> float:
        """Angle between its normal and a usual long axis of the heart."""
        return float(np.degrees(np.arccos(min(1.0, abs(float(self.normal_lps @ LONG_AXIS_LPS))))))


def kind_of(image: SliceHeader) -> str:
    """Return what an image shows: magnitude, phase, real part, imaginary part or map."""
    types = [part.strip().upper() for part in image.image_type]
    if image.complex_part in ("PHASE", "REAL", "IMAGINARY"):
        return "phase" if image.complex_part == "PHASE" else OTHER_PARTS[image.complex_part]
    if any(part in PHASE_TYPES for part in types[2:]):
        return "phase"
    for part in types[2:]:
        if part in OTHER_PARTS:
            return OTHER_PARTS[part]
    return "map" if any(part in MAP_TYPES for part in types[2:]) else "magnitude"


def unique_images(images: Iterable[SliceHeader]) -> tuple[list[SliceHeader], int]:
    """Return images without those exported twice (same SOP instance and frame), and how many were left out."""
    seen: dict[tuple, SliceHeader] = {}
    doubled = 0
    for image in images:
        key = (image.sop_uid, image.frame) if image.sop_uid else (str(image.path), image.frame)
        doubled += key in seen
        seen.setdefault(key, image)
    return list(seen.values()), doubled


def stacks_of(images: Sequence[SliceHeader]) -> list[Stack]:
    """Return images grouped by study, orientation, pixel size and number of pixels, whatever series they belong to.

    Pixel sizes that differ as after rounding are one, and so are studies too short for a cine, of one person and day.
    """
    return [_stack(part) for group in in_groups(images, _are_parallel) for part in _by_study(group)]


def _are_parallel(image: SliceHeader, other: SliceHeader) -> bool:
    one, two = image.plane, other.plane
    return (image.rows, image.columns, image.samples) == (other.rows, other.columns, other.samples) and bool(
        np.allclose(one.orientation_lps, two.orientation_lps, atol=SAME_ORIENTATION, rtol=0)
        and np.allclose(one.pixel_spacing_mm, two.pixel_spacing_mm, rtol=SAME_PIXEL_SPACING, atol=0)
    )


def _by_study(images: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Return images by study; studies that hold no cine alone are one where person and day agree."""
    studies = in_groups(images, lambda image, other: image.study_uid == other.study_uid)
    short = [study for study in studies if _is_short(study)]
    together = in_groups([image for study in short for image in study], _may_be_one_exam)
    return [study for study in studies if not _is_short(study)] + together


def _is_short(images: Sequence[SliceHeader]) -> bool:
    """Whether images can be no cine by themselves: no two positions with two images each."""
    places = Counter(round(float(depth)) for depth in depths_mm(images))
    return sum(count > 1 for count in places.values()) < 2


def _may_be_one_exam(image: SliceHeader, other: SliceHeader) -> bool:
    day, other_day = (one.acquired_on or one.study_date for one in (image, other))
    return image.person == other.person and day == other_day


def _stack(images: Sequence[SliceHeader]) -> Stack:
    row, column = two(np.reshape(images[0].plane.orientation_lps, (2, 3)))
    depths = depths_along_normal(np.array([image.plane.position_lps_mm for image in images]), row, column)
    found: list[tuple[float, list[SliceHeader]]] = []
    for index in np.argsort(depths, kind="stable"):
        if not found or depths[index] - found[-1][0] > SAME_POSITION_MM:
            found.append((float(depths[index]), []))
        found[-1][1].append(images[index])
    normal = np.cross(row, column)
    positions = tuple(Position(depth, tuple(_runs(here, depth))) for depth, here in found)
    return Stack(positions, normal / np.linalg.norm(normal), tuple(images))


def _runs(images: Sequence[SliceHeader], depth_mm: float) -> list[Run]:
    series = in_groups(images, lambda image, other: _series_and_kind(image) == _series_and_kind(other))
    found = []
    for kind in dict.fromkeys(kind_of(image) for image in images):
        for parts in _that_go_on([part for part in series if kind_of(part[0]) == kind]):
            together = [image for part in parts for image in part]
            runs = [phases for part in _by_rescale(together) for phases in in_time(part)]
            found += [Run(phases, kind, depth_mm, len(parts)) for phases in runs]
    return found


def _series_and_kind(image: SliceHeader) -> tuple[str, str]:
    return image.series_uid, kind_of(image)


def _that_go_on(parts: Sequence[list[SliceHeader]]) -> list[list[list[SliceHeader]]]:
    """Return series of one position and kind, those together that share one cycle between them.

    Each begins after the last one ended, at the step that their images keep; a repeated run begins anew instead.
    """
    groups: dict[tuple, list[list[SliceHeader]]] = {}
    for part in parts:
        first = part[0]
        groups.setdefault((first.description, first.image_type, first.slope, first.intercept), []).append(part)
    found = []
    for group in groups.values():
        found += [group] if len(group) > 1 and _share_a_cycle(group) else [[part] for part in group]
    return found


def _share_a_cycle(parts: Sequence[Sequence[SliceHeader]]) -> bool:
    times = [sorted(image.trigger_ms for image in part if image.trigger_ms is not None) for part in parts]
    sizes = [len(part) for part in parts]
    every = np.sort(np.concatenate(times))
    if len(every) < sum(sizes) or len(every) < MIN_PHASES_OF_PARTS or max(sizes) > 2 * min(sizes) + 1:
        return False
    ordered = sorted(times)
    after = all(later[0] > earlier[-1] for earlier, later in pairwise(ordered))
    steps = np.diff(every)
    return after and bool(steps.min() > 0) and float(steps.max()) <= EVEN_GAP * float(np.median(steps))


def _by_rescale(images: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Images that claim one time twice and differ in ImageType or rescale are of two kinds."""
    times = [image.trigger_ms for image in images if image.trigger_ms is not None]
    if len(times) < len(images) or len({round(time, 1) for time in times}) == len(times):
        return [list(images)]
    parts: dict[tuple, list[SliceHeader]] = {}
    for image in images:
        parts.setdefault((image.image_type, image.slope, image.intercept), []).append(image)
    sizes = {len(part) for part in parts.values()}
    return list(parts.values()) if len(sizes) == 1 and 1 < len(parts) < len(images) / 2 else [list(images)]
