"""What speaks against a number, beside the number: verdicts with their reasons, from a study's own measures."""

from __future__ import annotations

import numpy as np

from CardiacBiomechLib.model.study import ERROR, NOTE, WARNING, Chamber, Verdict

STROKE_MISMATCH = 0.15  # of the larger stroke volume
THICK_SLICE_MM = 12.0
FEW_SLICES = 6
MAX_SHIFT_MM = 5.0
MAX_FOLDED_PERCENT = 0.1
MAX_WALL_CHANGE = 0.20
MAX_ROUND_TRIP_MM = 3.0
MAX_J_SD = 0.20
MIN_BESIDE_APEX_MM = 5.0
# Mean absolute error in points of EF on 15 ACDC patients with a reader's end-diastolic labels (they guided the method)
CARRIED_EF_ERROR = {"LV": 3.0, "RV": 9.1}
DRAWN_WALL = 1.18  # volume of the wall as the suite's network draws it over the readers', the same 15 patients


def stroke_verdict(lv: Chamber, rv: Chamber | None) -> list[Verdict]:
    """Both ventricles eject the same volume, but for shunts and leaking valves."""
    if rv is None:
        return []
    larger = max(lv.stroke_ml, rv.stroke_ml)
    if larger <= 0 or abs(lv.stroke_ml - rv.stroke_ml) <= STROKE_MISMATCH * larger:
        return []
    return [
        Verdict(
            "stroke-mismatch",
            WARNING,
            f"The ventricles eject different volumes (LV {lv.stroke_ml:.0f} mL, RV {rv.stroke_ml:.0f} mL): a leaking "
            "valve, a shunt, or one of them is drawn wrong.",
            ("lv.ef_percent", "rv.ef_percent"),
        )
    ]


def slice_verdicts(count: int, slice_mm: float, base_at_edge: bool, apex_at_edge: bool) -> list[Verdict]:
    """Return what the stack of slices leaves open."""
    found = []
    if base_at_edge:
        found.append(
            Verdict(
                "missing-base",
                WARNING,
                "The ventricle reaches the first slice: its base may lie outside the stack, volumes may be too small.",
                ("lv.edv_ml", "lv.esv_ml", "lv.mass_g"),
            )
        )
    if apex_at_edge:
        found.append(
            Verdict(
                "missing-apex",
                NOTE,
                "The ventricle reaches the last slice of the stack: its apex may lie outside.",
                ("lv.edv_ml",),
            )
        )
    if slice_mm > THICK_SLICE_MM or count < FEW_SLICES:
        found.append(
            Verdict(
                "few-slices",
                WARNING,
                f"The left ventricle is seen in {count} slices {slice_mm:.1f} mm apart: volumes depend much on where "
                "the base ends.",
                ("lv.edv_ml", "lv.esv_ml", "lv.ef_percent"),
            )
        )
    return found


def shift_verdict(shifts_mm: np.ndarray) -> list[Verdict]:
    """Slices of different breath-holds that lie beside the heart's axis."""
    largest = float(np.linalg.norm(shifts_mm, axis=1).max()) if len(shifts_mm) else 0.0
    if largest <= MAX_SHIFT_MM:
        return []
    return [
        Verdict(
            "slice-shift",
            WARNING,
            f"A slice lies {largest:.0f} mm beside the heart's axis (another breath-hold): use --align-slices, and "
            "trust segments of that ring less.",
            ("segments", "strain"),
        )
    ]


def foreshortening_verdict(series: int, beside_apex_mm: float, missed: int, slice_mm: float) -> list[Verdict]:
    """Return a verdict when a long-axis view passes beside the apex, so that the ventricle looks shorter than it is."""
    if missed == 0 or beside_apex_mm < MIN_BESIDE_APEX_MM:
        return []
    return [
        Verdict(
            "foreshortened",
            WARNING,
            f"The long-axis view of series {series} passes {beside_apex_mm:.0f} mm beside the apex and misses "
            f"{missed * slice_mm:.0f} mm of the ventricle (foreshortened): take longitudinal strain from another view.",
            ("long_axis",),
        )
    ]


def motion_verdicts(
    folded_percent: float, j_sd: float, round_trip_mm: float | None, wall_change: float
) -> list[Verdict]:
    """Return what speaks against the motion: folds, uneven volume change, a way back that misses, a changing wall."""
    found = []
    reasons = []
    if folded_percent > MAX_FOLDED_PERCENT:
        reasons.append(f"{folded_percent:.2f} % of voxels fold")
    if j_sd > MAX_J_SD:
        reasons.append(f"the local volume of the wall varies by {100 * j_sd:.0f} %")
    if round_trip_mm is not None and round_trip_mm > MAX_ROUND_TRIP_MM:
        reasons.append(f"to end-systole and back misses by {round_trip_mm:.1f} mm")
    if reasons:
        text = f"The motion is poor ({', '.join(reasons)}): strain is not to be trusted."
        found.append(Verdict("poor-motion", ERROR, text, ("strain", "segments")))
    if abs(wall_change) > MAX_WALL_CHANGE:
        found.append(
            Verdict(
                "wall-volume",
                WARNING,
                f"The wall's volume changes by {100 * wall_change:+.0f} % from end-diastole to end-systole (muscle "
                "hardly changes; readers draw it 8 to 17 % larger).",
                ("lv.mass_g", "segments"),
            )
        )
    return found


def carried_verdict(rv: bool) -> Verdict:
    """Return how far off volumes are whose frames were not drawn by a person or a network, as measured."""
    more = f", of the right about {CARRIED_EF_ERROR['RV']:.0f}" if rv else ""
    return Verdict(
        "carried-labels",
        WARNING if rv else NOTE,
        "Only one frame was labeled; its labels were carried to the others and fitted to the blood seen there. The "
        f"ejection fraction of the left ventricle is then off by about {CARRIED_EF_ERROR['LV']:.0f} points{more}.",
        ("lv.ef_percent", "rv.ef_percent", "lv.esv_ml", "rv.esv_ml"),
    )


def drawn_wall_verdict() -> Verdict:
    """Return how much too thick the suite's network draws the wall, as measured."""
    return Verdict(
        "drawn-wall",
        NOTE,
        f"The wall was drawn by the suite's network, which drew it {100 * (DRAWN_WALL - 1):.0f} % too large in the "
        "patients measured: mass and thickness are likely too large by as much.",
        ("lv.mass_g", "segments"),
    )


def disagreement_verdict(from_labels: float, from_motion: float) -> list[Verdict]:
    """Frames that were seen and labels that were carried should agree."""
    if abs(from_labels - from_motion) <= 10.0:
        return []
    return [
        Verdict(
            "labels-and-motion",
            WARNING,
            f"Segmented frames give a left ejection fraction of {from_labels:.0f} %, the motion {from_motion:.0f} %: "
            "motion follows the wall too little, or a frame is segmented wrong.",
            ("lv.ef_percent", "strain"),
        )
    ]


def range_verdict(name: str, chamber: Chamber) -> list[Verdict]:
    """Return a verdict when the images leave an ejection fraction open: it is a range."""
    if chamber.ef_range_percent is None:
        return []
    low, high = chamber.ef_range_percent
    if high - low <= 5.0:
        return []
    return [
        Verdict(
            "ef-range",
            WARNING,
            f"The ejection fraction of the {name} ventricle lies between {low:.0f} and {high:.0f} %, depending on how "
            "much of the topmost slice belongs to it.",
            ("lv.ef_percent" if name == "left" else "rv.ef_percent",),
        )
    ]
