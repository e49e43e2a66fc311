"""Volume of each nodule over time as a small drawing inside the page: one line per track, logarithmic volumes.

This says where everything lies, in pixels; the template ``growth_chart.html`` draws it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from LungNoduleAILib.model.pairs import FollowUp, Track

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 64, 150, 30, 40
COLORS = ("#d64541", "#2e86c1", "#2e9e55", "#b9770e", "#8e44ad", "#17a2a2", "#c2185b", "#707b7c")


@dataclass(frozen=True)
class GridLine:
    """One line of the grid: its row or column, and its number beside it."""

    at: float
    text_at: float
    text: str


@dataclass(frozen=True)
class TrackLine:
    """One nodule: its points (x, y) in order of time, and the row of its name; None where the names are too many."""

    id: str
    color: str
    points: tuple[tuple[float, float], ...]
    legend_y: int | None


@dataclass(frozen=True)
class GrowthChart:
    """All that is drawn, in pixels from the top left corner."""

    volume_lines: tuple[GridLine, ...]
    time_lines: tuple[GridLine, ...]
    time_title: str
    tracks: tuple[TrackLine, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM
    middle: float = (LEFT + WIDTH - RIGHT) / 2


def growth_chart(follow_up: FollowUp) -> GrowthChart | None:
    """Return the drawing of all tracks measured at two dates or more; None when there is none."""
    tracks = [track for track in follow_up.tracks if sum(v is not None for v in track.volumes_mm3) > 1]
    if not tracks:
        return None
    times, title = _times(follow_up)
    volumes = [v for track in tracks for v in track.volumes_mm3 if v is not None]
    axes = _Axes(times, min(volumes), max(volumes))
    lines = tuple(_line(track, times, axes, number) for number, track in enumerate(tracks))
    return GrowthChart(axes.volume_lines(), axes.time_lines(), title, lines)


def _times(follow_up: FollowUp) -> tuple[list[float], str]:
    count = len(follow_up.intervals)
    gaps = [interval.days for interval in follow_up.intervals if interval.days is not None]
    if len(gaps) < count:
        return [float(n) for n in range(1, count + 2)], "Scan"
    times = [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    return times, "Days since the first scan"


class _Axes:
    """Where a time and a volume lie in the drawing."""

    def __init__(self, times: Sequence[float], least_mm3: float, most_mm3: float) -> None:
        self._times = times
        self._low = math.floor(math.log10(least_mm3) * 3 - 0.2) / 3
        self._high = math.ceil(math.log10(most_mm3) * 3 + 0.2) / 3

    def x(self, time: float) -> float:
        """Column of a time."""
        first, last = self._times[0], self._times[-1]
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (time - first) / ((last - first) or 1.0), 1)

    def y(self, volume_mm3: float) -> float:
        """Row of a volume."""
        share = (math.log10(volume_mm3) - self._low) / (self._high - self._low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    def volume_lines(self) -> tuple[GridLine, ...]:
        """Three lines per tenfold volume."""
        volumes = [10 ** (step / 3) for step in range(round(self._low * 3), round(self._high * 3) + 1)]
        return tuple(GridLine(self.y(volume), round(self.y(volume) + 4, 1), f"{volume:,.0f}") for volume in volumes)

    def time_lines(self) -> tuple[GridLine, ...]:
        """Return a line per date."""
        return tuple(GridLine(self.x(time), self.x(time), f"{time:g}") for time in self._times)


def _line(track: Track, times: Sequence[float], axes: _Axes, number: int) -> TrackLine:
    measured = zip(times, track.volumes_mm3, strict=True)
    points = tuple((axes.x(time), axes.y(volume)) for time, volume in measured if volume is not None)
    legend_y = TOP + 10 + 15 * number
    shown = legend_y <= HEIGHT - BOTTOM
    return TrackLine(track.id, COLORS[number % len(COLORS)], points, legend_y if shown else None)
