"""The images of one slice in order of time, with times where the files tell them.

Times after the R wave come from TriggerTime. It may be absent, zero in every image, or absent in some: then the order
comes from temporal position, cardiac phase, instance or acquisition number, or the clock, whichever tells all images
apart, and lacking times are filled in along that order. What nothing puts in order is not guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ThoraxAILib.io.slices.dicom_headers import SliceHeader
from ThoraxAILib.io.stacking.doubled import MAX_DOUBLED, most_like_its_neighbors

SAME_TIME_MS = 0.5
EVEN_GAP = 1.5  # of the usual step: a longer one is a lacking phase


@dataclass(frozen=True, eq=False)
class Phases:
    """Images of one slice and one run in order of time; ``times_ms`` (n,) is None when nothing tells them.

    ``filled`` counts the images whose time was filled in; ``ordered`` is False when no attribute tells their order;
    ``again`` counts the images that were left out because another of the same time was kept.
    """

    images: tuple[SliceHeader, ...]
    times_ms: np.ndarray | None
    filled: int = 0
    ordered: bool = True
    again: int = 0

    @property
    def step_ms(self) -> float:
        """Usual time between images; 0 when unknown."""
        return 0.0 if self.times_ms is None or len(self.images) < 2 else float(np.median(np.diff(self.times_ms)))

    @property
    def cycle_ms(self) -> float:
        """From the first image to one step after the last; 0 when unknown."""
        return 0.0 if self.times_ms is None else float(np.ptp(self.times_ms)) + self.step_ms

    @property
    def has_gap(self) -> bool:
        """Whether an image is lacking between two others."""
        return self.times_ms is not None and len(self.images) > 2 and _largest_gap(self.times_ms) > EVEN_GAP


def _largest_gap(times_ms: np.ndarray) -> float:
    steps = np.diff(times_ms)
    return float(steps.max() / max(np.median(steps), 1e-6))


def in_time(images: Sequence[SliceHeader]) -> list[Phases]:
    """Return the runs among the images of one slice of one series; several when every time occurs several times.

    Of a few images sent again each time keeps the one most like the images before and after it.
    """
    once = _once_each(images)
    found = [_ordered(run) for run in _repeats(once)]
    found[0] = replace(found[0], again=len(images) - len(once))
    return found


def _once_each(images: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Return images with one for each time (or number, where no time is told) when only a few come again."""
    key = _time_or_number(images)
    if key is None:
        return list(images)
    moments: dict[tuple[float, float], list[SliceHeader]] = {}
    for image in sorted(images, key=key):
        moments.setdefault(key(image), []).append(image)
    places = list(moments.values())
    doubled = sum(len(place) > 1 for place in places)
    if not 0 < doubled <= max(MAX_DOUBLED[0], MAX_DOUBLED[1] * len(places)) or 3 * doubled > len(places):
        return list(images)
    return [most_like_its_neighbors(places, number) for number in range(len(places))]


def _time_or_number(images: Sequence[SliceHeader]) -> Callable[[SliceHeader], tuple[float, float]] | None:
    """Return what every image tells: its time in steps of SAME_TIME_MS where times differ, else its number.

    Several times of zero are times that lack, unless the numbers are the same too.
    """
    times = [image.trigger_ms for image in images if image.trigger_ms is not None]
    if len(times) == len(images) and np.ptp(times) >= SAME_TIME_MS:
        return lambda image: (round(_time(image) / SAME_TIME_MS), 0.0 if _time(image) else float(image.instance or 0))
    if times or any(image.instance is None for image in images):
        return None
    return lambda image: (0.0, float(image.instance or 0))


def _repeats(images: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Split a slice that was imaged over several beats or several times within a series: times start again."""
    order, told = _order(images)
    times = [image.trigger_ms for image in order]
    if any(time is None for time in times):
        return [list(images)]
    counts = Counter(round(_time(image) / SAME_TIME_MS) for image in order)
    most = max((count for time, count in counts.items() if time != 0), default=1)
    if most < 2 or len(counts) < 2:
        return [list(images)]
    if told:
        runs: list[list[SliceHeader]] = [[]]
        for image in order:
            if runs[-1] and _time(image) <= _time(runs[-1][-1]) + SAME_TIME_MS:
                runs.append([])
            runs[-1].append(image)
        if len(runs) == most:
            return runs
    if set(counts.values()) != {most}:
        return [list(images)]
    seen: Counter[int] = Counter()  # beats woven into each other, or the same twice: the n-th image of each time
    woven: list[list[SliceHeader]] = [[] for _ in range(most)]
    for image in sorted(order, key=lambda image: (_time(image), image.instance or 0, image.sop_uid)):
        time = round(_time(image) / SAME_TIME_MS)
        woven[seen[time]].append(image)
        seen[time] += 1
    return woven


def _time(image: SliceHeader) -> float:
    return 0.0 if image.trigger_ms is None else image.trigger_ms


def _ordered(images: Sequence[SliceHeader]) -> Phases:
    times = np.array([np.nan if image.trigger_ms is None else image.trigger_ms for image in images])
    zero = np.isclose(times, 0.0)
    if zero.sum() > 1 or (zero.sum() == 1 and _is_out_of_order(images, int(zero.argmax()))):
        times[zero] = np.nan
    elif len(images) > 1 and np.isfinite(times).all() and np.ptp(times) < SAME_TIME_MS:
        times[:] = np.nan
    known = np.isfinite(times)
    if known.all() and len(np.unique(np.round(times / SAME_TIME_MS))) == len(times):
        order = np.argsort(times, kind="stable")
        return Phases(tuple(images[index] for index in order), times[order])
    following, told = _order(images)
    if known.sum() < max(2, 0.5 * len(images)) or not told:
        if told or len(images) < 2 or known.sum() < 2:
            return Phases(tuple(following), None, ordered=told or len(images) < 2)
        kept = [index for index in np.argsort(times) if known[index]]
        return Phases(tuple(images[index] for index in kept), times[kept], filled=0)
    place = {id(image): index for index, image in enumerate(images)}
    along = np.array([times[place[id(image)]] for image in following])
    return _filled(following, along)


def _is_out_of_order(images: Sequence[SliceHeader], zero: int) -> bool:
    """Whether the one image of time zero stands behind others in an order along which all other times increase."""
    following, told = _order(images)
    others = [image.trigger_ms for image in following if image is not images[zero]]
    known = [time for time in others if time is not None]
    increase = all(later > earlier for earlier, later in pairwise(known))
    return told and len(known) == len(others) > 1 and increase and following[0] is not images[zero]


def _filled(images: Sequence[SliceHeader], times: np.ndarray) -> Phases:
    """Fill in lacking times along the order of the images."""
    known = np.nonzero(np.isfinite(times))[0]
    if (np.diff(times[known]) <= 0).any():
        return Phases(tuple(images), None)
    steps = np.diff(times[known]) / np.diff(known)
    step = float(np.median(steps))
    whole = np.interp(np.arange(len(times)), known, times[known])
    before, after = np.arange(known[0]), np.arange(known[-1] + 1, len(times))
    whole[before] = times[known[0]] - step * (known[0] - before)
    whole[after] = times[known[-1]] + step * (after - known[-1])
    if len(before) and abs(whole[0]) < 0.1 * step:
        whole[0] = 0.0
    return Phases(tuple(images), whole, filled=int(len(times) - len(known)))


_KEYS: tuple[Callable[[SliceHeader], float | None], ...] = (
    lambda image: _number(image.temporal_position),
    lambda image: _number(image.cardiac_phase),
    lambda image: image.instance,
    lambda image: _number(image.acquisition),
    lambda image: _number(image.clock),
    lambda image: image.frame,
)


def _order(images: Sequence[SliceHeader]) -> tuple[list[SliceHeader], bool]:
    """Order by the first attribute that tells all images apart; whether there is one."""
    for key in _KEYS:
        values = [value for value in map(key, images) if value is not None]
        if len(set(values)) == len(images):
            return [image for _, image in sorted(zip(values, images, strict=True), key=lambda pair: pair[0])], True
    return sorted(images, key=lambda image: image.sop_uid), len(images) < 2


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
