"""From measured findings to the inputs of the rules, and to a table of what each guideline advises for them.

The software measures sizes, density type and lobe. Calcification patterns, margins, shapes and spiculation are for the
reader to judge; until then they are not stated, and the answer says what it would be with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from LungNoduleAILib.guidelines.rules import RULES, apply_guideline
from LungNoduleAILib.guidelines.terms.inputs import Inputs, MissingInput
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.wording import advice, open_words, result_words
from LungNoduleAILib.model.findings import Finding

if TYPE_CHECKING:
    from LungNoduleAILib.model.pairs import FollowUp

LUNG_RADS, FLEISCHNER, BTS, BROCK, MAYO = RULES
SCREENING_EXAMS = ("baseline", "follow_up", "screening")
SOLID_TYPES = ("solid", "calcified")
UPPER_LOBES = ("RUL", "LUL")
ALL_NODULES = "all"
# What a look at the nodule, or a question to the person, settles
OF_READER = (
    "spiculation",
    "suspicious_features",
    "benign_calcification",
    "fat_containing",
    *("cancer_history", "immunosuppressed", "extrathoracic_cancer_over_5y_ago", "family_history_lung_cancer"),
    "emphysema",
)
SEE_EACH = "another answer where one of the nodules gets one: see its own line"
SAME_PLACE_MM = 3.0
_NEEDED = {
    BROCK: {"age": "the age", "sex": "the sex"},
    MAYO: {"age": "the age", "smoker_ever": "whether the person ever smoked"},
}
_OF_EXAM = (LUNG_RADS, FLEISCHNER, BTS)  # rules whose answer for an exam is more than that for each nodule


@dataclass(frozen=True)
class NoduleBefore:
    """What an earlier exam says about a nodule: sizes then and the days since, or that it is new."""

    is_new: bool = False
    mean_diameter_mm: float | None = None
    max_diameter_mm: float | None = None
    volume_mm3: float | None = None
    solid_mean_diameter_mm: float | None = None
    type: str | None = None
    category: str | None = None
    days: float | None = None

    @staticmethod
    def of(finding: Finding, days: float | None) -> NoduleBefore:
        """Return the nodule as it was ``days`` ago."""
        kind = finding.type
        return NoduleBefore(
            False,
            finding.mean_diameter_mm,
            finding.long_axis_mm,
            finding.volume_mm3,
            finding.solid_mean_diameter_mm if kind == "part-solid" else None,
            kind,
            None,
            days,
        )


@dataclass(frozen=True)
class AdviceRow:
    """What one guideline says about one nodule (its id), or about ``ALL_NODULES`` of the exam.

    ``open`` says what was not stated and what the answer would be with it; ``open_to_reader`` the part of it that a
    look at the nodule or a question to the person settles.
    """

    nodule: str
    rule: str
    title: str
    result: str
    advice: str
    reasons: tuple[str, ...]
    uncertain: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    open_to_reader: tuple[str, ...] = ()

    @property
    def is_category_or_probability(self) -> bool:
        """Whether the result says more than the key of an advice."""
        return self.rule not in (FLEISCHNER, BTS)

    @property
    def words(self) -> str:
        """The answer for a table: a category with its advice, the advice of a management key, or a probability.

        What the reader can see or ask, and did not state, follows with the answer that it would give.
        """
        is_key = not self.is_category_or_probability
        answer = self.advice if is_key else ": ".join(text for text in (self.result, self.advice) if text)
        return f"{answer}. Not stated: {'; '.join(self.open_to_reader)}" if self.open_to_reader else answer


@dataclass(frozen=True)
class AdviceTable:
    """Rows in the order of nodules and guidelines; ``missing`` are sentences on what would have to be stated."""

    rows: tuple[AdviceRow, ...] = ()
    missing: tuple[str, ...] = ()


def nodule_inputs(finding: Finding, before: NoduleBefore | None = None) -> dict[str, Any]:
    """Return a finding as inputs of a rule; solid part only of part-solid nodules, never larger than the whole."""
    kind = finding.type
    inputs = {
        "type": kind,
        "mean_diameter_mm": finding.mean_diameter_mm,
        "max_diameter_mm": finding.long_axis_mm,
        "volume_mm3": finding.volume_mm3,
        "upper_lobe": finding.lobe in UPPER_LOBES if finding.lobe_is_sure else None,
    }
    if kind == "part-solid":
        inputs["solid_mean_diameter_mm"] = _at_most(finding.solid_mean_diameter_mm, finding.mean_diameter_mm)
        inputs["solid_volume_mm3"] = _at_most(finding.solid_volume_mm3, finding.volume_mm3)
    inputs |= _stated_by_reader(finding)
    if before is not None:
        inputs |= {"is_new": True} if before.is_new else _prior_inputs(before)
    return {name: value for name, value in inputs.items() if value is not None}


def _stated_by_reader(finding: Finding) -> dict[str, Any]:
    """Return what the reader said of margin, shape, attachment and calcification, in the words of the rules."""
    stated: dict[str, Any] = {"margin": finding.margin, "shape": finding.shape}
    if finding.attachment is not None:
        stated |= {name: finding.attachment == name for name in ("juxtapleural", "perifissural")}
    if finding.calcification_pattern == "none":
        stated |= {"calcified": False, "type": "solid" if finding.type == "calcified" else finding.type}
    elif finding.calcification_pattern is not None:
        stated["calcification_pattern"] = finding.calcification_pattern
    return stated


def _prior_inputs(before: NoduleBefore) -> dict[str, Any]:
    return {
        "prior_mean_diameter_mm": before.mean_diameter_mm,
        "prior_max_diameter_mm": before.max_diameter_mm,
        "prior_volume_mm3": before.volume_mm3,
        "prior_solid_mean_diameter_mm": before.solid_mean_diameter_mm,
        "prior_type": before.type,
        "prior_category": before.category,
        "days_since_prior": before.days,
    }


def _at_most(part: float | None, whole: float) -> float | None:
    return None if part is None else min(part, whole)


def before_of_follow_up(found: FollowUp, findings: Sequence[Finding]) -> dict[str, NoduleBefore]:
    """By finding id what the last interval of a follow-up says of ``findings``; uncertain pairs say nothing.

    A finding counts as the follow-up's of the same id when both lie within 3 mm.
    """
    interval = found.intervals[-1]
    prior = {finding.id: finding for finding in found.scans[-2].findings}
    current = {finding.id: finding for finding in found.scans[-1].findings}
    before = {}
    for pair in interval.pairs:
        if pair.status == "new":
            before[pair.current_id] = NoduleBefore(is_new=True)
        elif pair.status == "matched" and pair.prior_id in prior:
            before[pair.current_id] = NoduleBefore.of(prior[pair.prior_id], interval.days)
    return {
        finding.id: before[finding.id]
        for finding in findings
        if finding.id in before and finding.id in current and _same_place(finding, current[finding.id])
    }


def _same_place(one: Finding, other: Finding) -> bool:
    squares = ((a - b) ** 2 for a, b in zip(one.center_ras_mm, other.center_ras_mm, strict=True))
    return sum(squares) <= SAME_PLACE_MM**2


def advice_table(
    findings: Sequence[Finding], person: PersonAndExam, before: Mapping[str, NoduleBefore] | None = None
) -> AdviceTable:
    """Return what the guidelines that fit ``person`` advise for all findings that were not rejected."""
    kept = [finding for finding in findings if finding.status != "rejected"]
    nodules = {finding.id: nodule_inputs(finding, (before or {}).get(finding.id)) for finding in kept}
    rules, missing = _rules_for(person)
    rows = []
    for rule in rules:
        for nodule, inputs in _asked(rule, nodules, person).items():
            try:
                rows.append(_row(nodule, apply_guideline(rule, inputs, each_nodule=False)))
            except MissingInput as error:
                missing.append(_of_exam(str(error)))
    order = [*nodules, ALL_NODULES]
    rows.sort(key=lambda row: (order.index(row.nodule), rules.index(row.rule)))
    return AdviceTable(tuple(rows), tuple(dict.fromkeys(missing)))


def _rules_for(person: PersonAndExam) -> tuple[list[str], list[str]]:
    """Return the rules that can be asked, and sentences on why the others cannot."""
    rules, missing = [], []
    if person.exam in SCREENING_EXAMS:
        rules.append(LUNG_RADS)
    elif person.exam == "incidental":
        rules += [FLEISCHNER, BTS]
    else:
        missing.append(
            "Lung-RADS, Fleischner and BTS need the kind of exam: state baseline, follow-up, screening or incidental."
        )
    for rule, names in _NEEDED.items():
        absent = [words for name, words in names.items() if getattr(person, name) is None]
        if absent:
            missing.append(f"{RULES[rule].title} needs to know {' and '.join(absent)}.")
        else:
            rules.append(rule)
    return rules, missing


def _asked(rule: str, nodules: dict[str, dict], person: PersonAndExam) -> dict[str, dict]:
    """Return inputs by nodule, and of the whole exam where that is another question."""
    stated, count = person.stated(), len(nodules)
    if rule == BROCK:
        stated["nodule_count"] = count
    asked = {name: {**stated, **inputs} for name, inputs in nodules.items()}
    if rule == BROCK:  # without a stated margin the model that does without spiculation
        for inputs in asked.values():
            if Inputs(margin=inputs.get("margin")).is_spiculated is None:
                inputs["model"] = "2a_full_without_spiculation"
    if rule == FLEISCHNER:
        solid = sum(inputs["type"] in SOLID_TYPES for inputs in nodules.values())
        for inputs in asked.values():
            inputs["multiple"] = (solid if inputs["type"] in SOLID_TYPES else count - solid) > 1
    if rule in _OF_EXAM and count != 1:
        asked[ALL_NODULES] = {**stated, "nodules": list(nodules.values())}
    return asked


def _row(nodule: str, answer: dict) -> AdviceRow:
    return AdviceRow(
        nodule,
        answer["rule"],
        RULES[answer["rule"]].title,
        result_words(answer),
        advice(answer),
        tuple(answer["reasons"]),
        tuple(answer.get("uncertain", ())),
        (*open_words(answer), SEE_EACH) if nodule == ALL_NODULES else open_words(answer),
        open_words(answer, OF_READER) if nodule != ALL_NODULES else (),
    )


def _of_exam(sentence: str) -> str:
    """Return the sentence without the number of a nodule: what is missing is missing for all."""
    start, colon, rest = sentence.partition(": ")
    return rest if colon and start.startswith("Nodule ") else sentence
