"""A short-axis cine out of the DICOM files of a whole exam: stacked by position, ordered by time after the R wave.

Every slice is usually a series of its own (one breath-hold each), so series are joined by orientation. The slice
distance comes from positions, never from thickness (PS3.3 C.7.6.2.1.1). What else lies in the exam is left out and
counted; ``list_runs`` tells all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardiacBiomechLib.cine.exam import Run, Stack, stacks_of, unique_images
from CardiacBiomechLib.cine.stack_choice import Choice, Matched, choose_in
from CardiacBiomechLib.model.cine import Cine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.io.slices.dicom_headers import HeaderScan, SliceHeader, scan_headers
from ThoraxAILib.io.slices.dicom_pixels import read_stack
from ThoraxAILib.io.slices.slice_grid import SliceGrid, UnusableStack, plan_grid, resample_to_grid
from ThoraxAILib.io.stacking.image_group import usual_pixel_spacing
from ThoraxAILib.jobs.progress import Progress

MIN_LONG_AXIS_PHASES = 8  # fewer are no cine of a long-axis view


@dataclass(frozen=True, eq=False)
class Exam:
    """The MR images of an exam, the stack that is its short-axis cine, and the other stacks.

    ``asked``: a person said which series the cine is to be among.
    """

    choice: Choice
    others: tuple[Stack, ...]
    images: tuple[SliceHeader, ...]
    doubled: int
    name: str
    asked: bool = False


@dataclass(frozen=True, eq=False)
class SlicePlan:
    """The slices to read, the grid of a frame, and which of its depths each slice is.

    ``dropped_mm`` is the depth of a slice that fits nowhere; None when all fit.
    """

    choice: Choice
    grid: SliceGrid
    places: np.ndarray
    dropped_mm: float | None

    @property
    def between(self) -> int:
        """Number of positions between read slices at which none was read."""
        return int(np.ptp(self.places)) + 1 - len(self.places)


def look_through(files: Sequence[Path], name: str, progress: Progress, series: Sequence[int] = ()) -> Exam:
    """Return what the exam holds and which stack is its short-axis cine; raises InputError when there is none.

    With ``series`` only images of series of these numbers can be the cine.
    """
    scan = scan_headers(files, progress)
    images, doubled = unique_images(_with_plane(scan))
    if not images:
        raise InputError(
            f"No MR image was found in '{name}' ({scan.found()} found): give a folder with the DICOM "
            "slices of a short-axis cine."
        )
    wanted = [image for image in images if not series or image.series_number in series]
    if not wanted:
        there = ", ".join(str(number) for number in sorted({image.series_number or 0 for image in images}))
        asked = ", ".join(map(str, series))
        raise InputError(f"'{name}' has no MR images of series {asked}: choose among {there}, or leave --series out.")
    choices = [choose_in(stack) for stack in stacks_of(wanted)]
    best = max(choices, key=lambda choice: (choice.score, len(choice.slices), choice.count))
    others = [choice.stack for choice in choices if choice.stack is not best.stack]
    others += stacks_of([image for image in images if series and image.series_number not in series])
    return Exam(best, tuple(others), tuple(images), doubled, name, bool(series))


def _with_plane(scan: HeaderScan) -> list[SliceHeader]:
    return [header for header in scan.headers if header.modality == "MR" and header.has_plane]


def read_dicom_cine(files: Sequence[Path], name: str, progress: Progress) -> Cine:
    """Return the short-axis cine among ``files``; raises InputError when there is none."""
    exam = look_through(files, name, progress.part(0.0, 0.3))
    return read_exam_cine(exam, progress.part(0.3, 1.0))


def read_exam_cine(exam: Exam, progress: Progress) -> Cine:
    """Return the frames of the chosen stack with what was chosen and why; raises InputError when it is no cine."""
    choice = exam.choice
    if len(choice.slices) < 2 or choice.count < 2:
        raise InputError(_no_cine(exam))
    plan = _planned(choice, exam.name)
    choice, grid = plan.choice, plan.grid
    notes = _notes(exam, choice, plan.dropped_mm)
    if plan.between:
        notes += (f"{plan.between} left-out slices between others were filled by linear interpolation.",)
    frames = []
    for number in range(choice.count):
        share = progress.part(number / choice.count, (number + 1) / choice.count)
        frames.append(_frame(choice.frame(number), plan, share))
    times_ms = None if choice.times_ms is None else tuple(float(time) for time in choice.times_ms)
    told = _told(exam, choice, grid)
    return Cine(tuple(frames), times_ms, notes + _grid_notes(grid), told, sop_uids=_sop_uids(choice))


def _sop_uids(choice: Choice) -> tuple[tuple[str, ...], ...]:
    """Return the images of each frame; empty when they lack UIDs or share one file with other frames."""
    frames = [choice.frame(number) for number in range(choice.count)]
    if any(image.frame is not None or not image.sop_uid for images in frames for image in images):
        return ()
    return tuple(tuple(image.sop_uid for image in images) for images in frames)


def _no_cine(exam: Exam) -> str:
    choice = exam.choice
    positions = choice.stack.positions
    if any(not run.phases.ordered for position in positions for run in position.runs if run.moves):
        return (
            f"The phases of the cine in '{exam.name}' cannot be put in order, because its images lack trigger time, "
            "temporal position and instance number: export the exam again with these attributes."
        )
    kinds = Counter(run.kind for position in positions for run in position.runs)
    only = f" ({', '.join(sorted(kinds))} images)" if set(kinds) != {"magnitude"} else ""
    if choice.left_out:
        only += "; " + _left_out_sentence(choice).rstrip(".").replace("Left out", "left out")
    return (
        f"'{exam.name}' holds no short-axis cine: the largest stack has {len(choice.slices) or len(positions)} slice "
        f"positions with {choice.count} phases each{only}, two or more of both are needed."
    )


def _planned(choice: Choice, name: str) -> SlicePlan:
    """Return the plan; positions between read slices whose runs were left out stay positions of the grid."""
    first_fault: UnusableStack | None = None
    for left in (None, *range(len(choice.slices))):
        slices = tuple(match for index, match in enumerate(choice.slices) if index != left)
        if len(slices) < 2 or (left is not None and len(slices) < 3):
            break
        first = slices[0].run.first
        read = {match.run.depth_mm: match.run.first.plane.position_lps_mm for match in slices}
        between = {depth: place for depth, place in _left_out_places(choice).items() if min(read) < depth < max(read)}
        depths = sorted({**between, **read})
        try:
            grid = plan_grid(
                np.array([({**between, **read})[depth] for depth in depths]),
                np.array(first.plane.orientation_lps),
                usual_pixel_spacing(_images(slices))[0],
                (first.columns, first.rows),
            )
        except UnusableStack as fault:
            first_fault = first_fault or fault
            continue
        places = np.array([depths.index(match.run.depth_mm) for match in slices])
        if left is None:
            return SlicePlan(choice, grid, places, None)
        kept = Choice(choice.stack, slices, choice.times_ms, choice.left_out, choice.count, choice.repeated)
        return SlicePlan(kept, grid, places, choice.slices[left].run.depth_mm)
    raise InputError(
        f"The slices of the cine in '{name}' form no stack, because it {first_fault}: give one short-axis cine."
    )


def _left_out_places(choice: Choice) -> dict[float, tuple[float, ...]]:
    left = {depth for depth, _, _ in choice.left_out}
    return {
        position.depth_mm: position.runs[0].first.plane.position_lps_mm
        for position in choice.stack.positions
        if position.depth_mm in left
    }


def _notes(exam: Exam, choice: Choice, dropped: float | None) -> tuple[str, ...]:
    notes: list[str] = []
    if choice.repeated:
        notes.append(
            f"{choice.repeated} slice positions were acquired more than once: the last whole run of each was read."
        )
    if choice.left_out:
        notes.append(_left_out_sentence(choice))
    if dropped is not None:
        notes.append("Left out: a slice that does not fit between the others at even distances.")
    nearest = [match for match in choice.slices if match.nearest]
    if nearest:
        how = "the nearest phase by trigger time" if choice.times_ms is not None else "the nearest phase by order"
        notes.append(
            f"Not every slice has {choice.count} phases: in {len(nearest)} slices "
            f"{sum(match.nearest for match in nearest)} frames show {how}."
        )
    filled = sum(match.run.phases.filled for match in choice.slices)
    if filled:
        notes.append(f"{filled} images lack their trigger time: it was filled in between their neighbors.")
    if choice.times_ms is None:
        notes.append("The files tell no usable trigger times: frames are in their stated order, times are unknown.")
    notes += _notes_on_spread(choice)
    again = sum(match.run.phases.again for match in choice.slices)
    if again:
        which = "1 image was" if again == 1 else f"{again} images were"
        notes.append(f"{which} sent again: at each time the image most like those before and after it was kept.")
    if exam.doubled:
        notes.append(f"Left out: {exam.doubled} images that are there twice (same SOP instance).")
    used = sum(match.run.count for match in choice.slices)
    rest = len(exam.images) - used - again
    if rest > 0:
        notes.append(_rest_sentence(exam, choice, rest))
    return tuple(notes)


def _images(slices: Sequence[Matched]) -> list[SliceHeader]:
    return [image for match in slices for image in match.run.phases.images]


def _notes_on_spread(choice: Choice) -> tuple[str, ...]:
    """Return what varies within the cine although it should not: UIDs and pixel spacing."""
    images = _images(choice.slices)
    parts = {
        "StudyInstanceUIDs": len({image.study_uid for image in images}),
        "SeriesInstanceUIDs within its slices": max(match.run.series for match in choice.slices),
    }
    told = " and ".join(f"{count} {name}" for name, count in parts.items() if count > 1)
    note = f"The cine is spread over {told}: read together because person, day, place and times go together."
    return ((note,) if told else ()) + usual_pixel_spacing(images)[1]


def _left_out_sentence(choice: Choice) -> str:
    counts = ", ".join(f"{has} of {of}" for _, has, of in choice.left_out)
    places = len(choice.left_out)
    return (
        f"Left out: {places} slice position{'s' * (places > 1)} with too few matching phases "
        f"({counts}; more than half are needed)."
    )


def _rest_sentence(exam: Exam, choice: Choice, rest: int) -> str:
    """Return what the images that were not read are."""
    chosen = {id(match.run) for match in choice.slices}
    here = [run for position in choice.stack.positions for run in position.runs if id(run) not in chosen]
    kinds: Counter[str] = Counter()
    for run in here:
        kinds[_why_not(run)] += run.count
    for stack in exam.others:
        kinds["of another plane, size or study"] += len(stack.images)
    told = "; ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    return f"Left out: {rest} images that are not part of the cine ({told})."


def _why_not(run: Run) -> str:
    if run.kind != "magnitude":
        return f"that show the {run.kind}" if run.kind != "map" else "that are a map"
    if run.count < 2:
        return "single-phase images at its positions"
    return "of repeated, stopped or dynamic runs"


def _grid_notes(grid: SliceGrid) -> tuple[str, ...]:
    """Return what the grid repaired, in the words of cardiac MR."""
    return tuple(note.replace("The gantry was tilted", "The stack is sheared") for note in grid.notes)


def _told(exam: Exam, choice: Choice, grid: SliceGrid) -> str:
    """Return what was read, as a sentence for a person."""
    numbers = sorted({match.run.first.series_number or 0 for match in choice.slices})
    series = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"
    every = len({image.series_uid for image in exam.images})
    of = f" of {every} series" if every > len({image.series_uid for image in _images(choice.slices)}) else ""
    of += ", as asked" if exam.asked else ""
    how = "trigger time" if choice.times_ms is not None else "the order in the files"
    return (
        f"{len(choice.slices)} short-axis slices {grid.spacing_ijk_mm[2]:.1f} mm apart with {choice.count} phases each "
        f"(series {series}{of}), ordered by {how}."
    )


def _frame(images: list[SliceHeader], plan: SlicePlan, progress: Progress) -> Volume:
    array, grid = read_stack(images, False, progress), plan.grid
    if plan.between:
        array = _with_slices_between(array, grid.depths_mm[plan.places], grid.depths_mm)
    if grid.needs_resampling:
        array = resample_to_grid(array, grid, float(array.min()))
    identity = SeriesIdentity(slice_thickness_mm=images[0].thickness_mm)
    return Volume(array, ijk_to_ras_from_lps(grid.ijk_to_lps), "MR", identity)


def _with_slices_between(array: np.ndarray, read_mm: np.ndarray, wanted_mm: np.ndarray) -> np.ndarray:
    """Return slices at all wanted depths, linear between those that were read."""
    above = np.clip(np.searchsorted(read_mm, wanted_mm), 1, len(read_mm) - 1)
    weight = (wanted_mm - read_mm[above - 1]) / (read_mm[above] - read_mm[above - 1])
    weight = np.clip(weight, 0.0, 1.0).astype(array.dtype)[:, None, None]
    return array[above - 1] * (1 - weight) + array[above] * weight


@dataclass(frozen=True)
class SeriesRow:
    """One line of ``thoraxai cardiac series``: images of one kind of one series, and whether the cine uses them."""

    series_number: int | None
    kind: str
    positions: int
    phases: int
    images: int
    first_ms: float | None
    last_ms: float | None
    plane: str
    read: bool


def list_runs(exam: Exam) -> list[SeriesRow]:
    """Return every series of the exam by kind, in order of their numbers."""
    chosen = {id(match.run) for match in exam.choice.slices}
    groups: dict[tuple, list[tuple[Run, Stack]]] = {}
    for stack in (exam.choice.stack, *exam.others):
        for position in stack.positions:
            for run in position.runs:
                key = (run.first.series_number or 0, run.first.series_uid, run.kind)
                groups.setdefault(key, []).append((run, stack))
    rows = []
    for (number, _, kind), found in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1], item[0][2])):
        times = [t for run, _ in found if run.phases.times_ms is not None for t in (run.phases.times_ms[[0, -1]])]
        rows.append(
            SeriesRow(
                number or None,
                kind,
                len({round(run.depth_mm, 1) for run, _ in found}),
                max(run.count for run, _ in found),
                sum(run.count for run, _ in found),
                float(min(times)) if times else None,
                float(max(times)) if times else None,
                "short axis" if found[0][1].tilt_degrees <= 40.0 else "other plane",
                any(id(run) in chosen for run, _ in found),
            )
        )
    return rows
