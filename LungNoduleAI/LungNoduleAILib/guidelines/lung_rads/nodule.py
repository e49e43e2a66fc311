"""Lung-RADS v2022 for one solid, part-solid or ground-glass nodule: its course, its size, its cell."""

from __future__ import annotations

from LungNoduleAILib.guidelines.lung_rads.course import BASELINE, FOLLOWED, GROWING, NEW, SLOW, Course, step_down
from LungNoduleAILib.guidelines.lung_rads.growth import GROWTH
from LungNoduleAILib.guidelines.lung_rads.sizes import mean_diameter_mm, solid_part_sizes, total_sizes
from LungNoduleAILib.guidelines.tables import lung_rads_2022 as table
from LungNoduleAILib.guidelines.terms.answer import Trace
from LungNoduleAILib.guidelines.terms.bands import decide
from LungNoduleAILib.guidelines.terms.inputs import Inputs


def nodule_category(inputs: Inputs, course: Course, trace: Trace) -> str:
    """Return the category before features that the reader calls suspicious are considered."""
    if inputs.type == "part-solid":
        return _part_solid(inputs, course, trace)
    if course.kind == SLOW and inputs.type == "solid":
        trace.because("A solid nodule that grows slowly over several exams: category 4B")
        return "4B"
    stepped = step_down(inputs, course, trace)
    if stepped is not None:
        return stepped
    return solid_category(inputs, course, trace) if inputs.type == "solid" else _ground_glass(inputs, course, trace)


def solid_category(inputs: Inputs, course: Course, trace: Trace) -> str:
    """Return the solid rows, the juxtapleural one first."""
    sizes = total_sizes(inputs, trace)
    if course.kind != GROWING and _is_benign_juxtapleural(inputs):
        answer, words = decide(sizes, table.JUXTAPLEURAL, trace)
        if answer == "2":
            trace.because(f"Juxtapleural, solid, smooth and {inputs.shape}, and the {words}: category 2")
            return answer
    if inputs.prior_type in ("ground-glass", "part-solid") and course.kind != NEW:
        trace.unsure(f"A {inputs.prior_type} nodule that became solid has no row of its own; the solid rows are used.")
    row = {NEW: "new", GROWING: "growing"}.get(course.kind, "baseline")
    answer, words = decide(sizes, table.SOLID[row], trace)
    trace.because(f"Solid nodule, {_course_words(course)}: the {words}: category {answer}")
    _may_be_infection(inputs, course, answer, trace)
    return answer


def _may_be_infection(inputs: Inputs, course: Course, answer: str, trace: Trace) -> None:
    """Say that category 0 also prints this size of a new solid nodule, unless the reader has denied an infection."""
    if course.kind == NEW and answer == "4B" and inputs.suspected_infection is not False:
        trace.unsure(
            "A large solid nodule (at least 8 mm) that appeared fast may be infection; state "
            "'suspected_infection' where that is more likely than cancer (category 0)."
        )


def _is_benign_juxtapleural(inputs: Inputs) -> bool:
    at_pleura = inputs.juxtapleural or inputs.perifissural
    return bool(at_pleura) and inputs.margin == "smooth" and inputs.shape in table.JUXTAPLEURAL_SHAPES


def _course_words(course: Course) -> str:
    return "neither new nor growing, by the baseline row" if course.kind == FOLLOWED else course.kind


def _ground_glass(inputs: Inputs, course: Course, trace: Trace) -> str:
    sizes = total_sizes(inputs, trace)
    row = {NEW: "new", GROWING: "growing", SLOW: "stable or slowly growing", BASELINE: "baseline"}.get(course.kind)
    if row is None:
        row = "stable or slowly growing" if course.is_stable else "baseline"
    answer, words = decide(sizes, table.GROUND_GLASS[row], trace)
    if row == "growing" and answer == "3":
        trace.unsure(
            "A ground-glass nodule of at least 30 mm that grows by more than 1.5 mm within a year has no row; "
            "category 3 is used."
        )
    trace.because(f"Ground-glass nodule, {course.kind}: the {words}: category {answer}")
    return answer


def _part_solid(inputs: Inputs, course: Course, trace: Trace) -> str:
    if course.kind == SLOW:
        trace.because("A part-solid nodule that grows slowly over several exams: category 4B")
        return "4B"
    if course.kind == NEW:
        return _new_part_solid(inputs, trace)
    growth = course.solid_part_growth
    if growth == GROWTH or (growth is None and course.kind == GROWING and inputs.prior_mean_diameter_mm is None):
        if growth is None:
            trace.unsure("What grows is not stated; growth of a part-solid nodule is taken as that of its solid part.")
        return _solid_part_new_or_growing(inputs, trace, "growing or new in a followed nodule")
    if course.kind == GROWING:
        trace.unsure(
            "Growth of a part-solid nodule without known growth of its solid part has no row; the baseline "
            "rows are used."
        )
    else:
        stepped = step_down(inputs, course, trace)
        if stepped is not None:
            return stepped
    return _baseline_part_solid(inputs, course, trace)


def _solid_part_new_or_growing(inputs: Inputs, trace: Trace, course: str) -> str:
    answer, words = decide(solid_part_sizes(inputs, trace), table.SOLID_PART["new or growing"], trace)
    if answer == "4A" and _is_small(inputs, trace):
        trace.unsure(
            "Whether the row for a new or growing solid part below 4 mm also holds for a nodule below 6 mm in "
            "all is not clear; it is used."
        )
    trace.because(f"Part-solid nodule, solid part {course}: the {words}: category {answer}")
    return answer


def _is_small(inputs: Inputs, trace: Trace) -> bool:
    known = mean_diameter_mm(inputs) is not None or inputs.volume_mm3 is not None
    return known and decide(total_sizes(inputs, trace), table.PART_SOLID_TOTAL["baseline"], trace)[0] == "2"


def _new_part_solid(inputs: Inputs, trace: Trace) -> str:
    answer, words = decide(total_sizes(inputs, trace), table.PART_SOLID_TOTAL["new"], trace)
    if answer != "3":
        trace.unsure(
            "A new part-solid nodule of at least 6 mm has no row of its own; its solid part is new, so the "
            "row for a new solid part is used."
        )
        return _solid_part_new_or_growing(inputs, trace, "new in a new nodule")
    if inputs.solid_mean_diameter_mm or inputs.solid_max_diameter_mm or inputs.solid_volume_mm3:
        by_part, part_words = decide(solid_part_sizes(inputs, trace), table.SOLID_PART["new or growing"], trace)
        if by_part == "4B":
            trace.unsure(
                "A new part-solid nodule below 6 mm is category 3, a new solid part of at least 4 mm is 4B; "
                "4B is used where both hold."
            )
            trace.because(f"Part-solid nodule, new: the {words}, but the {part_words}, a new solid part: category 4B")
            return by_part
    trace.because(f"Part-solid nodule, new: the {words}: category 3")
    return answer


def _baseline_part_solid(inputs: Inputs, course: Course, trace: Trace) -> str:
    answer, words = decide(total_sizes(inputs, trace), table.PART_SOLID_TOTAL["baseline"], trace)
    where = _course_words(course)
    if answer != "2":
        answer, part_words = decide(solid_part_sizes(inputs, trace), table.SOLID_PART["baseline"], trace)
        words = f"{words} and the {part_words}"
    trace.because(f"Part-solid nodule, {where}: the {words}: category {answer}")
    return answer
