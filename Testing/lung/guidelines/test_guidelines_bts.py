"""BTS 2015: volumetry before maximum diameter, the stages of the pathway, doubling times and risk bands."""

from __future__ import annotations

import pytest

from fixtures.guideline_cases import cases, solid_volume
from LungNoduleAILib.guidelines import apply_guideline
from ThoraxAILib.errors import InputError

THREE, TWELVE = {"stage": "ct_3m"}, {"stage": "ct_12m"}


def solid(mm: float, **others: object) -> dict:
    return {"type": "solid", "max_diameter_mm": mm, "age": 60, **others}


def subsolid(mm: float, **others: object) -> dict:
    return {"type": "ground-glass", "max_diameter_mm": mm, "age": 60, **others}


def volumes(before: float, now: float, days: float = 90, **others: object) -> dict:
    return solid_volume(now, prior_volume_mm3=before, days_since_prior=days, age=60, **others)


INITIAL = [
    (solid(4.9), "discharge"),
    (solid(5), "ct_12m"),
    (solid(5.9), "ct_12m"),
    (solid(6), "ct_3m_then_12m"),
    (solid(7.9), "ct_3m_then_12m"),
    (solid(8), "brock_risk_assessment"),
    (solid(25), "brock_risk_assessment"),
    (solid_volume(79), "discharge"),
    (solid_volume(79.4), "discharge"),
    (solid_volume(79.5), "ct_3m_then_12m"),
    (solid_volume(80), "ct_3m_then_12m"),
    (solid_volume(299), "ct_3m_then_12m"),
    (solid_volume(300), "brock_risk_assessment"),
    (solid_volume(299.5), "brock_risk_assessment"),
    (solid(9, volume_mm3=200), "ct_3m_then_12m"),
    (solid(4.5, volume_mm3=90), "ct_3m_then_12m"),
    (solid(9, volume_mm3=200, method="diameter"), "brock_risk_assessment"),
    (solid(6, mean_diameter_mm=4.5), "ct_3m_then_12m"),
    (solid(5.5, stage="initial"), "ct_12m"),
    (solid(9, brock_percent=9.9), "ct_surveillance"),
    (solid(9, brock_percent=10.1), "pet_ct_with_herder"),
    (solid_volume(400, brock_percent=5), "ct_surveillance"),
    (solid(9, age=17), "not_applicable"),
    (solid(9, age=18), "brock_risk_assessment"),
    *[
        (solid(20, calcification_pattern=pattern), "discharge")
        for pattern in ("diffuse", "central", "laminated", "popcorn")
    ],
    (solid(20, calcification_pattern="eccentric"), "brock_risk_assessment"),
    (solid(20, fat_containing=True), "discharge"),
    (solid(9, perifissural=True, margin="smooth", shape="lentiform"), "discharge"),
    (solid(9, juxtapleural=True, margin="smooth", shape="triangular"), "discharge"),
    (solid(9, juxtapleural=True, margin="irregular", shape="triangular"), "brock_risk_assessment"),
    (solid(10, juxtapleural=True, margin="smooth", shape="triangular"), "brock_risk_assessment"),
    (solid(4, cancer_history=True), "not_applicable"),
    (solid(6, cancer_history=True), "ct_3m_then_12m"),
    (
        {"age": 60, "nodules": [{"type": "solid", "volume_mm3": 50}, {"type": "solid", "volume_mm3": 301}]},
        "brock_risk_assessment",
    ),
]
FOLLOW_UP = [
    (volumes(100, 124, **THREE), "ct_12m"),
    (volumes(100, 124, 365, **TWELVE), "discharge"),
    (volumes(250, 400, **THREE), "further_investigation"),
    (volumes(100, 150, 365, **TWELVE), "consider_discharge_or_surveillance"),
    (volumes(100, 165, 365, **TWELVE), "yearly_surveillance_or_biopsy"),
    (volumes(100, 200, 399, **TWELVE), "further_investigation"),
    (volumes(100, 200, 401, **TWELVE), "yearly_surveillance_or_biopsy"),
    (volumes(100, 200, 599, **TWELVE), "yearly_surveillance_or_biopsy"),
    (volumes(100, 200, 601, **TWELVE), "consider_discharge_or_surveillance"),
    (volumes(100, 60, **THREE), "ct_12m"),
    (solid(6, change="stable", **THREE), "ct_12m"),
    (solid(6, change="stable", method="volumetry", **TWELVE), "discharge"),
    (solid(6, change="stable", method="diameter", **TWELVE), "ct_24m"),
    (solid(6, prior_max_diameter_mm=6, days_since_prior=365, **TWELVE), "ct_24m"),
    (solid(9, prior_max_diameter_mm=6, days_since_prior=90, **THREE), "further_investigation"),
    (volumes(250, 400), "further_investigation"),
    (solid(6, change="growing", **THREE), "further_investigation"),
]
SUBSOLID = [
    (subsolid(4.9), "discharge"),
    (subsolid(5), "ct_3m"),
    (subsolid(20), "ct_3m"),
    (subsolid(9, change="stable", brock_percent=5, **THREE), "ct_1y_2y_4y"),
    (subsolid(9, change="stable", brock_percent=15, **THREE), "discuss_surveillance_biopsy_or_resection"),
    (
        subsolid(9, change="stable", brock_percent=5, suspicious_features=["pleural indentation"], **THREE),
        "discuss_surveillance_biopsy_or_resection",
    ),
    (subsolid(9, change="growing", **THREE), "favour_resection"),
    ({**subsolid(9, prior_type="ground-glass", change="stable", **THREE), "type": "part-solid"}, "favour_resection"),
    (subsolid(9, change="stable", **THREE), "brock_risk_assessment"),
]
PET = {"stage": "after_pet"}
AFTER_PET = [
    (solid(9, herder_percent=9, **PET), "ct_surveillance"),
    (solid(9, herder_percent=30, **PET), "image_guided_biopsy"),
    (solid(9, herder_percent=71, **PET), "excision_or_nonsurgical_treatment"),
]
TABLES = {"initial": INITIAL, "follow-up": FOLLOW_UP, "subsolid": SUBSOLID, "after PET": AFTER_PET}


def management(inputs: dict) -> str:
    return apply_guideline("bts-2015", inputs)["management"]


@pytest.mark.parametrize(("inputs", "expected"), cases(TABLES))
def test_the_management_is_that_of_the_pathway(inputs, expected):
    assert management(inputs) == expected


@pytest.mark.parametrize(
    ("inputs", "allowed"),
    [
        (solid(9, brock_percent=10), ("ct_surveillance", "pet_ct_with_herder")),
        (volumes(100, 125, **THREE), ("ct_12m", "further_investigation")),
        (volumes(100, 200, 400, **TWELVE), ("further_investigation", "yearly_surveillance_or_biopsy")),
        (volumes(100, 200, 600, **TWELVE), ("yearly_surveillance_or_biopsy", "consider_discharge_or_surveillance")),
        (solid(9, herder_percent=10, **PET), ("ct_surveillance", "image_guided_biopsy")),
        (solid(9, herder_percent=70, **PET), ("image_guided_biopsy", "excision_or_nonsurgical_treatment")),
        (solid(4, cancer_history=True), ("discharge", "not_applicable")),
    ],
)
def test_where_sources_conflict_the_choice_is_told(inputs, allowed):
    answer = apply_guideline("bts-2015", inputs)
    assert answer["management"] in allowed
    assert answer["uncertain"]


def test_growth_and_doubling_time_are_part_of_the_answer():
    answer = apply_guideline("bts-2015", volumes(250, 400, **THREE))
    assert (answer["growth"], answer["vdt_days"]) == ("growth", 132.7)


def test_growth_the_reader_sees_is_investigated_where_the_stated_diameters_shrink():
    seen = {"method": "volumetry", "change": "growing", "prior_max_diameter_mm": 8, "days_since_prior": 90}
    answer = apply_guideline("bts-2015", solid(6, **seen, **THREE))
    assert answer["management"] == "further_investigation"
    assert "Without a doubling time growth is taken as clear growth." in answer["uncertain"]


def test_a_nodule_that_shrank_has_no_doubling_time_and_says_why():
    answer = apply_guideline("bts-2015", volumes(100, 80, **THREE))
    assert answer["growth"] == "stable"
    assert answer["vdt_days"] is None
    assert "stable or regressing" in answer["reason"]


def test_a_change_below_a_quarter_is_no_growth_and_has_no_doubling_time():
    answer = apply_guideline("bts-2015", volumes(1000, 1001, **THREE))
    assert (answer["growth"], answer["vdt_days"]) == ("stable", None)
    assert "no growth measured" in answer["reason"]


@pytest.mark.parametrize(
    ("before", "now", "expected"), [(100, 124, "stable"), (100, 126, "growth"), (100, 90, "stable")]
)
def test_growth_is_a_quarter_more_volume(before, now, expected):
    asked = {"query": "growth", "volume_mm3": now, "prior_volume_mm3": before}
    assert apply_guideline("bts-2015", asked)["growth"] == expected


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"type": "solid", "mean_diameter_mm": 6, "age": 60}, "max_diameter_mm"),
        ({"max_diameter_mm": 6}, "'type'"),
        (solid(9, **PET), "herder_percent"),
        (solid(9, **THREE), "prior"),
    ],
)
def test_what_is_needed_is_asked_for(inputs, words):
    with pytest.raises(InputError, match=words):
        management(inputs)
