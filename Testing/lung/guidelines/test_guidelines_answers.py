"""Whatever is stated, the answer is one of the printed ones or one sentence; a larger nodule is never advised less."""

from __future__ import annotations

import json
import random

import pytest

from fixtures.guideline_cases import ground_glass, solid
from LungNoduleAILib.guidelines import RULES, apply_guideline
from LungNoduleAILib.guidelines.tables import bts_2015, fleischner_2017, lung_rads_2022
from LungNoduleAILib.guidelines.terms.vocabulary import CHOICE, EXAM_KEYS, KEYS, NUMBERS, TEXTS, WHOLE, YES_NO, Key
from LungNoduleAILib.guidelines.wording import answer_text
from ThoraxAILib.errors import InputError

FLEISCHNER = """no_routine_followup, optional_ct_12m, ct_6_12m_then_consider_ct_18_24m, ct_6_12m_then_ct_18_24m,
 consider_ct_3m_or_pet_ct_or_tissue_sampling, ct_3_6m_then_consider_ct_18_24m, ct_3_6m_then_ct_18_24m,
 ct_6_12m_then_every_2y_until_5y, ct_3_6m_then_annual_5y_if_unchanged_and_solid_lt_6,
 ct_3_6m_if_persistent_highly_suspicious_pet_ct_biopsy_or_resection, ct_3_6m_if_stable_consider_ct_2y_and_4y,
 ct_3_6m_then_by_most_suspicious, not_applicable"""
BTS = """discharge, ct_12m, ct_3m_then_12m, ct_3m, ct_24m, ct_surveillance, brock_risk_assessment, pet_ct_with_herder,
 further_investigation, yearly_surveillance_or_biopsy, consider_discharge_or_surveillance, ct_1y_2y_4y,
 discuss_surveillance_biopsy_or_resection, favour_resection, image_guided_biopsy, excision_or_nonsurgical_treatment,
 not_applicable"""
KINDS = ("solid", "part-solid", "ground-glass", "airway", "cyst")


def words(text: str) -> set[str]:
    return {word.strip() for word in text.split(",")}


@pytest.mark.parametrize(("table", "keys"), [(fleischner_2017, FLEISCHNER), (bts_2015, BTS)])
def test_every_management_key_has_words_and_a_rank(table, keys):
    assert set(table.ADVICE) == words(keys) == set(table.URGENCY)


def any_value(key: Key, chance: random.Random) -> object:
    if key.kind == CHOICE:
        return chance.choice(key.values)
    if key.kind == YES_NO:
        return chance.random() < 0.5
    if key.kind == WHOLE:
        return chance.randint(0, 9)
    if key.kind == TEXTS:
        return chance.choice([[], ["spiculation"]])
    if key.kind == NUMBERS:
        return [round(chance.uniform(3, 12), 1) for _ in range(3)]
    most = 3000 if key.unit == "mm3" else min(float(key.most), 40)
    return round(chance.uniform(float(key.least) + 0.1, most), 1)


def any_inputs(chance: random.Random, of_exam: bool = True) -> dict:
    names = [name for name in KEYS if of_exam or name not in EXAM_KEYS]
    stated = {
        name: any_value(KEYS[name], chance) for name in chance.sample(names, chance.randint(0, 6)) if name != "nodules"
    }
    size = round(chance.uniform(3, 32), 1)
    return {"type": chance.choice(KINDS), "mean_diameter_mm": size, "age": 60, "sex": "F", **stated}


@pytest.mark.parametrize("rule", RULES)
def test_any_statement_gets_an_answer_that_can_be_printed_or_one_sentence(rule):
    chance, answered = random.Random(7), 0
    for _ in range(400):
        stated = any_inputs(chance)
        if chance.random() < 0.2:
            stated = {"exam": "baseline", "risk": "low", "nodules": [any_inputs(chance, False) for _ in range(3)]}
        answer = answer_or_sentence(rule, stated)
        if isinstance(answer, str):
            assert answer.endswith(".")
            assert "\n" not in answer
        else:
            answered += 1
            assert json.loads(json.dumps(answer)) == answer
            assert answer_text(answer)
    assert answered > 15


def answer_or_sentence(rule: str, stated: dict) -> dict | str:
    try:
        return apply_guideline(rule, stated)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize(
    "course", [{"exam": "baseline"}, {"exam": "follow_up", "is_new": True}, {"exam": "follow_up", "change": "growing"}]
)
def test_a_larger_nodule_never_has_a_lower_category(course):
    order = lung_rads_2022.ORDER.index
    for kind in (solid, ground_glass):
        found = [
            order(apply_guideline("lung-rads-2022", kind(tenths / 10, **course))["category"])
            for tenths in range(30, 330)
        ]
        assert found == sorted(found)


@pytest.mark.parametrize(
    ("mm", "mm3"), [(3, 14.1), (4, 33.5), (5, 65.4), (6, 113.1), (8, 268.1), (10, 523.6), (15, 1767.1), (30, 14137)]
)
def test_a_sphere_on_a_limit_has_the_category_of_its_diameter(mm, mm3):
    for course in ({"exam": "baseline"}, {"exam": "follow_up", "is_new": True}):
        by_diameter = apply_guideline("lung-rads-2022", solid(mm, **course))["category"]
        by_volume = apply_guideline("lung-rads-2022", {"type": "solid", "volume_mm3": mm3, **course})["category"]
        assert by_diameter == by_volume
