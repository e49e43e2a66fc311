"""Bull's-eyes of the 16/17 segments: basal ring outside, anterior up, septum at the left; segment 17 stays gray."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.mechanics.aha import QUARTERS, SIXTHS
from CardiacBiomechLib.model.study import SegmentRow, Study
from ThoraxAILib.report.drawing import contact_sheet
from ThoraxAILib.report.slices import Picture

SIZE = 380
RADIUS = 165
RINGS = ((1.0, 0.75), (0.75, 0.5), (0.5, 0.25))
GRAY = (205, 205, 205)
WORDS = (30, 30, 30)
LOW, MIDDLE, HIGH = np.array([59, 76, 192]), np.array([237, 237, 237]), np.array([180, 4, 38])
PALE, DEEP = np.array([247, 251, 255]), np.array([8, 81, 156])


@dataclass(frozen=True)
class Measure:
    """What one bull's-eye shows: its title, the value of a segment, limits of the colors, how a value is written."""

    title: str
    value: Callable[[SegmentRow], float | None]
    limits: tuple[float, float]
    decimals: int
    diverging: bool


def measures(study: Study) -> list[Measure]:
    """Return what there is to show of a study."""
    found = [
        Measure("Wall thickness at end-diastole, mm", lambda row: row.thickness_ed_mm, (0.0, 20.0), 1, False),
        Measure("Wall thickness at end-systole, mm", lambda row: row.thickness_es_mm, (0.0, 25.0), 1, False),
        Measure("Thickening, %", lambda row: row.thickening_percent, (-100.0, 100.0), 0, True),
    ]
    if study.strain:
        found += [
            Measure(
                "Peak circumferential strain, % (Green-Lagrange)",
                lambda row: _percent(row.peak["circumferential"]),
                (-25.0, 25.0),
                0,
                True,
            ),
            Measure(
                "Peak radial strain, % (Green-Lagrange)",
                lambda row: _percent(row.peak["radial"]),
                (-60.0, 60.0),
                0,
                True,
            ),
            Measure("Energy of shape change at end-systole (mu = 1)", lambda row: row.energy, (0.0, 0.2), 2, False),
            Measure(
                "Apparent stiffness index (relative, no unit)",
                lambda row: None if row.stiffness is None else row.stiffness[0],
                (0.0, 2.0),
                2,
                False,
            ),
        ]
    if any(row.time_to_peak_ms is not None for row in study.segments):
        found.append(Measure("Time to peak strain, ms", lambda row: row.time_to_peak_ms, (0.0, 800.0), 0, False))
    return found


def _percent(value: float | None) -> float | None:
    return None if value is None else 100.0 * value


def written(value: float, decimals: int) -> str:
    """Return a value as text; what rounds to nothing is 0, not -0."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def bulls_eye_sheet(study: Study, columns: int = 2) -> np.ndarray:
    """RGB pixels of all bull's-eyes of a study."""
    pictures = [bulls_eye(study.segments, measure) for measure in measures(study)]
    return contact_sheet(pictures, columns, paper=255)


def bulls_eye(rows: Sequence[SegmentRow], measure: Measure) -> Picture:
    """Return one bull's-eye as a picture."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (SIZE, SIZE + 26), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    small, title = ImageFont.load_default(12), ImageFont.load_default(14)
    middle = np.array([SIZE / 2, SIZE / 2 + 22])
    by_number = {row.number: measure.value(row) for row in rows}
    for ring, (outer, inner) in enumerate(RINGS):
        order, width, first = (QUARTERS, 90.0, -45.0) if ring == 2 else (SIXTHS, 60.0, 0.0)
        for place, base in enumerate(order):
            number = base if ring == 2 else base + 6 * ring
            begin = first + place * width
            value = by_number.get(number)
            draw.polygon(_wedge(middle, outer, inner, begin, width), fill=_color(value, measure), outline=WORDS)
            x, y = _point(middle, (outer + inner) / 2, begin + width / 2)
            text = "-" if value is None else written(value, measure.decimals)
            draw.text((x, y), text, fill=_ink(value, measure), font=small, anchor="mm")
    draw.ellipse([*(middle - 0.25 * RADIUS), *(middle + 0.25 * RADIUS)], fill=GRAY, outline=WORDS)
    draw.text((SIZE / 2, 12), measure.title, fill=WORDS, font=title, anchor="mm")
    for word, angle, anchor in (("anterior", 90, "mb"), ("septum", 0, "ms"), ("inferior", 270, "mt")):
        x, y = _point(middle, 1.03 if angle else 1.0, angle)
        if angle:
            draw.text((x, y), word, fill=WORDS, font=small, anchor=anchor)
    draw.text((4, middle[1] - RADIUS), "septum left", fill=WORDS, font=small)
    return Picture(np.array(image), np.zeros((3, 4)), 1.0)


def _point(middle: np.ndarray, share: float, angle_degrees: float) -> tuple[float, float]:
    """Place at an angle from the septum (left) towards anterior (up)."""
    turn = np.radians(180.0 - angle_degrees)
    return float(middle[0] + share * RADIUS * np.cos(turn)), float(middle[1] - share * RADIUS * np.sin(turn))


def _wedge(middle: np.ndarray, outer: float, inner: float, begin: float, width: float) -> list[tuple[float, float]]:
    steps = np.linspace(begin, begin + width, 24)
    return [_point(middle, outer, angle) for angle in steps] + [_point(middle, inner, angle) for angle in steps[::-1]]


def _color(value: float | None, measure: Measure) -> tuple[int, int, int]:
    if value is None:
        return GRAY
    low, high = measure.limits
    share = float(np.clip((value - low) / (high - low), 0.0, 1.0))
    if measure.diverging:
        near = (1 - 2 * share) * LOW + 2 * share * MIDDLE if share < 0.5 else None
        mixed = near if near is not None else (2 - 2 * share) * MIDDLE + (2 * share - 1) * HIGH
    else:
        mixed = (1 - share) * PALE + share * DEEP
    return int(mixed[0]), int(mixed[1]), int(mixed[2])


def _ink(value: float | None, measure: Measure) -> tuple[int, int, int]:
    return (255, 255, 255) if sum(_color(value, measure)) < 330 else WORDS
