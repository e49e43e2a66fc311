"""No answer depends on something that nobody stated without saying so; what is not stated is never a silent no."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from LungNoduleAILib.guidelines import RULES, apply_guideline
from LungNoduleAILib.guidelines.from_findings import advice_table, nodule_inputs
from LungNoduleAILib.guidelines.terms.listing import inputs_markdown, inputs_text
from LungNoduleAILib.guidelines.terms.meanings import MEANINGS, PHRASES
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.terms.reading import read_inputs
from LungNoduleAILib.guidelines.terms.vocabulary import CHOICE, KEYS, TEXTS, WHOLE, YES_NO
from LungNoduleAILib.guidelines.unstated import INSTRUCTIONS, NOT_TRIED, SIZES, SIZES_OF_SOLID_PART
from LungNoduleAILib.guidelines.wording import answer_text, answer_words
from LungNoduleAILib.model.findings import LOBES, NODULE_TYPES, Finding
from ThoraxAILib.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[3]
SAMPLES = 40  # random statements per rule
OPEN_KEYS = [name for name in KEYS if name not in NOT_TRIED]
# The history of diameters and the sizes are given as one fact each; whether another measure of the same size is used
# is told by the reason
LIKELY = {"type": 0.95, "age": 0.7, "sex": 0.8, "risk": 0.8, "exam": 0.7}


def any_value(name: str, rng: random.Random):
    """One allowed value of an input, of any size that occurs in a chest."""
    key = KEYS[name]
    if key.kind == YES_NO:
        return rng.random() < 0.5
    if key.kind == CHOICE:
        return rng.choice(key.values)
    if key.kind == TEXTS:
        return ["suspicious"]
    if key.kind == WHOLE:
        return rng.choice([0, 1, 2, 5, 7, 12])
    if key.unit == "mm":
        return round(rng.uniform(0.5, 40), 1)
    if key.unit == "mm3":
        return rng.choice([rng.randint(1, 400), rng.randint(400, 30000)])
    return {"years": rng.randint(0, 100), "months": rng.randint(1, 40), "days": rng.randint(1, 1200)}.get(
        key.unit, rng.randint(0, 100)
    )


def some_statement(rng: random.Random) -> dict:
    """What one person might state about one nodule and exam, with gaps."""
    stated = {name: any_value(name, rng) for name in OPEN_KEYS if rng.random() < LIKELY.get(name, 0.08)}
    size = rng.uniform(2, 35)
    sizes = {
        "mean_diameter_mm": round(size, 1),
        "max_diameter_mm": round(1.1 * size, 1),
        "volume_mm3": max(1, round(0.52 * size**3)),
    }
    stated |= {name: value for name, value in sizes.items() if rng.random() < 0.8}
    if stated.get("type") == "part-solid":
        stated["solid_mean_diameter_mm"] = round(size * rng.uniform(0.1, 0.9), 1)
    return stated


def answered(rule: str, stated: dict) -> dict | None:
    try:
        return apply_guideline(rule, stated)
    except InputError:
        return None


def bare(rule: str, stated: dict) -> dict | None:
    """What the rule itself says, without a search for what is open."""
    try:
        return RULES[rule].apply(read_inputs(stated)).to_dict()
    except InputError:
        return None


def outcome(answer: dict) -> tuple:
    probability = answer.get("probability")
    return answer.get("category"), answer.get("management"), None if probability is None else round(probability, 8)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("together", [1, 2])
def test_whatever_would_change_an_answer_is_named_in_it(rule, together):
    rng, asked, changed = random.Random(f"{rule} {together}"), 0, 0
    for _ in range(SAMPLES):
        stated = some_statement(rng)
        answer = answered(rule, stated)
        if answer is None:
            continue
        named = {name for one in answer.get("open", ()) for name in one["inputs"]}
        for _ in range(20):
            gaps = rng.sample([name for name in OPEN_KEYS if name not in stated], together)
            more = {name: any_value(name, rng) for name in gaps}
            other = bare(rule, {**stated, **more})
            asked += 1
            if other is not None and outcome(other) != outcome(answer):
                changed += 1
                assert named & set(gaps), f"{stated} gives {outcome(answer)}, with {more} {outcome(other)}"
    assert asked > 100
    assert changed > 5


@pytest.mark.parametrize("rule", RULES)
def test_an_input_that_a_rule_is_not_said_to_use_changes_nothing(rule):
    rng, tried = random.Random(rule), 0
    others = [name for name in KEYS if name not in RULES[rule].uses and name != "nodules"]
    for _ in range(SAMPLES):
        stated = {"type": "solid", "diameter_mm": 9, **some_statement(rng)}
        for name in rng.sample(others, 4):
            first = bare(rule, {key: value for key, value in stated.items() if key != name})
            second = bare(rule, {**stated, name: any_value(name, rng)})
            if first is not None and second is not None:
                tried += 1
                assert outcome(first) == outcome(second), name
    assert tried > 20


def test_every_open_answer_is_what_the_rule_says_when_it_is_stated():
    stated = {"exam": "baseline", "type": "solid", "mean_diameter_mm": 7, "max_diameter_mm": 8, "age": 60, "sex": "F"}
    for rule in ("lung-rads-2022", "bts-2015", "brock", "mayo"):
        for one in apply_guideline(rule, stated)["open"]:
            told = apply_guideline(rule, {**stated, **one["inputs"]})
            assert outcome(told) == outcome(one)


def test_a_probability_is_a_range_over_both_values_of_all_that_is_open():
    stated = {"age": 60, "diameter_mm": 20, "smoker_ever": True, "upper_lobe": False}
    answer = apply_guideline("mayo", stated)
    both = ({"spiculation": yes, "extrathoracic_cancer_over_5y_ago": yes} for yes in (False, True))
    ends = [apply_guideline("mayo", {**stated, **values}) for values in both]
    assert answer["probability_range"] == [end["probability"] for end in ends]
    assert all("probability_range" not in end and "open" not in end for end in ends)
    assert answer_words(answer).startswith(
        f"{100 * ends[0]['probability']:.1f} to {100 * ends[1]['probability']:.1f} %"
    )
    assert "spiculation not stated" in answer["reasons"][0]


def test_a_stated_margin_answers_the_question_of_spiculation():
    stated = {"age": 60, "diameter_mm": 20, "smoker_ever": True, "upper_lobe": False}
    for margin, spiculation in (("spiculated", True), ("smooth", False), ("lobulated", False)):
        by_margin, by_word = (
            apply_guideline("mayo", {**stated, **more})["probability"]
            for more in ({"margin": margin}, {"spiculation": spiculation})
        )
        assert by_margin == by_word
    with pytest.raises(InputError, match="contradicts"):
        apply_guideline("mayo", {**stated, "margin": "smooth", "spiculation": True})


@pytest.mark.parametrize(("size", "told"), [(2.9, True), (4, False), (30, False), (31, True)])
def test_mayo_says_which_sizes_it_was_made_for(size, told):
    choices = apply_guideline("mayo", {"age": 60, "diameter_mm": size}).get("uncertain", ())
    assert told == any("4 to 30 mm" in choice for choice in choices)


@pytest.mark.parametrize("kind", NODULE_TYPES)
@pytest.mark.parametrize("lobe", [*LOBES, None])
def test_every_value_that_a_finding_holds_is_understood_by_every_rule(kind, lobe):
    finding = Finding("N1", (0.0, 0.0, 0.0), 9.0, 10.0, 8.0, 380.0, kind, 0.0, 0.0, lobe, "right", 0.9,
                      solid_mean_diameter_mm=4.0, solid_volume_mm3=30.0)  # fmt: skip
    stated = {"exam": "baseline", "age": 60, "sex": "M", "risk": "low", **nodule_inputs(finding)}
    for rule in RULES:
        assert apply_guideline(rule, stated)["reasons"]


def test_a_lobe_that_is_not_sure_is_left_open_for_the_rules():
    finding = Finding("N1", (0.0, 0.0, 0.0), 9.0, 10.0, 8.0, 380.0, "solid", 0.0, 0.0, "RUL", "right", 0.9)
    assert nodule_inputs(finding)["upper_lobe"] is True
    assert nodule_inputs(replace(finding, lobe_confidence=0.97))["upper_lobe"] is True
    unsure = nodule_inputs(replace(finding, lobe_confidence=0.7))
    assert "upper_lobe" not in unsure
    answer = apply_guideline("brock", {"age": 60, "sex": "M", **unsure})
    assert any("upper lobe" in one["if"] for one in answer["open"])


def test_a_calcified_nodule_is_solid_until_its_pattern_is_stated():
    stated = {"exam": "baseline", "type": "calcified", "mean_diameter_mm": 9}
    answer = apply_guideline("lung-rads-2022", stated)
    assert answer["category"] == "4A"
    assert {"category": "1", "inputs": {"benign_calcification": True}, "if": "a benign pattern of calcification"} in [
        dict(one) for one in answer["open"]
    ]
    assert apply_guideline("lung-rads-2022", {**stated, "calcification_pattern": "popcorn"})["category"] == "1"
    assert any("calcified" in choice for choice in apply_guideline("mayo", {**stated, "age": 60})["uncertain"])
    with pytest.raises(InputError, match="contradicts"):
        apply_guideline("lung-rads-2022", {**stated, "calcified": False})


@pytest.mark.parametrize(
    ("nodule", "category"),
    [
        ({"type": "ground-glass", "mean_diameter_mm": 12, "is_new": True}, "2"),
        ({"type": "ground-glass", "mean_diameter_mm": 30, "is_new": True}, "0"),
        ({"type": "solid", "mean_diameter_mm": 5, "is_new": True}, "0"),
        ({"type": "solid", "mean_diameter_mm": 3, "is_new": True, "tree_in_bud": True}, "2"),
        ({"type": "ground-glass", "mean_diameter_mm": 12}, "0"),
    ],
)
def test_small_new_ground_glass_and_tree_in_bud_go_by_size_when_infection_is_suspected(nodule, category):
    for stated in (nodule, {"nodules": [nodule]}):
        answer = apply_guideline("lung-rads-2022", {"exam": "follow_up", "suspected_infection": True, **stated})
        assert answer["category"] == category
        assert (category != "0") == any("category 0" in choice for choice in answer.get("uncertain", ()))


def test_more_than_six_new_ground_glass_nodules_are_category_0():
    glass = {"type": "ground-glass", "mean_diameter_mm": 5, "is_new": True}
    for count, category in ((6, "2"), (7, "0")):
        stated = {"exam": "follow_up", "suspected_infection": True, "nodules": [glass] * count}
        assert apply_guideline("lung-rads-2022", stated)["category"] == category


def test_the_table_for_findings_says_what_a_look_would_settle():
    finding = Finding("N1", (0.0, 0.0, 0.0), 20.9, 25.0, 17.0, 4000.0, "solid", 0.0, 0.0, "RLL", "right", 0.9)
    table = advice_table([finding], PersonAndExam(exam="baseline", age=60, sex="F", smoker_ever=True))
    words = {row.rule: row.words for row in table.rows}
    assert "category 4X with spiculation" in words["lung-rads-2022"]
    assert "with spiculation" in words["mayo"]
    assert " to " in words["mayo"]


def test_every_input_has_a_meaning_and_stands_in_the_help(capsys):
    assert set(MEANINGS) == set(KEYS)
    assert set(PHRASES) == {name for name, key in KEYS.items() if key.kind == YES_NO}
    listed = inputs_text()
    assert all(f"  {name}  [" in listed for name in KEYS)
    assert {name for name in KEYS if f"  {name}  []" in listed} == set()


def test_every_input_stands_in_the_documentation():
    listed = (REPOSITORY / "docs" / "guidelines.md").read_text(encoding="utf-8")
    assert listed.endswith(inputs_markdown() + "\n"), "run Testing/packaging/update_guideline_page.py"


def test_the_text_for_a_person_names_what_is_open():
    text = answer_text(apply_guideline("mayo", {"age": 60, "diameter_mm": 20}))
    assert "not stated: it would be" in text
    assert "spiculation" in text


def test_what_is_not_tried_is_a_way_to_ask_or_another_measure_of_one_size():
    assert set(NOT_TRIED) - set(INSTRUCTIONS) - set(SIZES) - set(SIZES_OF_SOLID_PART) == {
        "nodules",
        "diameter_history_mm",
        "history_months_ago",
    }
