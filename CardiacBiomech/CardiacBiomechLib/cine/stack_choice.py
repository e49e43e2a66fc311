"""Which stack, which run at every position and which image for every frame: chosen by rule, and said.

Frames are those of the run whose times most slices share. Slices of the same number of phases without a gap are
matched by share of the cycle (retrospective gating cuts each breath-hold's own cycle into equal parts), others by
time after the R wave. A slice that lacks half of the phases or more is left out, not stretched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.cine.exam import SHORT_AXIS_DEGREES, Run, Stack
from CardiacBiomechLib.cine.phases import Phases
from ThoraxAILib.io.slices.dicom_headers import SliceHeader

MIN_SHARE = 0.5  # a slice needs more than this share of the frames
SAME_CYCLE = 1.25  # largest ratio of two cycle lengths of one exam
NEAR_STEPS = 0.75  # of the step between frames: an image this near is that phase
NEAR_MS = 60.0  # at most
OFF_AXIS = 0.4  # how little a stack across the usual long axis counts against one along it
WITHOUT_TIMES = 0.8  # how much a stack without times counts against one with times
SAME_COUNT = 0.8  # of the most phases at a position: a run with fewer was stopped


@dataclass(frozen=True, eq=False)
class Matched:
    """One slice: its run and which of its images is each frame; ``nearest`` counts frames without one of their own."""

    run: Run
    indices: tuple[int, ...]
    nearest: int


@dataclass(frozen=True, eq=False)
class Choice:
    """The stack that is read: its slices along the normal, frame times, and slices left out (depth and share)."""

    stack: Stack
    slices: tuple[Matched, ...]
    times_ms: np.ndarray | None
    left_out: tuple[tuple[float, int, int], ...]
    count: int
    repeated: int

    @property
    def score(self) -> float:
        """How much it looks like the short-axis cine of the exam: images, along the long axis, with known times."""
        images = len(self.slices) * self.count if len(self.slices) > 1 and self.count > 1 else 0
        axis = 1.0 if self.stack.tilt_degrees <= SHORT_AXIS_DEGREES else OFF_AXIS
        return images * axis * (1.0 if self.times_ms is not None else WITHOUT_TIMES)

    def frame(self, number: int) -> list[SliceHeader]:
        """Images of one frame, slice by slice."""
        return [matched.run.phases.images[matched.indices[number]] for matched in self.slices]


def choose_in(stack: Stack) -> Choice:
    """Return the best choice within one stack; it may hold too few slices or phases to be a cine."""
    offers = [[run for run in position.runs if run.moves] for position in stack.positions]
    offers = [runs for runs in offers if runs]
    if not offers:
        return Choice(stack, (), None, (), max((r.count for p in stack.positions for r in p.runs), default=0), 0)
    references = {_key(run): run for runs in offers for run in runs}
    made = [_with_reference(stack, offers, run) for run in references.values()]
    best = max(choice.score for choice in made)
    usual = [choice for choice in made if choice.score >= best]
    return max(usual, key=lambda choice: (choice.count, _span_ms(choice) if choice.count < 3 else -_off_usual(choice)))


def _key(run: Run) -> tuple:
    times = run.phases.times_ms
    return (run.count, None if times is None else tuple(np.round(times).astype(int)))


def _span_ms(choice: Choice) -> float:
    """From the first frame to the last: of two phases those farthest apart are taken."""
    return 0.0 if choice.times_ms is None else float(np.ptp(choice.times_ms))


def _off_usual(choice: Choice) -> float:
    """How far the frame times reach beyond or short of the usual cycle: the reference in the middle is taken."""
    cycles = [matched.run.phases.cycle_ms for matched in choice.slices]
    return abs(_span_ms(choice) - float(np.median(cycles))) if cycles else 0.0


def _with_reference(stack: Stack, offers: Sequence[Sequence[Run]], reference: Run) -> Choice:
    slices, left_out, repeated = [], [], 0
    for runs in offers:
        matches = [_matched(run, reference.phases) for run in runs]
        whole = [m for m in matches if m is not None and _enough(m, reference.count)]
        if not whole:
            left_out.append((runs[0].depth_mm, max(run.count for run in runs), reference.count))
            continue
        most = max(match.run.count for match in whole)
        last = max(
            (match for match in whole if match.run.count >= SAME_COUNT * most and not _worse(match, whole)),
            key=lambda match: (match.run.first.series_number or 0, match.run.first.clock, match.run.first.series_uid),
        )
        repeated += len(runs) > 1
        slices.append(last)
    times = _frame_times(slices, reference.count)
    return Choice(stack, tuple(slices), times, tuple(left_out), reference.count, repeated)


def _frame_times(slices: Sequence[Matched], count: int) -> np.ndarray | None:
    """Return the median over slices of the times of every frame; None when most slices do not tell theirs."""
    known = [
        [match.run.phases.times_ms[match.indices[frame]] for frame in range(count)]
        for match in slices
        if match.run.phases.times_ms is not None
    ]
    return np.median(np.array(known), axis=0) if 2 * len(known) > len(slices) else None


def _worse(match: Matched, others: Sequence[Matched]) -> bool:
    return match.nearest > min(other.nearest for other in others) + 1


def _enough(match: Matched, count: int) -> bool:
    return count - match.nearest > MIN_SHARE * count


def _matched(run: Run, reference: Phases) -> Matched | None:
    """Return which image of the run is each reference frame; None when the run cannot be put in order."""
    phases, count = run.phases, len(reference.images)
    if not phases.ordered:
        return None
    own, wanted = phases.times_ms, reference.times_ms
    if own is None or wanted is None:
        if run.count == count:
            return Matched(run, tuple(range(count)), 0)
        share = np.minimum(np.arange(count) * run.count // count, run.count - 1)
        return Matched(run, tuple(int(index) for index in share), max(count - run.count, 0))
    ratio = phases.cycle_ms / max(reference.cycle_ms, 1e-6)
    if run.count == count and 1 / SAME_CYCLE <= ratio <= SAME_CYCLE and not phases.has_gap and not reference.has_gap:
        return Matched(run, tuple(range(count)), 0)
    distance = np.abs(own[None, :] - wanted[:, None])
    nearest = distance.argmin(1)
    near_ms = min(NEAR_MS, NEAR_STEPS * reference.step_ms)
    lacking = int((distance.min(1) > near_ms).sum())
    return Matched(run, tuple(int(index) for index in nearest), lacking)
