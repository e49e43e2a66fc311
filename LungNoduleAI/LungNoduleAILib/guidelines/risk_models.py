"""Brock (PanCan) and Mayo: the probability that a nodule is malignant, p = 1 / (1 + e^-x)."""

from __future__ import annotations

import math

from LungNoduleAILib.guidelines.tables import risk_models as table
from LungNoduleAILib.guidelines.terms.answer import Answer, Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.vocabulary import BENIGN_PATTERNS
from ThoraxAILib.errors import InputError, known

# inputs that tell the size, the best first, and what they are called where another is taken
_DIAMETERS = {
    "diameter_mm": "diameter",
    "max_diameter_mm": "largest diameter",
    "long_axis_mm": "long axis",
    "mean_diameter_mm": "mean diameter",
}
_WHERE_TYPE = {"solid": "a solid", "part-solid": "a part-solid", "ground-glass": "a ground-glass"}


def brock(inputs: Inputs) -> Answer:
    """Models 2a and 2b, both full; raises MissingInput without age, sex, type or diameter."""
    trace = Trace(table.BROCK_SOURCE)
    model = table.BROCK[inputs.model or table.DEFAULT_BROCK]
    nodule = _one_nodule(inputs)
    _need(nodule, "Brock", "age", "sex", "type")
    if nodule.type not in _WHERE_TYPE:
        raise InputError(f"Brock knows the types solid, part-solid and ground-glass, {nodule.type} was found.")
    diameter, count = _diameter(nodule, "Brock", trace), _count(inputs, trace)
    _calcified(nodule, "Brock", trace)
    if nodule.is_spiculated and not model.spiculation:
        trace.unsure("Spiculation is stated, but model 2a does not use it.")
    of_type = {"solid": 0.0, "part-solid": model.part_solid, "ground-glass": model.ground_glass}[nodule.type]
    size = (diameter / 10) ** -0.5 - table.BROCK_SIZE_OFFSET
    x = (
        model.intercept
        + model.age * (float(known(nodule.age, "the age")) - table.BROCK_AGE_YEARS)
        + model.female * (nodule.sex == "F")
        + model.family * bool(nodule.family_history_lung_cancer)
        + model.emphysema * bool(nodule.emphysema)
        + model.size * size
        + of_type
        + model.upper_lobe * bool(nodule.upper_lobe)
        + model.count * (count - table.BROCK_COUNT)
        + model.spiculation * bool(nodule.is_spiculated)
    )
    probability = _logistic(x)
    stated = _stated(
        nodule,
        "family_history_lung_cancer",
        "emphysema",
        "upper_lobe",
        *(("spiculation",) if model.spiculation else ()),
    )
    trace.because(
        f"Model {model.name}: age {nodule.age} years, sex {nodule.sex}, {_WHERE_TYPE[nodule.type]} nodule of "
        f"{diameter:g} mm, {count} nodule{'s' * (count != 1)}, {stated}: x = {x:.4f}, probability of "
        f"malignancy {100 * probability:.2f} %"
    )
    return Answer(
        table.BROCK_RULE,
        table.BROCK_EDITION.format(name=model.name),
        probability=probability,
        reasons=tuple(trace.reasons),
        uncertain=tuple(trace.uncertain),
    )


def mayo(inputs: Inputs) -> Answer:
    """Return the model of Swensen 1997; raises MissingInput without age or diameter."""
    trace, model = Trace(table.MAYO_SOURCE), table.MAYO
    nodule = _one_nodule(inputs)
    _need(nodule, "Mayo", "age")
    diameter = _diameter(nodule, "Mayo", trace)
    least, most = table.MAYO_SIZES_MM
    if not least <= diameter <= most:
        trace.unsure(
            f"The Mayo model was made on nodules of {least} to {most} mm; {diameter:g} mm lies outside, so its "
            "probability is an extrapolation."
        )
    _calcified(nodule, "Mayo", trace)
    x = (
        model.intercept
        + model.age * float(known(nodule.age, "the age"))
        + model.smoker_ever * bool(nodule.smoker_ever)
        + model.extrathoracic_cancer * bool(nodule.extrathoracic_cancer_over_5y_ago)
        + model.diameter * diameter
        + model.spiculation * bool(nodule.is_spiculated)
        + model.upper_lobe * bool(nodule.upper_lobe)
    )
    probability = _logistic(x)
    stated = _stated(nodule, "smoker_ever", "extrathoracic_cancer_over_5y_ago", "spiculation", "upper_lobe")
    trace.because(
        f"Age {nodule.age} years, nodule of {diameter:g} mm, {stated}: x = {x:.4f}, probability of "
        f"malignancy {100 * probability:.2f} %"
    )
    return Answer(
        table.MAYO_RULE,
        table.MAYO_EDITION,
        probability=probability,
        reasons=tuple(trace.reasons),
        uncertain=tuple(trace.uncertain),
    )


def _one_nodule(inputs: Inputs) -> Inputs:
    if inputs.nodules is None:
        return inputs
    if len(inputs.nodules) != 1:
        raise InputError(
            f"A risk model is about one nodule, 'nodules' lists {len(inputs.nodules)}: ask for each by itself."
        )
    return inputs.nodules[0]


def _calcified(nodule: Inputs, model: str, trace: Trace) -> None:
    pattern = nodule.calcification_pattern
    if pattern in BENIGN_PATTERNS or nodule.benign_calcification or nodule.fat_containing:
        trace.unsure(f"{model} knows no calcification or fat: with a benign pattern its probability is far too high.")
    elif nodule.calcified and pattern is None and nodule.benign_calcification is None:
        trace.unsure(
            f"The nodule is calcified and its pattern is not stated; {model} knows no calcification: with a benign "
            "pattern its probability is far too high."
        )


def _need(inputs: Inputs, model: str, *names: str) -> None:
    missing = [name for name in names if getattr(inputs, name) is None]
    if missing:
        quoted = " and ".join(f"'{name}'" for name in missing)
        raise MissingInput(f"{model} needs {quoted}, which {'are' if len(missing) > 1 else 'is'} not stated.", *missing)


def _diameter(inputs: Inputs, model: str, trace: Trace) -> float:
    name = next((name for name in _DIAMETERS if getattr(inputs, name) is not None), None)
    if name is None:
        raise MissingInput(f"{model} needs the diameter of the nodule: state 'diameter_mm'.", "diameter_mm")
    if name != "diameter_mm":
        trace.unsure(f"{model} asks for the diameter of the nodule: the {_DIAMETERS[name]} is taken.")
    return float(getattr(inputs, name))


def _count(inputs: Inputs, trace: Trace) -> int:
    if inputs.nodule_count is not None:
        return max(inputs.nodule_count, 1)
    trace.unsure("'nodule_count' is not stated; one nodule is taken for granted.")
    return 1


def _stated(inputs: Inputs, *names: str) -> str:
    values = {name: inputs.is_spiculated if name == "spiculation" else getattr(inputs, name) for name in names}
    words = {True: "yes", False: "no", None: "not stated"}
    return ", ".join(f"{name.replace('_', ' ')} {words[value]}" for name, value in values.items())


def _logistic(x: float) -> float:
    """1 / (1 + e^-x) without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
