"""What became of a nodule since the last exam, as Lung-RADS v2022 tells nodules apart, and the step-downs."""

from __future__ import annotations

from dataclasses import dataclass

from LungNoduleAILib.guidelines.lung_rads.growth import GROWTH, grows_slowly, nodule_growth, solid_part_growth
from LungNoduleAILib.guidelines.tables.lung_rads_2022 import GROWTH_MONTHS, STEP_DOWN
from LungNoduleAILib.guidelines.terms.answer import Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs
from LungNoduleAILib.guidelines.terms.interval import whole_months

NEW, SLOW, GROWING, FOLLOWED, BASELINE = "new", "slowly growing", "growing", "followed", "at baseline"


@dataclass(frozen=True)
class Course:
    """``kind`` is one of the words above, of the whole nodule; ``growth`` of it or of its solid part, as printed.

    ``growth`` and ``solid_part_growth`` are None where nothing tells.
    """

    kind: str
    growth: str | None = None
    solid_part_growth: str | None = None

    @property
    def is_stable(self) -> bool:
        """Whether it is known to be neither new nor growing."""
        return self.kind == FOLLOWED and self.growth is not None


def course_of(inputs: Inputs, trace: Trace) -> Course:
    """Return new, slowly growing, growing, followed (neither) or at baseline."""
    if inputs.is_new:
        if inputs.exam == "baseline":
            trace.unsure(
                "A new nodule at a baseline exam is new against an earlier CT: the rows for new nodules are used."
            )
        return Course(NEW)
    growth = nodule_growth(inputs, trace)
    if _is_slow(inputs, growth, trace):
        return Course(SLOW, growth)
    part = solid_part_growth(inputs, trace) if inputs.type == "part-solid" else None
    if growth == GROWTH:
        return Course(GROWING, growth, part)
    growth = part if part == GROWTH else growth or part
    return Course(_kind_without_growth(inputs, growth, trace), growth, part)


def _is_slow(inputs: Inputs, growth: str | None, trace: Trace) -> bool:
    """Return what the reader states about slow growth holds, but for a ground-glass nodule that was measured to grow
    fast.
    """
    if growth != GROWTH:
        return grows_slowly(inputs, trace)
    is_fast = (whole_months(inputs) or 0) <= GROWTH_MONTHS
    if not inputs.slow_growth_over_multiple_exams or (inputs.type == "ground-glass" and is_fast):
        return False
    return grows_slowly(inputs, trace)


def _kind_without_growth(inputs: Inputs, growth: str | None, trace: Trace) -> str:
    if not is_follow_up(inputs):
        if inputs.exam is None:
            trace.unsure("The exam is not stated and no prior is: the rows for baseline are used.")
        return BASELINE
    if growth is None and inputs.change is None:
        trace.unsure("Neither a prior size nor a change is stated: the nodule is taken as neither new nor growing.")
    return FOLLOWED


def is_follow_up(inputs: Inputs) -> bool:
    """Whether the exam is, or must be, a later one."""
    stated = (
        inputs.prior_mean_diameter_mm,
        inputs.prior_volume_mm3,
        inputs.prior_solid_mean_diameter_mm,
        inputs.prior_type,
        inputs.prior_category,
        inputs.prior_cyst_locules,
        inputs.change,
        inputs.diameter_history_mm,
    )
    return inputs.exam == "follow_up" or any(value is not None for value in stated)


def step_down(inputs: Inputs, course: Course, trace: Trace) -> str | None:
    """2 for a category 3 stable or smaller at 6 months, 3 for a 4A at 3 months (no airway nodule); else None."""
    step = STEP_DOWN.get(inputs.prior_category or "")
    if step is None or course.kind != FOLLOWED or inputs.type == "airway":
        return None
    if not course.is_stable:
        trace.unsure(
            f"A category {inputs.prior_category} nodule that is stable or smaller would become category "
            f"{step.category}, but neither a prior size nor a change is stated."
        )
        return None
    months = whole_months(inputs)
    if months is not None and months < step.months:
        trace.because(
            f"Category {inputs.prior_category} goes down to {step.category} when stable or smaller at "
            f"{step.months} months; {months} months have passed: no step down"
        )
        return None
    when = f"at {months} months" if months is not None else f"at an exam taken as the one after {step.months} months"
    if months is None:
        trace.unsure(f"The interval is not stated; the exam is taken as the one planned after {step.months} months.")
    trace.because(
        f"Category {inputs.prior_category}, stable or smaller {when} (at least {step.months}): category {step.category}"
    )
    return step.category
