"""Volume of each nodule over time as a small drawing inside the page: one line per track, logarithmic volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from LungNoduleAILib.model.pairs import FollowUp, Track

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 64, 150, 14, 40
COLORS = ("#d64541", "#2e86c1", "#2e9e55", "#b9770e", "#8e44ad", "#17a2a2", "#c2185b", "#707b7c")


def growth_svg(follow_up: FollowUp) -> str:
    """An SVG of all tracks measured at two dates or more; empty text when there is none."""
    tracks = [track for track in follow_up.tracks if sum(v is not None for v in track.volumes_mm3) > 1]
    if not tracks:
        return ""
    times, title = _times(follow_up)
    volumes = [v for track in tracks for v in track.volumes_mm3 if v is not None]
    axes = _Axes(times, min(volumes), max(volumes))
    lines = "".join(_line(track, times, axes, COLORS[n % len(COLORS)], n) for n, track in enumerate(tracks))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="Volume over time" '
        f'font-family="system-ui, sans-serif" font-size="11">{axes.drawn(title)}{lines}</svg>'
    )


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
        return LEFT + (WIDTH - LEFT - RIGHT) * (time - first) / ((last - first) or 1.0)

    def y(self, volume_mm3: float) -> float:
        """Row of a volume."""
        share = (math.log10(volume_mm3) - self._low) / (self._high - self._low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def drawn(self, title: str) -> str:
        """Frame, grid lines and their numbers."""
        parts = []
        for step in range(round(self._low * 3), round(self._high * 3) + 1):
            volume = 10 ** (step / 3)
            y = self.y(volume)
            parts.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dde3e8"/>'
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{volume:,.0f}</text>'
            )
        for time in self._times:
            x = self.x(time)
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#eef2f5"/>'
                f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{time:g}</text>'
            )
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(
            f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(title)}</text>'
            f'<text x="12" y="{TOP + 4}">mm3</text>'
        )
        return "".join(parts)


def _line(track: Track, times: Sequence[float], axes: _Axes, color: str, number: int) -> str:
    points = [(axes.x(time), axes.y(v)) for time, v in zip(times, track.volumes_mm3, strict=True) if v is not None]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)
    legend_y = TOP + 10 + 15 * number
    legend = (
        ""
        if legend_y > HEIGHT - BOTTOM
        else (
            f'<rect x="{WIDTH - RIGHT + 14}" y="{legend_y - 8}" width="10" height="10" fill="{color}"/>'
            f'<text x="{WIDTH - RIGHT + 30}" y="{legend_y + 1}">{escape(track.id)}</text>'
        )
    )
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>{dots}{legend}'
