"""The FROC curve as a picture: false positives per scan on a logarithmic axis, sensitivity, interval of the rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib.report import encoded
from ThoraxAILib.statistics.froc import RATES, Bootstrap, Curve

if TYPE_CHECKING:
    from PIL import ImageDraw

WIDTH, HEIGHT, OVERSAMPLE = 900, 640, 3
LEFT, RIGHT, TOP, BOTTOM = 90, 30, 84, 80
INK, GRID, LINE, BAND = (40, 40, 40), (222, 222, 222), (20, 90, 170), (205, 222, 242)


def draw_froc(curve: Curve, intervals: Bootstrap | None, title: str = "") -> bytes:
    """PNG bytes of a curve between 1/8 and 8 false positives per scan, with the interval at the seven rates if any."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH * OVERSAMPLE, HEIGHT * OVERSAMPLE), "white")
    draw = ImageDraw.Draw(image)
    if intervals is not None:
        low, high = ([getattr(interval, side) for interval in intervals.sensitivity_at] for side in ("low", "high"))
        draw.polygon([*_points(RATES, high), *_points(RATES, low)[::-1]], fill=BAND)
    _draw_axes(draw)
    rates = np.geomspace(RATES[0], RATES[-1], 600)
    draw.line(_points(rates, curve.sensitivity_at(rates)), fill=LINE, width=3 * OVERSAMPLE, joint="curve")
    for x, y in _points(RATES, curve.sensitivity_at()):
        radius = 5 * OVERSAMPLE
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=LINE)
    _write(
        draw, LEFT, 14, f"{title + ': ' if title else ''}CPM {curve.cpm:.3f} ({_interval_words(intervals)})", 19, "la"
    )
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return encoded(np.asarray(small))


def _interval_words(intervals: Bootstrap | None) -> str:
    if intervals is None:
        return "no interval: one scan"
    return f"{intervals.confidence:.0%} interval {intervals.cpm.low:.3f} to {intervals.cpm.high:.3f}"


def _draw_axes(draw: ImageDraw.ImageDraw) -> None:
    for rate in RATES:
        (x, bottom), (_, top) = _points((rate, rate), (0.0, 1.0))
        draw.line([x, bottom, x, top], fill=GRID, width=OVERSAMPLE)
        _write(draw, x / OVERSAMPLE, bottom / OVERSAMPLE + 8, f"{rate:g}", 16, "ma")
    for tenth in range(0, 11, 2):
        (left, y), (right, _) = _points((RATES[0], RATES[-1]), (tenth / 10, tenth / 10))
        draw.line([left, y, right, y], fill=GRID, width=OVERSAMPLE)
        _write(draw, left / OVERSAMPLE - 10, y / OVERSAMPLE, f"{tenth / 10:g}", 16, "rm")
    corner, far = _points((RATES[0], RATES[-1]), (0.0, 1.0))
    draw.line([corner[0], far[1], *corner, far[0], corner[1]], fill=INK, width=2 * OVERSAMPLE)
    _write(draw, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 36, "false positives per scan", 17, "ma")
    _write(draw, 16, TOP - 16, "sensitivity", 17, "lb")


def _points(
    rates: np.ndarray | tuple[float, ...],
    values: np.ndarray | list[float] | tuple[float, ...],
) -> list[tuple[float, float]]:
    """Pixel positions of rates and sensitivities."""
    share = np.log(np.asarray(rates) / RATES[0]) / np.log(RATES[-1] / RATES[0])
    x = (LEFT + share * (WIDTH - LEFT - RIGHT)) * OVERSAMPLE
    y = (HEIGHT - BOTTOM - np.asarray(values) * (HEIGHT - TOP - BOTTOM)) * OVERSAMPLE
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _write(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, anchor: str) -> None:
    from PIL import ImageFont

    draw.text(
        (x * OVERSAMPLE, y * OVERSAMPLE), text, fill=INK, font=ImageFont.load_default(size * OVERSAMPLE), anchor=anchor
    )
