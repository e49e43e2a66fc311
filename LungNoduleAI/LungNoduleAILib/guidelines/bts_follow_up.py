"""BTS 2015 at a follow-up CT: growth by volume, doubling time, and what a stable or changed nodule needs."""

from __future__ import annotations

import math
from decimal import Decimal

from LungNoduleAILib.guidelines.queries import EXPONENTIAL, diameter_pairs, doubling_time
from LungNoduleAILib.guidelines.tables import bts_2015 as table
from LungNoduleAILib.guidelines.terms.answer import Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.interval import days_between
from LungNoduleAILib.guidelines.terms.measures import whole

GROWTH, STABLE = "growth", "stable"


def bts_growth(inputs: Inputs, trace: Trace) -> str | None:
    """growth from 25 % more volume, else stable; from diameters by their cubes; None when nothing tells."""
    pair = _volumes(inputs) or _cubes(inputs, trace)
    stated = {"stable": STABLE, "growing": GROWTH, "mean_diameter_growing": GROWTH}.get(inputs.change or "")
    if pair is None:
        if stated is not None:
            trace.because(f"The reader states '{inputs.change}'")
        return stated
    before, now, words = pair
    percent = 100 * (now - before) / before
    if percent == table.GROWTH_PERCENT:
        trace.unsure(
            f"Growth is printed as at least and as more than {table.GROWTH_PERCENT} %; exactly "
            f"{table.GROWTH_PERCENT} % counts as growth."
        )
    found = GROWTH if percent >= table.GROWTH_PERCENT else STABLE
    trace.because(f"{words}, {percent:+.1f} % in volume, growth is {table.GROWTH_PERCENT} %: {found}")
    if stated not in (None, found):
        trace.unsure(f"'change' is {inputs.change}, but the measured sizes say {found}; the measurement is used.")
    return found


def _volumes(inputs: Inputs) -> tuple[Decimal, Decimal, str] | None:
    before, now = inputs.prior_volume_mm3, inputs.volume_mm3
    if inputs.method == "diameter" or before is None or now is None or not whole(before):
        return None
    before, now = whole(before), whole(now)
    return before, now, f"The volume went from {before} to {now} mm3"


def _cubes(inputs: Inputs, trace: Trace) -> tuple[Decimal, Decimal, str] | None:
    pairs = diameter_pairs(inputs)
    if not pairs or inputs.method == "volumetry":
        return None
    name, before, now = pairs[-1]
    trace.unsure("Growth is printed for volumes; diameters are compared by their cubes.")
    return before**3, now**3, f"The {name} went from {before} to {now} mm"


def follow_up(inputs: Inputs, stage: str, trace: Trace) -> str:
    """Return management at the CT of 3 or 12 months; raises MissingInput where nothing tells what became of the
    nodule.
    """
    subsolid = inputs.type != "solid"
    if subsolid and _is_altered(inputs, trace):
        return table.SUBSOLID_GROWING
    growth = bts_growth(inputs, trace)
    if growth is None:
        raise MissingInput(
            "BTS 2015 needs to know what became of the nodule: state 'volume_mm3' and "
            "'prior_volume_mm3', 'max_diameter_mm' and 'prior_max_diameter_mm', or 'change'.",
            "prior_volume_mm3",
        )
    if subsolid:
        return _subsolid(inputs, growth, trace)
    if growth == GROWTH:
        return _by_doubling_time(inputs, trace)
    if stage == "ct_3m":
        trace.because("Stable at 3 months")
        return table.STABLE_AT_3_MONTHS
    method = _method(inputs, trace)
    trace.because(f"Stable at 12 months by {method}")
    return table.STABLE_AT_12_MONTHS[method]


def _method(inputs: Inputs, trace: Trace) -> str:
    if inputs.method is not None:
        return inputs.method
    measured = inputs.volume_mm3 is not None and inputs.prior_volume_mm3 is not None
    if not measured and not diameter_pairs(inputs):
        trace.unsure("How stability was found is not stated; diameter is taken, which needs one more CT.")
    return "volumetry" if measured else "diameter"


def _by_doubling_time(inputs: Inputs, trace: Trace) -> str:
    measured = days_between(inputs) is not None and (_volumes(inputs) or diameter_pairs(inputs))
    time = doubling_time(inputs, max_diameters_first=True) if measured else None
    if time is None or time.days is None:  # also where the reader sees growth, but the stated sizes do not grow
        trace.because("It grows and its doubling time is not known")
        trace.unsure("Without a doubling time growth is taken as clear growth.")
        return table.INVESTIGATE
    trace.because(time.sentence, EXPONENTIAL)
    short, long = table.VDT_DAYS
    days: float = time.days
    nearest = min(table.VDT_DAYS, key=lambda limit: abs(limit - days))
    if math.isclose(days, nearest, rel_tol=1e-6):
        days = nearest
        trace.unsure(f"A doubling time of exactly {short} or {long} days is on no side; it counts as between them.")
    band = 0 if days < short else 1 if days <= long else 2
    where = (f"below {short}", f"{short} to {long}", f"above {long}")[band]
    trace.because(f"The doubling time of {time.rounded} days is {where} days")
    return table.BY_VDT[band]


def _is_altered(inputs: Inputs, trace: Trace) -> bool:
    """Whether the morphology changed: a solid part where there was none, or a new opacity or nodularity."""
    solid_part_is_new = inputs.type == "part-solid" and (
        inputs.prior_type == "ground-glass" or (inputs.prior_solid_mean_diameter_mm == 0)
    )
    if solid_part_is_new or inputs.change in ("new_opacity", "nodularity_growing"):
        trace.because("The morphology of the subsolid nodule is altered")
        return True
    return False


def _subsolid(inputs: Inputs, growth: str, trace: Trace) -> str:
    if growth == GROWTH:
        trace.because("The subsolid nodule grows")
        return table.SUBSOLID_GROWING
    concerning = list(inputs.suspicious_features or ()) + ["spiculation"] * bool(inputs.is_spiculated)
    if concerning:
        trace.because(f"Stable subsolid nodule with concerning morphology ({', '.join(concerning)})")
        return table.SUBSOLID_CONCERNING
    if inputs.brock_percent is None:
        trace.because("Stable subsolid nodule; its Brock risk is needed next")
        return table.BROCK
    percent = inputs.brock_percent
    if percent == table.BROCK_PERCENT:
        trace.unsure(f"A Brock risk of exactly {table.BROCK_PERCENT} % is on no side; it is taken as above.")
    low = percent < table.BROCK_PERCENT
    trace.because(
        f"Stable subsolid nodule with a Brock risk of {percent} %, {'below' if low else 'not below'} "
        f"{table.BROCK_PERCENT} %"
    )
    return table.SUBSOLID_STABLE if low else table.SUBSOLID_CONCERNING
