"""Lung-RADS v2022: the category of an exam, which is that of its worst nodule, or 0 where it cannot be read yet."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from LungNoduleAILib.guidelines.lung_rads.airway_cyst import airway_category, cyst_category
from LungNoduleAILib.guidelines.lung_rads.course import Course, course_of
from LungNoduleAILib.guidelines.lung_rads.nodule import nodule_category
from LungNoduleAILib.guidelines.lung_rads.sizes import mean_diameter_mm, total_sizes
from LungNoduleAILib.guidelines.tables import lung_rads_2022 as table
from LungNoduleAILib.guidelines.terms.answer import Answer, Told, Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.interval import whole_months
from LungNoduleAILib.guidelines.terms.vocabulary import BENIGN_PATTERNS

MALIGNANCY_SUSPECTED = ("3", "4A", "4B")


def lung_rads_2022(inputs: Inputs) -> Answer:
    """Return the category of one nodule or one exam; raises MissingInput when its size or kind is not stated."""
    trace = Trace(table.SOURCE)
    if inputs.exam == "incidental":
        trace.unsure("Lung-RADS is made for screening; an incidental nodule belongs to Fleischner 2017 or BTS 2015.")
    growth = None
    if _cannot_be_read(inputs, trace):
        category = "0"
    elif inputs.nodules is not None:
        category = _worst(inputs, trace)
    elif inputs.tells_of_a_nodule:
        category, growth = _of_nodule(inputs, trace)
    else:
        category = _without_nodule(inputs, trace)
    _advise(category, trace)
    if inputs.significant_other_finding and category != "not_classified":
        trace.because("Another significant finding is stated: suffix S")
        category += "S"
    return Answer(
        table.RULE,
        table.EDITION,
        category,
        growth=growth,
        reasons=tuple(trace.reasons),
        uncertain=tuple(trace.uncertain),
    )


def _advise(category: str, trace: Trace) -> None:
    trace.because(f"Category {category} advises: {table.ADVICE[category]}")
    if category in table.PROBABILITY_V1:
        trace.because(
            f"Probability of malignancy published for category {category}: {table.PROBABILITY_V1[category]}",
            "published with Lung-RADS v1.x, not with v2022",
        )


def _cannot_be_read(inputs: Inputs, trace: Trace) -> bool:
    """Category 0: a prior is awaited, the lungs cannot be evaluated in full, or infection is suspected."""
    listed = inputs.nodules or ()
    new = max(inputs.new_nodule_count or 0, sum(bool(nodule.is_new) for nodule in listed))
    if inputs.prior_exam_pending:
        trace.because("A prior exam is awaited for comparison: category 0")
    elif inputs.lungs_fully_evaluable is False:
        trace.because("The lungs cannot be evaluated in full, additional imaging is needed: category 0")
    elif inputs.suspected_infection and not _needs_no_early_ct(inputs, trace):
        trace.because(
            "Findings suggest infection or inflammation, low-dose CT in 1 to 3 months may be recommended: category 0"
        )
        trace.unsure(
            "Where infection is suspected but less likely than cancer, the nodule is classified by its size: "
            "leave 'suspected_infection' out."
        )
    elif new > table.MAX_NEW_NODULES:
        trace.because(
            f"{new} new nodules, more than {table.MAX_NEW_NODULES}, suggest infection or inflammation, "
            "low-dose CT in 1 to 3 months may be recommended: category 0"
        )
    elif inputs.immunosuppressed and (inputs.is_new or new):
        trace.because(
            "A new nodule in an immunocompromised person suggests infection, low-dose CT in 1 to 3 months "
            "may be recommended: category 0"
        )
        trace.unsure(
            "Whether a new nodule of an immunocompromised person is infection is for the reader to judge; "
            "category 0 is used, leave 'immunosuppressed' out to classify by size."
        )
    else:
        return False
    return True


def _needs_no_early_ct(inputs: Inputs, trace: Trace) -> bool:
    """Whether all that is suspected to be infection is tree-in-bud or new ground-glass below 30 mm, classified by size.

    Lung-RADS v2022, note on findings of infection or inflammation: such nodules "may not require short-term follow-up"
    and "may be evaluated using existing size criteria".
    """
    listed = (inputs,) if inputs.nodules is None else inputs.nodules
    suspected = [nodule for nodule in listed if nodule.is_new or nodule.tree_in_bud]
    new = inputs.new_nodule_count or 0
    if not suspected or max(new, len(suspected)) > table.MAX_NEW_NODULES or new > len(suspected):
        return False
    if not all(nodule.tree_in_bud or _is_small_ground_glass(nodule) for nodule in suspected):
        return False
    trace.because(
        "Infection is suspected, but tree-in-bud nodules and new ground-glass nodules below 30 mm need no early CT for "
        "that: they are classified by size"
    )
    trace.unsure(
        "Infection is suspected: category 0, with low-dose CT in 1 to 3 months, is the alternative to the category by "
        "size."
    )
    return True


def _is_small_ground_glass(nodule: Inputs) -> bool:
    if nodule.type != "ground-glass":
        return False
    sizes = total_sizes(nodule, Trace(table.SOURCE))
    return sizes[0].is_below(table.LARGE_GROUND_GLASS_MM, table.LARGE_GROUND_GLASS_MM3)


def _without_nodule(inputs: Inputs, trace: Trace) -> str:
    if inputs.is_empty:
        raise MissingInput(
            "Nothing is stated: describe a nodule by 'type' and size, or state 'exam' with 'nodule_count' 0.", "type"
        )
    if inputs.nodule_count:
        raise MissingInput(
            f"'nodule_count' is {inputs.nodule_count}, but no nodule is described: state 'type' and "
            "size, or list 'nodules'.",
            "type",
        )
    trace.because("No lung nodule is stated: category 1")
    return "1"


def _worst(inputs: Inputs, trace: Trace) -> str:
    if not inputs.nodules:
        return _without_nodule(inputs, trace)
    categories = []
    for number, nodule in enumerate(inputs.nodules, 1):
        try:
            told = _told_of(nodule)
        except MissingInput as error:
            raise MissingInput(f"Nodule {number}: {error}", *error.keys) from error
        categories.append(told.answer)
        trace.take(told, f"Nodule {number}: ")
    worst = max(categories, key=table.ORDER.index)
    trace.because(
        f"The exam takes the category of the worst of {len(categories)} nodules, nodule "
        f"{categories.index(worst) + 1}: category {worst}"
    )
    if worst == "not_classified":
        trace.unsure("An exam with nothing but thin-walled unilocular cysts can also be called category 1.")
    return worst


@lru_cache(maxsize=1024)  # an exam is asked again for every input that is open: most of its nodules stay as they are
def _told_of(nodule: Inputs) -> Told:
    own = Trace(table.SOURCE)
    category, _ = _of_nodule(nodule, own)
    return own.told(category)


def _of_nodule(inputs: Inputs, trace: Trace) -> tuple[str, str | None]:
    """Category and growth of one nodule."""
    if _is_benign(inputs, trace):
        return "1", None
    if inputs.proven_benign:
        trace.because("The nodule is proven benign: category 2")
        if inputs.prior_category not in ("4B", "4X"):
            trace.unsure("The row for nodules proven benign is printed for category 4B; it is used for every category.")
        return "2", None
    if inputs.type is None:
        raise MissingInput(
            "Lung-RADS needs the kind of nodule: state 'type' as solid, part-solid, ground-glass, airway or cyst.",
            "type",
        )
    if inputs.type == "airway" and inputs.multiple_tubular:
        return airway_category(inputs, Course("at baseline"), trace), None
    course = course_of(inputs, trace)
    return _with_suspicion(inputs, _by_type(inputs, course, trace), trace), course.growth


def _by_type(inputs: Inputs, course: Course, trace: Trace) -> str:
    if inputs.type == "airway":
        return airway_category(inputs, course, trace)
    if inputs.cavitary:
        trace.because("A cavitary nodule is classified by the solid rows")
        return nodule_category(replace(inputs, type="solid"), course, trace)
    return cyst_category(inputs, course, trace) if inputs.type == "cyst" else nodule_category(inputs, course, trace)


def _is_benign(inputs: Inputs, trace: Trace) -> bool:
    pattern = inputs.calcification_pattern
    if pattern in BENIGN_PATTERNS:
        printed = table.CALCIFICATION_SYNONYMS.get(pattern)
        if printed:
            trace.unsure(f"The pattern '{pattern}' is not printed in Lung-RADS; it is taken as '{printed}'.")
        trace.because(f"Calcification of the pattern {pattern.replace('_', ' ')} is benign: category 1")
    elif inputs.benign_calcification:
        trace.because("A benign pattern of calcification is stated: category 1")
    elif inputs.fat_containing:
        trace.because("The nodule contains fat: category 1")
    else:
        return False
    return True


def _with_suspicion(inputs: Inputs, category: str, trace: Trace) -> str:
    """4X for a category 3, 4A or 4B with features that the reader calls suspicious."""
    features = list(inputs.suspicious_features or ())
    if inputs.is_spiculated:
        features.append("spiculation")
    if _doubled_within_a_year(inputs):
        features.append("ground-glass nodule that doubled within a year")
        trace.unsure("What doubles is not printed; a doubled mean diameter is used.")
    if not features:
        return category
    names = ", ".join(dict.fromkeys(features))
    if category not in MALIGNANCY_SUSPECTED:
        trace.because(f"Suspicious features ({names}) make 4X only of category 3, 4A or 4B: category {category} stays")
        return category
    trace.because(f"Category {category} with features that the reader calls suspicious ({names}): category 4X")
    return "4X"


def _doubled_within_a_year(inputs: Inputs) -> bool:
    now, before, months = mean_diameter_mm(inputs), inputs.prior_mean_diameter_mm, whole_months(inputs)
    if now is None or before is None or months is None:
        return False
    return inputs.type == "ground-glass" and months <= table.GROWTH_MONTHS and now >= 2 * before
