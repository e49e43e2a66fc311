"""Fleischner 2017: every cell, half-up rounding to whole mm, whole mm3, and whom it does not concern."""

from __future__ import annotations

import pytest

from fixtures.guideline_cases import cases, ground_glass, part_solid, solid, solid_volume
from LungNoduleAILib.guidelines import apply_guideline
from ThoraxAILib.errors import InputError

LOW, HIGH = {"age": 60, "risk": "low"}, {"age": 60, "risk": "high"}
MANY = {"multiple": True}
TYPICAL = {"margin": "smooth", "shape": "triangular"}
NONE, OPTIONAL = "no_routine_followup", "optional_ct_12m"
SINGLE_LOW, SINGLE_HIGH = "ct_6_12m_then_consider_ct_18_24m", "ct_6_12m_then_ct_18_24m"
LARGE = "consider_ct_3m_or_pet_ct_or_tissue_sampling"
MANY_LOW, MANY_HIGH = "ct_3_6m_then_consider_ct_18_24m", "ct_3_6m_then_ct_18_24m"
GLASS = "ct_6_12m_then_every_2y_until_5y"
PART_SMALL = "ct_3_6m_then_annual_5y_if_unchanged_and_solid_lt_6"
PART_LARGE = "ct_3_6m_if_persistent_highly_suspicious_pet_ct_biopsy_or_resection"
SUBSOLID_SMALL, SUBSOLID_LARGE = "ct_3_6m_if_stable_consider_ct_2y_and_4y", "ct_3_6m_then_by_most_suspicious"
NOT = "not_applicable"

SINGLE = [
    (solid(5, **LOW), NONE),
    (solid(5, **HIGH), OPTIONAL),
    (solid(5.4, **HIGH), OPTIONAL),
    (solid(5.5, **HIGH), SINGLE_HIGH),
    (solid(5.49, **LOW), NONE),
    (solid(5.5, **LOW), SINGLE_LOW),
    (solid(6, **LOW), SINGLE_LOW),
    (solid(8, **LOW), SINGLE_LOW),
    (solid(8.4, **HIGH), SINGLE_HIGH),
    (solid(8.5, **LOW), LARGE),
    (solid(8.5, **HIGH), LARGE),
    (solid(9, age=60), LARGE),
    ({"type": "solid", "long_axis_mm": 6.0, "short_axis_mm": 4.9, **LOW}, NONE),  # 5.45 is 5, not 5.5 and then 6
    ({"type": "solid", "long_axis_mm": 6.0, "short_axis_mm": 5.0, **LOW}, SINGLE_LOW),  # 5.5 is 6
    ({"type": "solid", "long_axis_mm": 9.0, "short_axis_mm": 8.0, **LOW}, LARGE),  # 8.5 is 9
    (solid_volume(99, **LOW), NONE),
    (solid_volume(99.4, **HIGH), OPTIONAL),
    (solid_volume(99.5, **LOW), SINGLE_LOW),
    (solid_volume(100, **LOW), SINGLE_LOW),
    (solid_volume(250, **HIGH), SINGLE_HIGH),
    (solid_volume(250.4, **HIGH), SINGLE_HIGH),
    (solid_volume(251, **HIGH), LARGE),
    (solid(7, exam="incidental", **LOW), SINGLE_LOW),
    (solid(7, nodule_count=1, **LOW), SINGLE_LOW),
]
MULTIPLE = [
    (solid(5, **MANY, **LOW), NONE),
    (solid(5, **MANY, **HIGH), OPTIONAL),
    (solid(6, **MANY, **LOW), MANY_LOW),
    (solid(6, **MANY, **HIGH), MANY_HIGH),
    (solid(12, **MANY, **LOW), MANY_LOW),
    (solid(12, **MANY, **HIGH), MANY_HIGH),
    (solid(7, nodule_count=3, **HIGH), MANY_HIGH),
    ({"nodules": [solid(4), solid(7)], **LOW}, MANY_LOW),
    ({"nodules": [solid(4), solid(5)], **HIGH}, OPTIONAL),
    ({"nodules": [solid(7)], **LOW}, SINGLE_LOW),
    ({"nodules": [ground_glass(4), ground_glass(5)], "age": 50}, SUBSOLID_SMALL),
    ({"nodules": [], "age": 50}, NONE),
]
SUBSOLID = [
    (ground_glass(5, age=50), NONE),
    (ground_glass(5.5, age=50), GLASS),
    (ground_glass(20, age=50), GLASS),
    (part_solid(5, age=50), NONE),
    (part_solid(6, 3, age=50), PART_SMALL),
    (part_solid(12, 5.4, age=50), PART_SMALL),
    (part_solid(12, 5.5, age=50), PART_LARGE),
    (part_solid(12, 6, age=50), PART_LARGE),
    ({"type": "ground-glass", "volume_mm3": 99, "age": 50}, NONE),
    ({"type": "ground-glass", "volume_mm3": 100, "age": 50}, GLASS),
    (ground_glass(5, age=50, **MANY), SUBSOLID_SMALL),
    (part_solid(5, age=50, **MANY), SUBSOLID_SMALL),
    (ground_glass(6, age=50, **MANY), SUBSOLID_LARGE),
    (part_solid(9, 6, age=50, **MANY), SUBSOLID_LARGE),
]
PERIFISSURAL = [
    (solid(5, perifissural=True, **TYPICAL, **HIGH), NONE),
    (solid(5, juxtapleural=True, **TYPICAL, **HIGH), NONE),
    (solid(5, juxtapleural=True, margin="smooth", shape="lentiform", **HIGH), NONE),
    (solid(5, juxtapleural=True, **HIGH), OPTIONAL),
    (solid(5, juxtapleural=True, margin="irregular", shape="triangular", **HIGH), OPTIONAL),
    (solid(5, perifissural=True, margin="spiculated", shape="triangular", **HIGH), OPTIONAL),
]
SCOPE = [
    (solid(7, age=34, risk="low"), NOT),
    (solid(7, age=34.9, risk="low"), NOT),
    (solid(7, age=35, risk="low"), SINGLE_LOW),
    (solid(7, cancer_history=True, **LOW), NOT),
    (solid(7, immunosuppressed=True, **LOW), NOT),
    (solid(7, exam="screening", **LOW), NOT),
    (solid(7, cancer_history=False, immunosuppressed=False, **LOW), SINGLE_LOW),
    ({"type": "cyst", "age": 50}, NOT),
    ({"type": "airway", "age": 50}, NOT),
]
TABLES = {
    "single solid": SINGLE,
    "multiple solid": MULTIPLE,
    "subsolid": SUBSOLID,
    "perifissural": PERIFISSURAL,
    "scope": SCOPE,
}


def management(inputs: dict) -> str:
    return apply_guideline("fleischner-2017", inputs)["management"]


@pytest.mark.parametrize(("inputs", "expected"), cases(TABLES))
def test_the_management_is_that_of_the_table(inputs, expected):
    assert management(inputs) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [(6, 8, "growth"), (6, 7.9, "no_growth"), (5.4, 7.4, "growth"), (6, 6, "no_growth"), (8, 5, "no_growth")],
)
def test_growth_is_at_least_two_mm(before, now, expected):
    asked = {"query": "growth", "mean_diameter_mm": now, "prior_mean_diameter_mm": before}
    assert apply_guideline("fleischner-2017", asked)["growth"] == expected


def test_a_typical_perifissural_nodule_of_six_mm_is_told_as_uncertain():
    answer = apply_guideline("fleischner-2017", solid(6, perifissural=True, **TYPICAL, **LOW))
    assert answer["management"] in (NONE, SINGLE_LOW)
    assert any("perifissural" in choice for choice in answer["uncertain"])


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (solid(5, age=60), "'risk'"),
        (solid(7, age=60), "'risk'"),
        (solid(9, age=60, **MANY), "'risk'"),
        ({"type": "solid", **LOW}, "mean_diameter_mm"),
        ({"mean_diameter_mm": 5, **LOW}, "'type'"),
    ],
)
def test_what_is_needed_is_asked_for(inputs, words):
    with pytest.raises(InputError, match=words):
        management(inputs)


def test_the_reason_names_the_rounded_value_and_the_cell():
    reasons = apply_guideline("fleischner-2017", solid(5.5, **LOW))["reasons"]
    assert "whole mm 6 mm is 6 to 8 mm" in reasons[0]
    assert "Fleischner 2017" in reasons[0]
