"""British Thoracic Society 2015: discharge, follow-up or investigation, by stage of the pathway."""

from __future__ import annotations

from functools import lru_cache

from LungNoduleAILib.guidelines.bts_follow_up import STABLE, bts_growth, follow_up
from LungNoduleAILib.guidelines.queries import DoublingTime, diameter_pairs, doubling_time
from LungNoduleAILib.guidelines.tables import bts_2015 as table
from LungNoduleAILib.guidelines.terms.answer import Answer, Told, Trace
from LungNoduleAILib.guidelines.terms.bands import Size, decide
from LungNoduleAILib.guidelines.terms.benign_forms import is_typical_perifissural
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.interval import days_between, whole_months
from LungNoduleAILib.guidelines.terms.measures import whole
from LungNoduleAILib.guidelines.terms.vocabulary import BENIGN_PATTERNS
from LungNoduleAILib.model.growth import NO_GROWTH
from ThoraxAILib.errors import known

TWELVE_MONTHS_FROM = 6  # an unstated stage: a prior of at least this many months was the first CT of the 12-month one


def bts_2015(inputs: Inputs) -> Answer:
    """Return management of one nodule, or of the most urgent of 'nodules'; raises MissingInput for what it needs."""
    trace, growth, time = Trace(table.SOURCE), None, None
    if inputs.age is not None and inputs.age < table.MIN_AGE:
        trace.because(f"The age of {inputs.age} years is below {table.MIN_AGE}: the guideline does not apply")
        management = table.NOT_APPLICABLE
    elif inputs.nodules:
        management = _most_urgent(inputs.nodules, trace)
    elif inputs.nodules == () or (inputs.nodule_count == 0 and not inputs.tells_of_a_nodule):
        trace.because("No nodule is stated")
        management = table.DISCHARGE
    else:
        management = _of_nodule(inputs, trace)
        if inputs.type not in ("airway", "cyst"):
            growth = bts_growth(inputs, Trace(table.SOURCE))
            time = _time(inputs, growth)
    if inputs.age is None:
        trace.unsure(f"The age is not stated; at least {table.MIN_AGE} years are taken for granted.")
    trace.because(f"The answer {management} means: {table.ADVICE[management]}")
    reason = time.sentence + "." if time is not None and time.days is None else None
    return Answer(
        table.RULE,
        table.EDITION,
        management=management,
        growth=growth,
        vdt_days=None if time is None else time.rounded,
        reason=reason,
        reasons=tuple(trace.reasons),
        uncertain=tuple(trace.uncertain),
    )


def _time(inputs: Inputs, growth: str | None) -> DoublingTime | None:
    """Return the doubling time of a nodule that grows as the guideline means it; None where it cannot be known."""
    sized = (inputs.volume_mm3 is not None and inputs.prior_volume_mm3 is not None) or diameter_pairs(inputs)
    if not sized or days_between(inputs) is None:
        return None
    told = doubling_time(inputs, max_diameters_first=True)
    if growth != STABLE or told.days is None:
        return told
    return DoublingTime(None, f"The volume changed by less than {table.GROWTH_PERCENT} %: {NO_GROWTH}")


def _most_urgent(nodules: tuple[Inputs, ...], trace: Trace) -> str:
    answers = []
    for number, nodule in enumerate(nodules, 1):
        try:
            told = _told_of(nodule)
        except MissingInput as error:
            raise MissingInput(f"Nodule {number}: {error}", *error.keys) from error
        answers.append(told.answer)
        trace.take(told, f"Nodule {number}: ")
    if len(nodules) > 1:
        trace.unsure("The nodule with the most urgent answer leads.")
    return max(answers, key=table.URGENCY.index)


@lru_cache(maxsize=1024)
def _told_of(nodule: Inputs) -> Told:
    own = Trace(table.SOURCE)
    management = _of_nodule(nodule, own)
    return own.told(management)


def _of_nodule(inputs: Inputs, trace: Trace) -> str:
    if inputs.type in ("airway", "cyst"):
        trace.because(f"The guideline has no row for type {inputs.type}")
        return table.NOT_APPLICABLE
    if _is_benign(inputs, trace):
        return table.DISCHARGE
    stage = _stage(inputs, trace)
    if stage == "after_pet":
        return _after_pet(inputs, trace)
    if inputs.type is None:
        raise MissingInput(
            "BTS 2015 needs the kind of nodule: state 'type' as solid, part-solid or ground-glass.", "type"
        )
    return _at_first(inputs, trace) if stage == "initial" else follow_up(inputs, stage, trace)


def _is_benign(inputs: Inputs, trace: Trace) -> bool:
    pattern = inputs.calcification_pattern
    if pattern in BENIGN_PATTERNS or inputs.benign_calcification:
        printed = table.CALCIFICATION_SYNONYMS.get(pattern or "")
        if printed:
            trace.unsure(f"The pattern '{pattern}' is not printed in BTS 2015; it is taken as '{printed}'.")
        trace.because(f"Calcification is {'of the pattern ' + pattern.replace('_', ' ') if pattern else 'benign'}")
    elif inputs.fat_containing:
        trace.because("The nodule contains fat")
    elif is_typical_perifissural(inputs, table.BENIGN_SHAPES, trace) and _is_small_enough(inputs):
        trace.unsure(
            f"Up to which size and distance a perifissural or subpleural nodule is typical is unclear; below "
            f"{table.TYPICAL_BELOW_MM} mm ({table.TYPICAL_BELOW_MM3} mm3) without a limit of distance counts."
        )
        trace.because("Typical perifissural or subpleural nodule: smooth, solid, lentiform or triangular")
    else:
        return False
    return True


def _is_small_enough(inputs: Inputs) -> bool:
    """Whether a perifissural nodule is below the limit of the typical ones, as far as its size is stated."""
    sizes = _stated_sizes(inputs)
    return not sizes or sizes[0].is_below(table.TYPICAL_BELOW_MM, table.TYPICAL_BELOW_MM3)


def _stage(inputs: Inputs, trace: Trace) -> str:
    if inputs.stage is not None:
        return inputs.stage
    if inputs.herder_percent is not None:
        trace.unsure("The stage is not stated; with a Herder risk it is taken as after PET-CT.")
        return "after_pet"
    prior = inputs.prior_volume_mm3 is not None or inputs.prior_max_diameter_mm is not None or inputs.change is not None
    if not prior:
        return "initial"
    months = whole_months(inputs)
    stage = "ct_3m" if months is None or months < TWELVE_MONTHS_FROM else "ct_12m"
    trace.unsure(f"The stage is not stated; by the time since the prior exam it is taken as {stage}.")
    return stage


def _at_first(inputs: Inputs, trace: Trace) -> str:
    solid = inputs.type == "solid"
    size = _size(inputs, trace)
    bands = table.SUBSOLID if not solid else table.SOLID_VOLUME if size.unit == "mm3" else table.SOLID_DIAMETER
    answer, words = decide((size,), bands, trace)
    if not solid and size.unit == "mm3":
        trace.unsure("Subsolid nodules are printed in mm; the volume limit of 80 mm3 is used for 5 mm.")
    trace.because(f"{(inputs.type or '').capitalize()} nodule: the {words}")
    if answer == table.DISCHARGE and inputs.cancer_history:
        trace.because("With a previous or active cancer discharge by size is a matter of clinical judgement")
        trace.unsure("A small nodule in a person with cancer is left to clinical judgement: no answer is given.")
        return table.NOT_APPLICABLE
    if answer == table.BROCK and inputs.brock_percent is not None:
        return _by_brock(inputs, trace)
    return answer


def _size(inputs: Inputs, trace: Trace) -> Size:
    """Return the size that decides; raises MissingInput when only a mean diameter, or none, is stated."""
    sizes = _stated_sizes(inputs)
    if not sizes:
        raise MissingInput(
            "BTS 2015 needs 'volume_mm3' or, where volumetry is missing, 'max_diameter_mm' (the mean "
            "diameter does not do).",
            "volume_mm3",
            "max_diameter_mm",
        )
    if sizes[0].unit == "mm" and (inputs.max_diameter_mm, inputs.long_axis_mm) == (None, None):
        trace.unsure("'diameter_mm' does not say which diameter it is; it is taken as the maximum diameter.")
    return sizes[0]


def _stated_sizes(inputs: Inputs) -> list[Size]:
    """Volume before maximum diameter (never the mean); diameter first for subsolid nodules and where asked for."""
    diameters = (inputs.max_diameter_mm, inputs.long_axis_mm, inputs.diameter_mm)
    value = next((size for size in diameters if size is not None), None)
    sizes = [] if inputs.volume_mm3 is None else [Size(whole(inputs.volume_mm3), "mm3", "volume")]
    if value is not None:
        by_volume = inputs.method != "diameter" and inputs.type in (None, "solid")
        sizes.insert(len(sizes) if by_volume else 0, Size(value, "mm", "maximum diameter"))
    return sizes


def _by_brock(inputs: Inputs, trace: Trace) -> str:
    percent = known(inputs.brock_percent, "the Brock risk")
    if percent == table.BROCK_PERCENT:
        trace.unsure(f"A Brock risk of exactly {table.BROCK_PERCENT} % is on no side; it is taken as above.")
    low = percent < table.BROCK_PERCENT
    trace.because(f"The Brock risk of {percent} % is {'below' if low else 'not below'} {table.BROCK_PERCENT} %")
    return table.SURVEILLANCE if low else table.BROCK_ABOVE


def _after_pet(inputs: Inputs, trace: Trace) -> str:
    percent = inputs.herder_percent
    if percent is None:
        raise MissingInput("After PET-CT BTS 2015 needs the Herder risk: state 'herder_percent'.", "herder_percent")
    low, high = table.HERDER_PERCENT
    trace.unsure(
        f"The Herder bands of {low} and {high} % are not certain; {low} and {high} themselves count as between."
    )
    band = 0 if percent < low else 1 if percent <= high else 2
    where = (f"below {low} %", f"{low} to {high} %", f"above {high} %")[band]
    trace.because(f"The Herder risk of {percent} % is {where}")
    return table.BY_HERDER[band]
