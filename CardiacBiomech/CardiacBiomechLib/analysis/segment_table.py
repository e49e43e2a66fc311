"""One row per AHA segment and the global curves, out of thickness and wall motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardiacBiomechLib.mechanics.aha import NAMES, RINGS, HeartAxes
from CardiacBiomechLib.mechanics.strain import DEFINITION
from CardiacBiomechLib.mechanics.thickness import by_segment
from CardiacBiomechLib.mechanics.wall_motion import (
    DIRECTIONS,
    ENGINEERING,
    STIFFNESS,
    WallFrame,
    engineering,
    peak,
)
from CardiacBiomechLib.model.study import SegmentRow, rounded

SHORT_AXIS_NOTE = "longitudinal strain here comes from short-axis slices, which hardly see it: long_axis has the other"


def segment_rows(
    axes: HeartAxes,
    thickness: tuple[np.ndarray, np.ndarray],
    wall: Sequence[WallFrame],
    ed: int,
    es: int,
    times_ms: Sequence[float] | None,
    stiffness: np.ndarray | None = None,
) -> tuple[SegmentRow, ...]:
    """Return segments 1 to 16; values that were not measured are None. ``stiffness`` (3, 16): index, low, high."""
    diastole, systole = (by_segment(values, axes) for values in thickness)
    strains = np.array([frame.strain for frame in wall]) if wall else None  # (frames, 3, 16)
    rows = []
    for index in range(16):
        peaks: dict[str, float | None] = dict.fromkeys(DIRECTIONS)
        ends: dict[str, float | None] = dict.fromkeys(DIRECTIONS)
        when = None
        energy = None
        if strains is not None and np.isfinite(strains[:, :, index]).all():
            for number, name in enumerate(DIRECTIONS):
                curve = strains[:, number, index]
                at = int(peak(curve, name))
                peaks[name], ends[name] = float(curve[at]), float(curve[es])
                if name == "circumferential" and times_ms is not None:
                    when = (times_ms[at] - times_ms[ed]) % max(_cycle_ms(times_ms), 1e-6)
            energy = _finite(wall[es].energy[index])
        rows.append(
            SegmentRow(
                index + 1,
                NAMES[index],
                _finite(diastole[index]),
                _finite(systole[index]),
                peaks,
                ends,
                when,
                energy,
                _three(None if stiffness is None else stiffness[:, index]),
            )
        )
    return tuple(rows)


def strain_summary(
    wall: Sequence[WallFrame],
    axes: HeartAxes,
    rows: Sequence[SegmentRow],
    es: int,
    times_ms: Sequence[float] | None,
    whole_cycle: bool,
) -> dict:
    """Return the global part of the strain: peaks, values at end-systole, curves, rates, torsion, dyssynchrony."""
    if not wall:
        return {}
    curves = np.array([frame.global_strain for frame in wall])
    found: dict = {
        "definition": DEFINITION,
        "engineering": ENGINEERING,
        "longitudinal_note": SHORT_AXIS_NOTE,
        "stiffness": STIFFNESS,
    }
    for number, name in enumerate(DIRECTIONS):
        curve = curves[:, number]
        at = int(peak(curve, name))
        found[name] = {
            "peak": round(float(curve[at]), 4),
            "peak_engineering": round(float(engineering(curve[at])), 4),
            "peak_frame": at + 1,
            "end_systolic": round(float(curve[es]), 4),
        }
        if len(wall) >= 8:
            found[name]["curve"] = [round(float(value), 4) for value in curve]
        if times_ms is not None and whole_cycle and len(wall) >= 8:
            rate = np.gradient(curve, np.asarray(times_ms) / 1000.0)
            found[name]["systolic_rate_per_s"] = round(float(rate.max() if name == "radial" else rate.min()), 2)
            found[name]["diastolic_rate_per_s"] = round(float(rate.min() if name == "radial" else rate.max()), 2)
    found["torsion"] = _torsion(wall, axes, es)
    times = [row.time_to_peak_ms for row in rows if row.time_to_peak_ms is not None]
    found["dyssynchrony_ms"] = rounded(float(np.std(times)), 1) if len(times) > 8 and len(wall) >= 8 else None
    return found


def _torsion(wall: Sequence[WallFrame], axes: HeartAxes, es: int) -> dict:
    """Turn of base and apex at end-systole and the torsion between them in degrees per cm."""
    turns = wall[es].rotation_degrees
    found: dict[str, float | str | None] = {
        f"{ring}_degrees": rounded(_finite(turn), 2) for ring, turn in zip(RINGS, turns, strict=True)
    }
    heights = axes.height_mm(axes.middles_ras_mm)
    basal, apical = heights[axes.rings == 0], heights[axes.rings == 2]
    if len(basal) and len(apical) and np.isfinite(turns[[0, 2]]).all():
        away_cm = float(basal.mean() - apical.mean()) / 10.0
        found["degrees_per_cm"] = rounded(float(turns[2] - turns[0]) / away_cm, 2)
    found["sense"] = "counter-clockwise seen from the apex is positive"
    return found


def _cycle_ms(times_ms: Sequence[float]) -> float:
    return times_ms[-1] - times_ms[0] + (times_ms[-1] - times_ms[0]) / max(len(times_ms) - 1, 1)


def _three(values: np.ndarray | None) -> tuple[float, float, float] | None:
    if values is None or not np.isfinite(values).all():
        return None
    return float(values[0]), float(values[1]), float(values[2])


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
