"""Fleischner Society 2017: management of incidental nodules by size in whole mm, number, type and risk."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from LungNoduleAILib.guidelines.queries import diameter_pairs
from LungNoduleAILib.guidelines.tables import fleischner_2017 as table
from LungNoduleAILib.guidelines.terms.answer import Answer, Told, Trace
from LungNoduleAILib.guidelines.terms.bands import Size, decide
from LungNoduleAILib.guidelines.terms.benign_forms import is_typical_perifissural
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.measures import whole
from LungNoduleAILib.guidelines.terms.vocabulary import BENIGN_PATTERNS


def fleischner_2017(inputs: Inputs) -> Answer:
    """Return management of one nodule, or of the most urgent of 'nodules'; raises MissingInput for what it needs."""
    trace, growth = Trace(table.SOURCE), None
    if not _applies(inputs, trace):
        management = table.NOT_APPLICABLE
    elif inputs.nodules:
        management = _most_urgent(inputs.nodules, trace)
    elif inputs.nodules == () or (inputs.nodule_count == 0 and not inputs.tells_of_a_nodule):
        trace.because("No nodule is stated")
        management = table.NONE
    else:
        management = _of_nodule(inputs, inputs.multiple or (inputs.nodule_count or 1) > 1, trace)
        growth = fleischner_growth(inputs, trace)
    trace.because(f"The answer {management} means: {table.ADVICE[management]}")
    return Answer(
        table.RULE,
        table.EDITION,
        management=management,
        growth=growth,
        reasons=tuple(trace.reasons),
        uncertain=tuple(trace.uncertain),
    )


def fleischner_growth(inputs: Inputs, trace: Trace) -> str | None:
    """growth from 2 mm more in diameter, else no_growth; stable as the reader calls it; None when nothing tells."""
    pairs = diameter_pairs(inputs)
    if not pairs:
        return {"stable": "stable", "growing": "growth", "mean_diameter_growing": "growth"}.get(inputs.change or "")
    name, before, now = pairs[0]
    grown = now - before >= table.GROWTH_MM
    if (whole(now) - whole(before) >= table.GROWTH_MM) != grown:
        trace.unsure("Growth would be called otherwise on diameters rounded to whole mm; it is judged before rounding.")
    trace.because(
        f"The {name} went from {before} to {now} mm, growth is at least {table.GROWTH_MM} mm: "
        f"{'growth' if grown else 'no growth'}"
    )
    return "growth" if grown else "no_growth"


def _applies(inputs: Inputs, trace: Trace) -> bool:
    why_not = None
    if inputs.age is not None and inputs.age < table.MIN_AGE:
        why_not = f"The age of {inputs.age} years is below {table.MIN_AGE}"
    elif inputs.cancer_history:
        why_not = "A history of cancer is stated"
    elif inputs.immunosuppressed:
        why_not = "Immunosuppression is stated"
    elif inputs.exam == "screening":
        why_not = "The exam is for screening"
    if why_not is not None:
        trace.because(f"{why_not}: the guideline does not apply")
        return False
    if inputs.age is None:
        trace.unsure(f"The age is not stated; at least {table.MIN_AGE} years are taken for granted.")
    if inputs.exam in ("baseline", "follow_up"):
        trace.unsure(f"The exam is stated as {inputs.exam}; it is taken as an incidental finding, not as screening.")
    if inputs.extrathoracic_cancer_over_5y_ago:
        trace.unsure("A cancer more than 5 years ago is stated; the guideline leaves out persons with known cancer.")
    return True


def _most_urgent(nodules: tuple[Inputs, ...], trace: Trace) -> str:
    solid = sum(nodule.type == "solid" for nodule in nodules)
    answers = []
    for number, nodule in enumerate(nodules, 1):
        alike = solid if nodule.type == "solid" else len(nodules) - solid
        try:
            told = _told_of(replace(nodule, nodule_count=None), bool(nodule.multiple) or alike > 1)
        except MissingInput as error:
            raise MissingInput(f"Nodule {number}: {error}", *error.keys) from error
        answers.append(told.answer)
        trace.take(told, f"Nodule {number}: ")
    if len(nodules) > 1:
        trace.unsure("Solid and subsolid nodules are counted apart, and the nodule with the most urgent answer leads.")
    return max(answers, key=table.URGENCY.index)


@lru_cache(maxsize=1024)
def _told_of(nodule: Inputs, multiple: bool) -> Told:
    own = Trace(table.SOURCE)
    management = _of_nodule(nodule, multiple, own)
    return own.told(management)


def _of_nodule(inputs: Inputs, multiple: bool | None, trace: Trace) -> str:
    if inputs.type is None:
        raise MissingInput(
            "Fleischner 2017 needs the kind of nodule: state 'type' as solid, part-solid or ground-glass.", "type"
        )
    if inputs.type in ("airway", "cyst"):
        trace.because(f"The guideline has no row for type {inputs.type}")
        return table.NOT_APPLICABLE
    if inputs.benign_calcification or inputs.calcification_pattern in BENIGN_PATTERNS or inputs.fat_containing:
        trace.unsure("The table has no row for benign calcification or fat; they are taken as benign.")
        trace.because("Benign calcification or fat is stated")
        return table.NONE
    sizes = _sizes(inputs, trace)
    if inputs.type == "solid":
        return _solid(inputs, sizes, bool(multiple), trace)
    return _subsolid(inputs, sizes, bool(multiple), trace)


def _solid(inputs: Inputs, sizes: tuple[Size, ...], multiple: bool, trace: Trace) -> str:
    band, words = decide(sizes, table.SOLID, trace, whole_numbers=True)
    number = "multiple" if multiple else "single"
    if is_typical_perifissural(inputs, table.BENIGN_SHAPES, trace):
        if band == "<6":
            trace.because(f"Typical perifissural or juxtapleural nodule, the {words}")
            return table.NONE
        trace.unsure("A typical perifissural or juxtapleural nodule of 6 mm or more is unclear; its size row counts.")
    risk = inputs.risk
    if risk is None and band not in table.BANDS_WITHOUT_RISK[number]:
        raise MissingInput(
            "Fleischner 2017 needs the risk of the person for this solid nodule: state 'risk' as low or high.", "risk"
        )
    cells = table.SOLID_MULTIPLE if multiple else table.SOLID_SINGLE
    of_risk = "" if risk is None else f", {risk} risk"
    trace.because(f"Solid nodule, {number}{of_risk}: the {words}")
    return cells[band, risk or "low"]


def _subsolid(inputs: Inputs, sizes: tuple[Size, ...], multiple: bool, trace: Trace) -> str:
    band, words = decide(sizes, table.SUBSOLID, trace, whole_numbers=True)
    if multiple:
        trace.because(f"Subsolid nodules, multiple: the {words}")
        return table.SUBSOLID_MULTIPLE[band]
    if inputs.type == "ground-glass":
        trace.because(f"Ground-glass nodule, single: the {words}")
        return table.GROUND_GLASS_SINGLE[band]
    if band == "<6":
        trace.because(f"Part-solid nodule, single: the {words}")
        return table.PART_SOLID_SINGLE[band]
    parts = _solid_part_sizes(inputs)
    if not parts:
        trace.unsure(
            "The size of the solid part is not stated; the row for a solid part below 6 mm is used, which "
            "also starts with CT at 3 to 6 months."
        )
        trace.because(f"Part-solid nodule, single: the {words}")
        return table.PART_SOLID_SINGLE["solid part <6"]
    part, part_words = decide(parts, table.SUBSOLID, trace, whole_numbers=True)
    trace.because(f"Part-solid nodule, single: the {words} and the {part_words}")
    return table.PART_SOLID_SINGLE[f"solid part {part}"]


def _sizes(inputs: Inputs, trace: Trace) -> tuple[Size, ...]:
    diameter = _mean_mm(inputs, trace)
    sizes = () if diameter is None else (Size(whole(diameter), "mm", "mean diameter rounded to whole mm"),)
    if inputs.volume_mm3 is not None:
        sizes = (*sizes, Size(whole(inputs.volume_mm3), "mm3", "volume"))
    if not sizes:
        raise MissingInput(
            "Fleischner 2017 needs the size of the nodule: state 'mean_diameter_mm', 'long_axis_mm' "
            "with 'short_axis_mm', or 'volume_mm3'.",
            "mean_diameter_mm",
        )
    return sizes


def _mean_mm(inputs: Inputs, trace: Trace) -> Decimal | None:
    """Mean of long and short axis, not rounded before."""
    if inputs.mean_diameter_mm is not None:
        return inputs.mean_diameter_mm
    if inputs.long_axis_mm is not None and inputs.short_axis_mm is not None:
        return (inputs.long_axis_mm + inputs.short_axis_mm) / 2
    if inputs.diameter_mm is not None:
        trace.unsure("'diameter_mm' does not say which diameter it is; it is taken as the mean diameter.")
    return inputs.diameter_mm


def _solid_part_sizes(inputs: Inputs) -> tuple[Size, ...]:
    sizes: tuple[Size, ...] = ()
    diameter = inputs.solid_mean_diameter_mm
    if diameter is None:
        diameter = inputs.solid_max_diameter_mm
    if diameter is not None:
        sizes = (Size(whole(diameter), "mm", "diameter of the solid part rounded to whole mm"),)
    if inputs.solid_volume_mm3 is not None:
        sizes = (*sizes, Size(whole(inputs.solid_volume_mm3), "mm3", "volume of the solid part"))
    return sizes
