"""Growth as Lung-RADS v2022 means it: mean diameter more than 1.5 mm larger within 12 months, on one-decimal values.

The printed "> 2 mm3" is the volume of a 1.5 mm sphere, not a rule about volumes, and is not applied.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from LungNoduleAILib.guidelines.lung_rads.sizes import mean_diameter_mm
from LungNoduleAILib.guidelines.tables.lung_rads_2022 import GROWTH_MM, GROWTH_MONTHS
from LungNoduleAILib.guidelines.terms.answer import Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs
from LungNoduleAILib.guidelines.terms.interval import whole_months
from LungNoduleAILib.guidelines.terms.measures import one_decimal, rounded_sphere_diameter_mm

GROWTH, NO_GROWTH, STABLE = "growth", "no_growth", "stable"
Pair = tuple[Decimal, Decimal, str]  # now, before, what was measured


def lung_rads_growth(inputs: Inputs, trace: Trace) -> str | None:
    """Of the nodule or, in a part-solid one, of its solid part."""
    whole_nodule = nodule_growth(inputs, trace)
    part = solid_part_growth(inputs, trace) if inputs.type == "part-solid" else None
    return part if part == GROWTH else whole_nodule or part


def nodule_growth(inputs: Inputs, trace: Trace) -> str | None:
    """growth, no_growth, stable (as the reader calls it), or None when nothing tells."""
    months = whole_months(inputs)
    many = len(_history(inputs)) > 2 and months is not None and months > GROWTH_MONTHS  # then the history tells more
    measured = None if many else _of_pair(_total_pair(inputs, trace), inputs, trace)
    if measured != GROWTH:
        measured = _of_history(inputs, trace) or measured
    return _beside_stated(measured, inputs, trace)


def solid_part_growth(inputs: Inputs, trace: Trace) -> str | None:
    """Return the same of the solid part; a part-solid nodule that was ground-glass has a new solid part."""
    now, before = inputs.solid_mean_diameter_mm, inputs.prior_solid_mean_diameter_mm
    if inputs.prior_type == "ground-glass" or (before == 0 and now):
        trace.because("The solid part is new: the nodule had none before")
        return GROWTH
    if now is None or before is None:
        return None
    return _of_pair((one_decimal(now), one_decimal(before), "mean diameter of the solid part"), inputs, trace)


def grows_slowly(inputs: Inputs, trace: Trace) -> bool:
    """Whether it grows over several exams without more than 1.5 mm within any 12 months before the last."""
    if inputs.slow_growth_over_multiple_exams:
        trace.because("The reader states slow growth over several exams")
        return True
    points = _history(inputs)
    if len(points) < 3:
        return False
    sizes = [size for _, size in points]
    steps = [later - earlier for earlier, later in pairwise(sizes)]
    total = sizes[-1] - sizes[0]
    if total <= GROWTH_MM or min(steps) < 0 or sum(step > 0 for step in steps) < 2 or _fast(points):
        return False
    trace.because(
        f"Mean diameters {', '.join(str(size) for size in sizes)} mm over {points[0][0]} months grow by "
        f"{total} mm in all but never by more than {GROWTH_MM} mm within {GROWTH_MONTHS} months: slow growth"
    )
    trace.unsure(
        f"How much in all makes slow growth is not printed; more than {GROWTH_MM} mm over at least three "
        "exams without a decrease is used."
    )
    return True


def _total_pair(inputs: Inputs, trace: Trace) -> Pair | None:
    now, before = mean_diameter_mm(inputs), inputs.prior_mean_diameter_mm
    if now is not None and before is not None:
        return now, one_decimal(before), "mean diameter"
    if inputs.volume_mm3 is not None and inputs.prior_volume_mm3 is not None:
        trace.unsure("Growth is defined on mean diameters; those of spheres of the two volumes are compared.")
        return (
            rounded_sphere_diameter_mm(inputs.volume_mm3),
            rounded_sphere_diameter_mm(inputs.prior_volume_mm3),
            "diameter of the sphere of this volume",
        )
    return None


def _of_pair(pair: Pair | None, inputs: Inputs, trace: Trace) -> str | None:
    if pair is None:
        return None
    now, before, name = pair
    months, difference = whole_months(inputs), now - before
    if months is None:
        within = ", taken as within 12 months"
        trace.unsure("The interval between the exams is not stated; it is taken as within 12 months.")
    else:
        within = f" in {months} months"
    if difference > GROWTH_MM:
        if months is not None and months > GROWTH_MONTHS:
            trace.unsure(
                f"Growth is defined within {GROWTH_MONTHS} months and the only prior is {months} months old; "
                f"more than {GROWTH_MM} mm is still counted as growth."
            )
        trace.because(
            f"The {name} went from {before} to {now} mm{within}, {difference} mm more and so more than "
            f"{GROWTH_MM} mm: growth"
        )
        return GROWTH
    change = f"{difference} mm more" if difference > 0 else f"{-difference} mm less" if difference else "no change"
    trace.because(
        f"The {name} went from {before} to {now} mm{within}, {change}, not more than {GROWTH_MM} mm: no growth"
    )
    return NO_GROWTH


def _history(inputs: Inputs) -> list[tuple[Decimal, Decimal]]:
    """(months ago, mean diameter), the oldest first, the present exam last when its size is known."""
    if not inputs.diameter_history_mm:
        return []
    points = {
        ago: one_decimal(size)
        for ago, size in zip(inputs.history_months_ago or (), inputs.diameter_history_mm, strict=True)
    }
    now = mean_diameter_mm(inputs)
    if now is not None:
        points[Decimal(0)] = now
    return sorted(points.items(), reverse=True)


def _fast(points: list[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal] | None:
    """Return the earlier exam within 12 months of the last one since which it grew by more than 1.5 mm."""
    last_ago, last = points[-1]
    recent = [point for point in points[:-1] if point[0] - last_ago <= GROWTH_MONTHS]
    return next((point for point in recent if last - point[1] > GROWTH_MM), None)


def _of_history(inputs: Inputs, trace: Trace) -> str | None:
    points = _history(inputs)
    if len(points) < 2:
        return None
    fast = _fast(points)
    if fast is not None:
        trace.because(
            f"The mean diameter went from {fast[1]} to {points[-1][1]} mm in {fast[0] - points[-1][0]} "
            f"months, more than {GROWTH_MM} mm within {GROWTH_MONTHS} months: growth"
        )
        return GROWTH
    if len(points) == 2 and points[1][1] - points[0][1] > GROWTH_MM:
        trace.unsure(
            f"Growth is defined within {GROWTH_MONTHS} months and the only prior is older; more than "
            f"{GROWTH_MM} mm is still counted as growth."
        )
        trace.because(f"The mean diameter went from {points[0][1]} to {points[1][1]} mm: growth")
        return GROWTH
    return NO_GROWTH


def _beside_stated(measured: str | None, inputs: Inputs, trace: Trace) -> str | None:
    stated = {"stable": STABLE, "growing": GROWTH, "mean_diameter_growing": GROWTH}.get(inputs.change or "")
    if stated is None:
        return measured
    if measured is None:
        trace.because(f"The reader states '{inputs.change}'")
        return stated
    if (measured == GROWTH) != (stated == GROWTH):
        trace.unsure(f"'change' is {inputs.change}, but the measured diameters say {measured}; the measured counts.")
    return measured
