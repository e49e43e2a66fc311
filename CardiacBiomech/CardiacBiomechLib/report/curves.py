"""Curves over the heart cycle as drawings inside the page: where everything lies, in pixels; the template draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.analysis.study import StudyResult

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 464, 250, 40, 104, 16, 40
STEPS, MOST_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0), 5
COLORS = ("#c0392b", "#2e86c1", "#2e9e55", "#8e44ad")


@dataclass(frozen=True)
class Curve:
    """One line: its name, color, points as SVG writes them, and the row of its name."""

    name: str
    color: str
    points: str
    legend_y: int


@dataclass(frozen=True)
class Chart:
    """One chart: title, curves, ticks as (place, text) and marks of end-diastole and end-systole."""

    title: str
    time_title: str
    curves: tuple[Curve, ...]
    y_ticks: tuple[tuple[float, str], ...]
    x_ticks: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def charts(result: StudyResult) -> list[Chart]:
    """Return the charts of a study; none where the frames are no curve."""
    study = result.study
    if not study.has_curves:
        return []
    times = np.arange(1, study.frames + 1, dtype=float) if study.times_ms is None else np.asarray(study.times_ms)
    title = "frame" if study.times_ms is None else "ms after the R wave"
    marks = [(study.ed_frame - 1, "ED"), (study.es_frame - 1, "ES")]
    volumes = [("LV", study.lv.curve_ml)] + ([] if study.rv is None else [("RV", study.rv.curve_ml)])
    found = [_chart("Volume, mL", title, times, volumes, marks, 0)]
    if result.wall:
        curves = np.array([frame.global_strain for frame in result.wall]) * 100.0
        lines = [("radial", curves[:, 0]), ("circumferential", curves[:, 1])]
        found.append(_chart("Global strain, % (Green-Lagrange)", title, times, lines, marks, 0))
    return found


def _chart(
    title: str,
    time_title: str,
    times: np.ndarray,
    lines: Sequence[tuple[str, Sequence[float] | np.ndarray]],
    marks: Sequence[tuple[int, str]],
    decimals: int,
) -> Chart:
    values = np.concatenate([np.asarray(line, dtype=float) for _, line in lines])
    y_ticks = _ticks(min(0.0, float(values.min())), float(values.max()))
    low, high = y_ticks[0], y_ticks[-1]

    def x(time: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (time - times[0]) / max(times[-1] - times[0], 1e-9), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low), 1)

    curves = tuple(
        Curve(name, COLORS[n], " ".join(f"{x(t)},{y(v)}" for t, v in zip(times, line, strict=True)), TOP + 14 + 18 * n)
        for n, (name, line) in enumerate(lines)
    )
    return Chart(
        title,
        time_title,
        curves,
        tuple((y(value), f"{value:.{decimals}f}") for value in y_ticks),
        tuple((x(time), f"{time:.0f}") for time in _ticks(times[0], times[-1]) if times[0] <= time <= times[-1]),
        tuple((x(float(times[index])), word) for index, word in marks),
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers from at most ``low`` to at least ``high``, up to seven of them."""
    rough = max(high - low, 1e-6) / MOST_STEPS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(share * power) for share in STEPS if share * power >= rough * (1 - 1e-9))
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [float(number * step) for number in np.arange(first, max(last, first + 1) + 1)]
