"""Lung-RADS v2022 for airway nodules and atypical pulmonary cysts: rows of place and change, not of size."""

from __future__ import annotations

from LungNoduleAILib.guidelines.lung_rads.course import BASELINE, GROWING, NEW, SLOW, Course, step_down
from LungNoduleAILib.guidelines.lung_rads.nodule import solid_category
from LungNoduleAILib.guidelines.lung_rads.sizes import mean_diameter_mm
from LungNoduleAILib.guidelines.tables import lung_rads_2022 as table
from LungNoduleAILib.guidelines.terms.answer import Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.measures import one_decimal

THICK, MULTI, THIN = "thick-walled", "multilocular", "thin-walled unilocular"


def airway_category(inputs: Inputs, course: Course, trace: Trace) -> str:
    """By level, and whether it is still there; several tubular findings favour infection."""
    if inputs.multiple_tubular:
        category = "0" if inputs.suspected_infection else "2"
        trace.unsure(
            "Several tubular airway findings with infection favoured are category 0 or 2; 0 is used when "
            "infection is suspected, else 2."
        )
        trace.because(f"Several tubular airway findings, which favour infection: category {category}")
        return category
    if inputs.airway_level is None:
        raise MissingInput(
            "Lung-RADS needs the level of the airway nodule: state 'airway_level' as trachea, mainstem, "
            "lobar, segmental or subsegmental.",
            "airway_level",
        )
    if inputs.airway_level in table.PROXIMAL_AIRWAYS:
        return _proximal_airway(inputs, course, trace)
    if course.kind in (GROWING, SLOW):
        return _growing_subsegmental(inputs, course, trace)
    row = {NEW: "new", BASELINE: "baseline"}.get(course.kind, "stable")
    category = table.AIRWAY["subsegmental", row]
    trace.because(f"Subsegmental airway nodule, {'at baseline' if row == 'baseline' else row}: category {category}")
    return category


def _proximal_airway(inputs: Inputs, course: Course, trace: Trace) -> str:
    now, before = mean_diameter_mm(inputs), inputs.prior_mean_diameter_mm
    row = {NEW: "new", BASELINE: "baseline"}.get(course.kind, "stable or growing")
    if row == "stable or growing" and now is not None and before is not None and now < one_decimal(before):
        trace.unsure(f"An airway nodule that shrank ({before} to {now} mm) has no row; the baseline row is used.")
        row = "baseline"
    if row == "new":
        trace.unsure("The row for a new airway nodule follows from the note, which treats it as at baseline.")
    trace.unsure("Air inside a segmental airway lesion without a soft-tissue nodule may be category 2.")
    category = table.AIRWAY["proximal", row]
    trace.because(
        f"Airway nodule, {inputs.airway_level} and so segmental or more proximal, "
        f"{'at baseline' if row == 'baseline' else row}: category {category}"
    )
    return category


def _growing_subsegmental(inputs: Inputs, course: Course, trace: Trace) -> str:
    trace.unsure(
        "A growing subsegmental airway nodule has no row; the row for a growing solid nodule is used, 4A "
        "where its size is not stated."
    )
    if mean_diameter_mm(inputs) is not None or inputs.volume_mm3 is not None:
        return solid_category(inputs, Course(GROWING, course.growth), trace)
    trace.because("Subsegmental airway nodule, growing, of unknown size: category 4A")
    return "4A"


def cyst_category(inputs: Inputs, course: Course, trace: Trace) -> str:
    """Return the most concerning of the cyst's rows and, where it holds a nodule, of the nodule's."""
    category = _cyst_alone(inputs, course, trace)
    if inputs.solid_mean_diameter_mm or inputs.solid_volume_mm3:
        nodule = _nodule_in_cyst(inputs, course, trace)
        category = max(category, nodule, key=table.ORDER.index)
        trace.because(f"A cyst with a nodule is managed by the most concerning feature: category {category}")
    return category


def _nodule_in_cyst(inputs: Inputs, course: Course, trace: Trace) -> str:
    nodule = Inputs(type="solid", mean_diameter_mm=inputs.solid_mean_diameter_mm, volume_mm3=inputs.solid_volume_mm3)
    kind = course.kind if course.kind in (NEW, BASELINE) else "followed"
    return solid_category(nodule, Course(kind), trace)


def _cyst_alone(inputs: Inputs, course: Course, trace: Trace) -> str:
    kinds = _kinds(inputs, trace)
    if kinds == (THIN,):
        return _thin(inputs, trace)
    changes = _changes(inputs, course, trace)
    cells = [
        (kind, change, table.CYST_CHANGE[kind, change])
        for kind in kinds
        for change in changes
        if (kind, change) in table.CYST_CHANGE and not _became_so(inputs, kind, change, trace)
    ]
    if cells:
        kind, change, category = max(cells, key=lambda cell: table.ORDER.index(cell[2]))
        trace.because(f"A {kind} cyst ({_stated(inputs)}), {change.replace('_', ' ')}: category {category}")
        return category
    stepped = None if changes else step_down(inputs, course, trace)
    if stepped is not None:
        return stepped
    if changes and not _became(inputs):
        trace.unsure(f"'{changes[0]}' has no row for a {' and '.join(kinds)} cyst; the baseline row is used.")
    category = table.CYST_AT_BASELINE[kinds[0]]
    trace.because(
        f"A {' and '.join(kinds)} cyst ({_stated(inputs)}; a wall of at least {table.THICK_WALL_MM} mm is "
        f"thick): category {category}"
    )
    return category


def _kinds(inputs: Inputs, trace: Trace) -> tuple[str, ...]:
    wall, locules = inputs.wall_thickness_mm, inputs.cyst_locules
    kinds = ((THICK,) if wall is not None and wall >= table.THICK_WALL_MM else ()) + (
        (MULTI,) if locules == "multilocular" else ()
    )
    if kinds:
        return kinds
    if wall is None or locules is None:
        raise MissingInput(
            "Lung-RADS needs the cyst's wall and locules: state 'wall_thickness_mm' and 'cyst_locules'.",
            "wall_thickness_mm",
            "cyst_locules",
        )
    if inputs.change in ("increased_loculation", "nodularity_growing"):
        trace.unsure(
            f"'{inputs.change}' of a thin-walled unilocular cyst makes it an atypical cyst; it is taken as a "
            "cyst that becomes thick-walled or multilocular."
        )
        return (MULTI,) if inputs.change == "increased_loculation" else (THICK,)
    return (THIN,)


def _thin(inputs: Inputs, trace: Trace) -> str:
    if inputs.change not in (None, "stable"):
        trace.unsure(f"'{inputs.change}' has no row for a thin-walled unilocular cyst; look whether it is still one.")
    trace.because(
        f"A cyst with a wall of {inputs.wall_thickness_mm} mm, thinner than {table.THICK_WALL_MM} mm, and "
        "one locule: not classified"
    )
    return table.CYST_AT_BASELINE[THIN]


def _changes(inputs: Inputs, course: Course, trace: Trace) -> tuple[str, ...]:
    """Return what changed, in the words of the rows; growth of the mean diameter is also measured."""
    stated = inputs.change if inputs.change not in (None, "stable") else None
    if stated == "growing":  # which part grows is not said: every row that may be meant
        trace.unsure("What of the cyst grows is not stated; the most concerning row is used.")
        return ("mean_diameter_growing", "wall_thickness_growing", "cystic_component_growing")
    changes = (stated,) if stated else ()
    if stated == "cystic_component_growing" and inputs.cyst_locules == "multilocular":
        trace.unsure("Growth of the cystic component of a multilocular cyst is taken as growth of its mean diameter.")
        changes = (*changes, "mean_diameter_growing")
    if course.kind in (GROWING, SLOW) and "mean_diameter_growing" not in changes:
        changes = (*changes, "mean_diameter_growing")
    if "mean_diameter_growing" in changes and inputs.cyst_locules != "multilocular":
        changes = (*changes, "cystic_component_growing")  # the cystic component is measured by its mean diameter
    return changes


def _became(inputs: Inputs) -> bool:
    return inputs.prior_cyst_locules == "unilocular" and inputs.cyst_locules == "multilocular"


def _became_so(inputs: Inputs, kind: str, change: str, trace: Trace) -> bool:
    """Whether the change made the cyst what it is: then the baseline row (4A) holds, not the row of growth."""
    became_multilocular = _became(inputs) and kind == MULTI and change == "increased_loculation"
    became_thick = inputs.prior_category == "not_classified" and kind == THICK and change == "wall_thickness_growing"
    if became_multilocular or became_thick:
        trace.because(f"The cyst became {kind}")
    return became_multilocular or became_thick


def _stated(inputs: Inputs) -> str:
    wall = "" if inputs.wall_thickness_mm is None else f"wall {inputs.wall_thickness_mm} mm"
    return ", ".join(text for text in (wall, inputs.cyst_locules) if text)
