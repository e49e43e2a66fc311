"""Long-axis views of an exam: cines of one slice whose plane holds the long axis of the left ventricle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from CardiacBiomechLib.cine.dicom_cine import MIN_LONG_AXIS_PHASES, Exam
from CardiacBiomechLib.cine.exam import Run
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.slices.dicom_pixels import read_stack
from ThoraxAILib.jobs.progress import Progress

MAX_TILT_COSINE = 0.35  # of the view's normal against the short-axis normal: 0 is at right angles


@dataclass(frozen=True, eq=False)
class LongAxisView:
    """One view: its frames as images of one slice in order of time, and its series number."""

    frames: tuple[Volume, ...] = field(repr=False)
    times_ms: tuple[float, ...] | None
    series_number: int

    @property
    def normal_ras(self) -> np.ndarray:
        """Unit normal of its plane."""
        axis = self.frames[0].ijk_to_ras[:3, 2]
        return axis / np.linalg.norm(axis)


def read_long_axes(exam: Exam, progress: Progress) -> list[LongAxisView]:
    """Return the long-axis views among the other stacks of an exam, of each plane the last whole run."""
    normal = exam.choice.stack.normal_lps
    chosen: list[Run] = []
    for stack in exam.others:
        if abs(float(stack.normal_lps @ normal)) > MAX_TILT_COSINE or len(stack.positions) > 3:
            continue
        runs = [run for position in stack.positions for run in position.runs]
        runs = [run for run in runs if run.moves and run.count >= MIN_LONG_AXIS_PHASES and run.phases.ordered]
        if runs:
            chosen.append(max(runs, key=lambda run: (run.count, run.first.series_number or 0)))
    views = []
    for number, run in enumerate(chosen):
        progress(number / len(chosen), "Reading long-axis views")
        views.append(_view(run))
    return sorted(views, key=lambda view: view.series_number)


def _view(run: Run) -> LongAxisView:
    plane = run.first.plane
    row, column = np.reshape(plane.orientation_lps, (2, 3))
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = row * plane.pixel_spacing_mm[1], column * plane.pixel_spacing_mm[0]
    matrix[:3, 2] = np.cross(row, column) * (run.first.thickness_mm or 6.0)
    matrix[:3, 3] = plane.position_lps_mm
    array = read_stack(list(run.phases.images), False, Progress())
    frames = tuple(Volume(image[None], ijk_to_ras_from_lps(matrix), "MR") for image in array)
    times = run.phases.times_ms
    return LongAxisView(frames, None if times is None else tuple(float(t) for t in times), run.first.series_number or 0)
