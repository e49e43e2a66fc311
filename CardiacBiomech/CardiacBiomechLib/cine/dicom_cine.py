"""A short-axis cine out of DICOM slices: stacked by position along their normal, ordered by time after the R wave.

Every slice is usually a series of its own (one breath-hold each), so series are joined by orientation. The slice
distance comes from positions, never from thickness (PS3.3 C.7.6.2.1.1); times from TriggerTime, else from the
temporal position, the cardiac phase or the instance number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CardiacBiomechLib.model.cine import Cine
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.tuples import two
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.dicom_headers import SliceHeader, scan_headers
from ThoraxAILib.io.dicom_pixels import read_stack
from ThoraxAILib.io.slice_grid import SliceGrid, UnusableStack, depths_along_normal, plan_grid, resample_to_grid
from ThoraxAILib.jobs.progress import Progress

SAME_ORIENTATION = 0.01  # largest difference of a direction cosine
SAME_POSITION_MM = 0.5
Slice = tuple[float, list[SliceHeader]]  # position along the normal in mm, its images in order of time


def read_dicom_cine(files: Sequence[Path], name: str, progress: Progress) -> Cine:
    """Return the largest stack of parallel moving slices among ``files``; raises InputError when there is none."""
    scan = scan_headers(files, progress.part(0.0, 0.3))
    images = [header for header in scan.headers if header.modality == "MR" and header.has_plane]
    if not images:
        raise InputError(
            f"No MR image was found in '{name}' ({scan.found()} found): give a folder with the DICOM "
            "slices of a short-axis cine."
        )
    stacks = [_slices(group) for group in _same_plane(images)]
    slices, notes = max(stacks, key=lambda stack: sum(len(images) for _, images in stack[0] if len(stack[0]) > 1))
    count = Counter(len(images) for _, images in slices).most_common(1)[0][0]
    if len(slices) < 2 or count < 2:
        raise InputError(
            f"'{name}' holds no short-axis cine: the largest stack has {len(slices)} slice positions with "
            f"{count} phases each, two or more of both are needed."
        )
    if len(images) > sum(len(found) for _, found in slices):
        left = len(images) - sum(len(found) for _, found in slices)
        notes += (f"Left out: {left} images that are not part of the largest stack of parallel slices.",)
    return _read(slices, count, name, notes, progress.part(0.3, 1.0))


def _same_plane(images: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Images grouped by orientation, pixel size and number of pixels, whatever series they belong to."""
    groups: list[list[SliceHeader]] = []
    for image in images:
        for group in groups:
            first = group[0]
            if (
                (image.rows, image.columns, image.samples) == (first.rows, first.columns, first.samples)
                and np.allclose(image.plane.orientation_lps, first.plane.orientation_lps, atol=SAME_ORIENTATION, rtol=0)
                and np.allclose(image.plane.pixel_spacing_mm, first.plane.pixel_spacing_mm, rtol=1e-3)
            ):
                group.append(image)
                break
        else:
            groups.append([image])
    return groups


def _slices(images: Sequence[SliceHeader]) -> tuple[list[Slice], tuple[str, ...]]:
    """Images by position along the normal; of several series at one position the last acquired one counts."""
    depths = depths_along_normal(
        np.array([image.plane.position_lps_mm for image in images]),
        *two(np.reshape(images[0].plane.orientation_lps, (2, 3))),
    )
    slices: list[Slice] = []
    repeated = 0
    for index in np.argsort(depths, kind="stable"):
        if not slices or depths[index] - slices[-1][0] > SAME_POSITION_MM:
            slices.append((float(depths[index]), []))
        slices[-1][1].append(images[index])
    for number, (depth, found) in enumerate(slices):
        series = {image.series_uid: image.series_number or 0 for image in found}
        if len(series) > 1:
            last = max(series, key=lambda uid: (series[uid], uid))
            found, repeated = [image for image in found if image.series_uid == last], repeated + 1
        slices[number] = (depth, sorted(found, key=_time_key))
    notes = (
        (f"{repeated} slice positions were acquired more than once: the last series of each was read.",)
        if repeated
        else ()
    )
    return slices, notes


def _time_key(image: SliceHeader) -> tuple:
    """Order in time by the most telling attribute that is there; a cine has the same one in all its images."""
    return (
        -1.0 if image.trigger_ms is None else image.trigger_ms,
        _number(image.temporal_position),
        _number(image.cardiac_phase),
        image.instance or 0,
        image.sop_uid,
        image.frame or 0,
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def _read(slices: Sequence[Slice], count: int, name: str, notes: tuple[str, ...], progress: Progress) -> Cine:
    """``count`` frames; slices with another number of phases give the phase nearest in relative time."""
    if any(len(images) != count for _, images in slices):
        notes += (f"Not every slice has {count} phases: others were brought to {count} by the nearest phase.",)
    first = slices[0][1][0]
    try:
        grid = plan_grid(
            np.array([images[0].plane.position_lps_mm for _, images in slices]),
            np.array(first.plane.orientation_lps),
            first.plane.pixel_spacing_mm,
            (first.columns, first.rows),
        )
    except UnusableStack as fault:
        raise InputError(
            f"The slices of the cine in '{name}' form no stack, because it {fault}: give one short-axis cine."
        ) from None
    frames, times = [], []
    for frame in range(count):
        chosen = [images[round(frame * len(images) / count)] for _, images in slices]
        frames.append(_frame(chosen, grid, progress.part(frame / count, (frame + 1) / count)))
        times.append([image.trigger_ms for image in chosen])
    known = [[ms for ms in row if ms is not None] for row in times]
    times_ms = tuple(float(np.median(row)) for row in known) if known == times else None
    return Cine(tuple(frames), times_ms, notes + grid.notes)


def _frame(images: list[SliceHeader], grid: SliceGrid, progress: Progress) -> Volume:
    array = read_stack(images, False, progress)
    if grid.needs_resampling:
        array = resample_to_grid(array, grid, float(array.min()))
    return Volume(array, ijk_to_ras_from_lps(grid.ijk_to_lps), "MR")
