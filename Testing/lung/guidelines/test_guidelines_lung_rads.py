"""Lung-RADS v2022: every cell, every boundary in mm and mm3, growth on decimals, step-downs, and what an exam takes."""

from __future__ import annotations

import pytest

from fixtures.guideline_cases import cases, ground_glass, part_solid, solid, solid_volume
from LungNoduleAILib.guidelines import apply_guideline
from ThoraxAILib.errors import InputError

BASE, NEW = {"exam": "baseline"}, {"exam": "follow_up", "is_new": True}
SEEN = {"exam": "follow_up"}
PLEURAL = {"juxtapleural": True, "margin": "smooth", "shape": "triangular"}


def category(inputs: dict) -> str:
    return apply_guideline("lung-rads-2022", inputs)["category"]


def grown(before: float, now: float, months: float = 12, **others: object) -> dict:
    return solid(now, prior_mean_diameter_mm=before, months_since_prior=months, **SEEN, **others)


BASELINE_SOLID = [
    (solid(3.0, **BASE), "2"),
    (solid(5.9, **BASE), "2"),
    (solid(5.94, **BASE), "2"),
    (solid(5.95, **BASE), "3"),
    (solid(6, **BASE), "3"),
    (solid(7.9, **BASE), "3"),
    (solid(8.0, **BASE), "4A"),
    (solid(14.9, **BASE), "4A"),
    (solid(15.0, **BASE), "4B"),
    (solid(29, **BASE), "4B"),
    (solid_volume(112, **BASE), "2"),
    (solid_volume(112.4, **BASE), "2"),
    (solid_volume(112.5, **BASE), "3"),
    (solid_volume(113, **BASE), "3"),
    (solid_volume(267, **BASE), "3"),
    (solid_volume(268, **BASE), "4A"),
    (solid_volume(1766, **BASE), "4A"),
    (solid_volume(1767, **BASE), "4B"),
    (solid_volume(1766.6, **BASE), "4B"),
    ({"type": "solid", "long_axis_mm": 6.0, "short_axis_mm": 5.9, **BASE}, "3"),  # 5.95 is 6.0
    ({"type": "solid", "long_axis_mm": 6.0, "short_axis_mm": 5.8, **BASE}, "2"),
    ({"type": "solid", "long_axis_mm": 9.0, "short_axis_mm": 6.9, **BASE}, "4A"),  # 7.95 is 8.0
    ({"type": "solid", "long_axis_mm": 15.04, "short_axis_mm": 14.84, **BASE}, "4A"),  # 15.0 and 14.8 make 14.9
]
NEW_SOLID = [
    (solid(3.9, **NEW), "2"),
    (solid(4.0, **NEW), "3"),
    (solid(5.9, **NEW), "3"),
    (solid(6.0, **NEW), "4A"),
    (solid(7.9, **NEW), "4A"),
    (solid(8.0, **NEW), "4B"),
    (solid(20, **NEW), "4B"),
    (solid(4, is_new=True), "3"),
    (solid_volume(33.4, **NEW), "2"),
    (solid_volume(33.51, **NEW), "3"),
    (solid_volume(34, **NEW), "3"),
    (solid_volume(112, **NEW), "3"),
    (solid_volume(113, **NEW), "4A"),
    (solid_volume(267, **NEW), "4A"),
    (solid_volume(268, **NEW), "4B"),
]
GROWING_SOLID = [
    (grown(3.9, 5.4), "2"),
    (grown(3.9, 5.5), "4A"),
    (grown(6.3, 7.8), "3"),
    (grown(6.3, 7.9), "4A"),
    (grown(6.0, 8.0), "4B"),
    (grown(6.5, 8.0), "4A"),
    (grown(13.4, 15.0), "4B"),
    (grown(13.5, 15.0), "4B"),
    (grown(5.4, 7.0, 3), "4A"),
    (grown(5.2, 6.1), "3"),
    (grown(7.0, 5.0), "2"),
    (grown(7.8, 8.1), "4A"),
    (solid(7.9, change="growing", **SEEN), "4A"),
    (solid(8.0, change="growing", **SEEN), "4B"),
    (solid_volume(267, change="growing", **SEEN), "4A"),
    (solid_volume(268, change="growing", **SEEN), "4B"),
    (solid(5, change="stable", **SEEN), "2"),
    (solid(6, slow_growth_over_multiple_exams=True, **SEEN), "4B"),
    (solid(7.4, diameter_history_mm=[5.0, 5.8, 6.6], history_months_ago=[36, 24, 12], **SEEN), "4B"),
    ({"type": "solid", "diameter_history_mm": [7.4, 5.0, 6.2], "history_months_ago": [0, 24, 12], **SEEN}, "4B"),
    ({"type": "solid", "diameter_history_mm": [7.0, 7.1, 6.9], "history_months_ago": [0, 24, 12], **SEEN}, "3"),
    (solid(7.0, diameter_history_mm=[6.9, 7.1], history_months_ago=[24, 12], **SEEN), "3"),
    (solid(7.0, diameter_history_mm=[5.0, 5.2], history_months_ago=[24, 12], **SEEN), "4A"),  # 1.8 mm in a year
]
JUXTAPLEURAL = [
    (solid(9.9, **PLEURAL, **BASE), "2"),
    (solid(10.0, **PLEURAL, **BASE), "4A"),
    (solid(9.9, **PLEURAL, **NEW), "2"),
    (solid(10.0, **PLEURAL, **NEW), "4B"),
    (solid_volume(523, **PLEURAL, **BASE), "2"),
    (solid_volume(523.6, **PLEURAL, **BASE), "4A"),
    (solid_volume(524, **PLEURAL, **BASE), "4A"),
    (solid(7, **{**PLEURAL, "shape": "oval"}, **BASE), "2"),
    (solid(7, **{**PLEURAL, "shape": "lentiform"}, **BASE), "2"),
    (solid(7, **{**PLEURAL, "shape": "round"}, **BASE), "3"),
    (solid(7, **{**PLEURAL, "margin": "lobulated"}, **BASE), "3"),
    (solid(7, juxtapleural=True, **BASE), "3"),
    (solid(7, margin="smooth", shape="oval", **BASE), "3"),
    (ground_glass(31, **PLEURAL, **BASE), "3"),
    (part_solid(9, 6, **PLEURAL, **BASE), "4A"),
    (solid(9.0, **PLEURAL, prior_mean_diameter_mm=7.0, months_since_prior=12, **SEEN), "4B"),
]
PART_SOLID = [
    (part_solid(5.9, **BASE), "2"),
    (part_solid(5.9, 4, **BASE), "2"),
    (part_solid(6.0, 5.9, **BASE), "3"),
    (part_solid(12, 5.9, **BASE), "3"),
    (part_solid(12, 6.0, **BASE), "4A"),
    (part_solid(12, 7.9, **BASE), "4A"),
    (part_solid(12, 8.0, **BASE), "4B"),
    ({"type": "part-solid", "volume_mm3": 112, **BASE}, "2"),
    ({"type": "part-solid", "volume_mm3": 900, "solid_volume_mm3": 112, **BASE}, "3"),
    ({"type": "part-solid", "volume_mm3": 900, "solid_volume_mm3": 113, **BASE}, "4A"),
    ({"type": "part-solid", "volume_mm3": 900, "solid_volume_mm3": 267, **BASE}, "4A"),
    ({"type": "part-solid", "volume_mm3": 900, "solid_volume_mm3": 268, **BASE}, "4B"),
    (part_solid(5.9, **NEW), "3"),
    (part_solid(5.9, 3.9, **NEW), "3"),
    (part_solid(7, 3.9, **NEW), "4A"),
    (part_solid(7, 4.0, **NEW), "4B"),
    (part_solid(12, 3.9, prior_solid_mean_diameter_mm=2.3, months_since_prior=12, **SEEN), "4A"),
    (part_solid(12, 4.0, prior_solid_mean_diameter_mm=2.4, months_since_prior=12, **SEEN), "4B"),
    (part_solid(12, 4.0, prior_solid_mean_diameter_mm=2.5, months_since_prior=12, **SEEN), "3"),  # exactly 1.5
    (part_solid(12, 3.0, prior_type="ground-glass", **SEEN), "4A"),
    (part_solid(12, 4.0, prior_type="ground-glass", **SEEN), "4B"),
    ({"type": "part-solid", "volume_mm3": 900, "solid_volume_mm3": 33, "prior_type": "ground-glass", **SEEN}, "4A"),
    ({"type": "part-solid", "volume_mm3": 900, "solid_volume_mm3": 34, "prior_type": "ground-glass", **SEEN}, "4B"),
    (part_solid(9, 3, slow_growth_over_multiple_exams=True, **SEEN), "4B"),
]
GROUND_GLASS = [
    (ground_glass(29.9, **BASE), "2"),
    (ground_glass(30, **BASE), "3"),
    (ground_glass(29.9, **NEW), "2"),
    (ground_glass(30, **NEW), "3"),
    (ground_glass(20, change="growing", **SEEN), "2"),
    (ground_glass(35, change="stable", **SEEN), "2"),
    (ground_glass(35, slow_growth_over_multiple_exams=True, **SEEN), "2"),
    (ground_glass(35, prior_mean_diameter_mm=34.0, months_since_prior=12, **SEEN), "2"),
    ({"type": "ground-glass", "volume_mm3": 14136, **BASE}, "2"),
    ({"type": "ground-glass", "volume_mm3": 14137, **BASE}, "3"),
]
BENIGN = [
    ({**BASE}, "1"),
    ({**BASE, "nodule_count": 0}, "1"),
    ({**BASE, "nodules": []}, "1"),
    *[
        (solid(20, calcification_pattern=pattern, **BASE), "1")
        for pattern in ("complete", "central", "popcorn", "concentric_rings")
    ],
    (solid(20, calcification_pattern="eccentric", **BASE), "4B"),
    (solid(20, benign_calcification=True, **BASE), "1"),
    (solid(12, fat_containing=True, **BASE), "1"),
    (solid(9, fat_containing=True, **NEW), "1"),
    (solid(20, prior_category="4B", proven_benign=True, **SEEN), "2"),
]
STEP_DOWN = [
    (solid(7, prior_category="3", prior_mean_diameter_mm=7.0, months_since_prior=6, **SEEN), "2"),
    (solid(7, prior_category="3", prior_mean_diameter_mm=7.5, months_since_prior=6, **SEEN), "2"),
    (solid(7, prior_category="3", prior_mean_diameter_mm=7.0, days_since_prior=182, **SEEN), "2"),
    (solid(7, prior_category="3", change="stable", months_since_prior=6, **SEEN), "2"),
    (solid(7, prior_category="3", prior_mean_diameter_mm=7.0, months_since_prior=3, **SEEN), "3"),
    (solid(8.5, prior_category="4A", prior_mean_diameter_mm=8.5, months_since_prior=3, **SEEN), "3"),
    (solid(8.5, prior_category="4AS", change="stable", days_since_prior=91, **SEEN), "3"),
    (solid(8.5, prior_category="4A", prior_mean_diameter_mm=8.5, months_since_prior=1, **SEEN), "4A"),
    (solid(9.9, prior_category="4A", prior_mean_diameter_mm=8.3, months_since_prior=3, **SEEN), "4B"),
    (part_solid(12, 6.5, prior_category="4A", change="stable", months_since_prior=3, **SEEN), "3"),
    (solid(16, prior_category="4B", change="stable", months_since_prior=3, **SEEN), "4B"),
    (
        {
            "type": "cyst",
            "cyst_locules": "multilocular",
            "prior_category": "4A",
            "change": "stable",
            "months_since_prior": 3,
            **SEEN,
        },
        "3",
    ),
]


def airway(level: str, **others: object) -> dict:
    return {"type": "airway", "airway_level": level, **others}


AIRWAY = [
    *[(airway(level, **BASE), "4A") for level in ("trachea", "mainstem", "lobar", "segmental")],
    (airway("segmental", **NEW), "4A"),
    (airway("lobar", change="stable", months_since_prior=3, **SEEN), "4B"),
    (airway("segmental", change="growing", months_since_prior=3, **SEEN), "4B"),
    (airway("segmental", change="stable", prior_category="4A", months_since_prior=3, **SEEN), "4B"),
    (airway("subsegmental", **BASE), "2"),
    (airway("subsegmental", **NEW), "2"),
    (airway("subsegmental", change="stable", **SEEN), "2"),
    (airway("subsegmental", multiple_tubular=True, suspected_infection=True, **BASE), "0"),
]


def cyst(wall: float | None, locules: str | None, **others: object) -> dict:
    stated = {"wall_thickness_mm": wall, "cyst_locules": locules}
    return {"type": "cyst", **{name: value for name, value in stated.items() if value is not None}, **others}


UNI, MULTI = "unilocular", "multilocular"
CYST = [
    (cyst(1.9, UNI, **BASE), "not_classified"),
    (cyst(2.0, UNI, **BASE), "4A"),
    (cyst(2.0, None, **BASE), "4A"),
    (cyst(1.0, MULTI, **BASE), "4A"),
    (cyst(None, MULTI, **BASE), "4A"),
    (cyst(4.5, UNI, **BASE), "4A"),
    (cyst(1.0, MULTI, prior_cyst_locules=UNI, change="increased_loculation", **SEEN), "4A"),
    (cyst(1.0, MULTI, prior_cyst_locules=UNI, **SEEN), "4A"),
    (cyst(3.0, UNI, change="cystic_component_growing", **SEEN), "3"),
    (cyst(3.0, UNI, change="wall_thickness_growing", **SEEN), "4B"),
    (cyst(3.0, UNI, change="nodularity_growing", **SEEN), "4B"),
    (cyst(1.0, MULTI, change="mean_diameter_growing", **SEEN), "4B"),
    (cyst(1.0, MULTI, prior_cyst_locules=MULTI, change="increased_loculation", **SEEN), "4B"),
    (cyst(1.0, MULTI, change="new_opacity", **SEEN), "4B"),
    (cyst(1.0, MULTI, mean_diameter_mm=14.0, prior_mean_diameter_mm=12.0, months_since_prior=6, **SEEN), "4B"),
    ({"type": "cyst", "cavitary": True, "mean_diameter_mm": 9, **BASE}, "4A"),
    (solid(15, cavitary=True, **BASE), "4B"),
    (cyst(1.0, UNI, solid_mean_diameter_mm=9, **BASE), "4A"),
    (cyst(3.0, UNI, solid_mean_diameter_mm=16, **BASE), "4B"),
]
SUSPICIOUS = [
    (solid(7, suspicious_features=["spiculation"], **BASE), "4X"),
    (solid(9, suspicious_features=["lymph nodes"], **BASE), "4X"),
    (solid(15, spiculation=True, **BASE), "4X"),
    (solid(5, suspicious_features=["spiculation"], **BASE), "2"),
    (solid(7, suspicious_features=[], **BASE), "3"),
    (ground_glass(20, suspicious_features=["doubled"], **BASE), "2"),
    (solid(9, suspicious_features=["spiculation"], fat_containing=True, **BASE), "1"),
]
EXAM = [
    (solid(20, prior_exam_pending=True, **BASE), "0"),
    ({**BASE, "lungs_fully_evaluable": False}, "0"),
    ({**BASE, "lungs_fully_evaluable": True}, "1"),
    (solid(9, suspected_infection=True, **NEW), "0"),
    (solid(9, suspected_infection=False, **NEW), "4B"),
    (solid(5, new_nodule_count=6, **NEW), "3"),
    (solid(5, new_nodule_count=7, **NEW), "0"),
    ({**SEEN, "nodules": [solid(4.5, is_new=True)] * 7}, "0"),
    ({**SEEN, "nodules": [solid(4.5, is_new=True)] * 6}, "3"),
    (solid(5, immunosuppressed=True, **NEW), "0"),
    (solid(7, immunosuppressed=True, **BASE), "3"),
    ({**BASE, "nodules": [solid(5), ground_glass(12), solid(8.2), part_solid(7, 3)]}, "4A"),
    ({**BASE, "nodules": [solid(5), cyst(1, UNI)]}, "2"),
    ({**BASE, "nodules": [solid(7), cyst(3, UNI)]}, "4A"),
    ({**BASE, "nodules": [solid(7, spiculation=True), solid(16)]}, "4X"),
    ({"nodules": [solid(5, is_new=True), solid(5)], "exam": "follow_up"}, "3"),
    (solid(7, significant_other_finding=True, **BASE), "3S"),
    ({**BASE, "significant_other_finding": True}, "1S"),
    (solid(20, prior_exam_pending=True, significant_other_finding=True), "0S"),
    (cyst(1, UNI, significant_other_finding=True, **BASE), "not_classified"),
    ({"exam": "screening", **solid(8)}, "4A"),
]
TABLES = {
    "baseline solid": BASELINE_SOLID,
    "new solid": NEW_SOLID,
    "growing solid": GROWING_SOLID,
    "juxtapleural": JUXTAPLEURAL,
    "part-solid": PART_SOLID,
    "ground-glass": GROUND_GLASS,
    "benign": BENIGN,
    "step down": STEP_DOWN,
    "airway": AIRWAY,
    "cyst": CYST,
    "suspicious": SUSPICIOUS,
    "exam": EXAM,
}


@pytest.mark.parametrize(("inputs", "expected"), cases(TABLES))
def test_the_category_is_that_of_the_table(inputs, expected):
    assert category(inputs) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (3.9, 5.4, "no_growth"),
        (3.9, 5.5, "growth"),
        (6.0, 7.5, "no_growth"),
        (6.0, 7.6, "growth"),
        (8.2, 9.7, "no_growth"),
        (10.04, 11.54, "no_growth"),
        (10.04, 11.55, "growth"),
        (6, 6, "no_growth"),
        (9, 6, "no_growth"),
        (0.7, 2.2, "no_growth"),
    ],
)
def test_growth_is_more_than_one_and_a_half_mm_on_one_decimal(before, now, expected):
    asked = {"query": "growth", "mean_diameter_mm": now, "prior_mean_diameter_mm": before, "months_since_prior": 12}
    answer = apply_guideline("lung-rads-2022", asked)
    assert answer["growth"] == expected
    assert "category" not in answer


def test_a_reason_names_value_unit_threshold_and_source():
    reason = apply_guideline("lung-rads-2022", solid(7.0, **BASE))["reasons"][0]
    for word in ("7.0 mm", "6 to below 8 mm", "category 3", "Lung-RADS v2022"):
        assert word in reason


@pytest.mark.parametrize(
    ("size", "told"),
    [({"mean_diameter_mm": 8.0}, True), ({"volume_mm3": 268}, True), ({"mean_diameter_mm": 7.9}, False)],
)
def test_a_large_solid_nodule_that_appeared_fast_may_be_infection_unless_the_reader_denies_it(size, told):
    nodule = {"type": "solid", **size, **NEW}
    assert told == any(
        "appeared fast" in choice for choice in apply_guideline("lung-rads-2022", nodule).get("uncertain", ())
    )
    denied = apply_guideline("lung-rads-2022", {**nodule, "suspected_infection": False})
    assert not any("appeared fast" in choice for choice in denied.get("uncertain", ()))


def test_the_answer_has_only_the_fields_that_apply():
    answer = apply_guideline("lung-rads-2022", solid(7.0, **BASE))
    assert set(answer) == {"rule", "edition", "category", "reasons", "open"}
    assert answer["rule"] == "lung-rads-2022"


def test_probabilities_are_quoted_as_those_of_the_first_versions():
    reasons = apply_guideline("lung-rads-2022", solid(9, **BASE))["reasons"]
    assert any("5 to 15 %" in reason and "v1.x" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("inputs", "allowed"),
    [
        (part_solid(5.9, 4.0, **NEW), ("3", "4B")),
        (part_solid(8, 3, **NEW), ("4A",)),
        (ground_glass(33, prior_mean_diameter_mm=31.0, months_since_prior=12, **SEEN), ("2", "3")),
        (grown(6.0, 7.6, 18), ("3", "4A")),
        (airway("subsegmental", multiple_tubular=True, **BASE), ("0", "2")),
        (airway("subsegmental", change="growing", **SEEN), ("2", "4A")),
    ],
)
def test_where_sources_conflict_the_choice_is_told(inputs, allowed):
    answer = apply_guideline("lung-rads-2022", inputs)
    assert answer["category"] in allowed
    assert answer["uncertain"]


def test_a_volume_that_says_otherwise_than_the_diameter_is_told():
    answer = apply_guideline("lung-rads-2022", solid(5.9, volume_mm3=150, **BASE))
    assert answer["category"] == "2"
    assert "volume 150 mm3" in answer["uncertain"][0]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "Nothing is stated"),
        ({"type": "solid", **BASE}, "mean_diameter_mm"),
        ({"mean_diameter_mm": 5, **BASE}, "'type'"),
        (part_solid(9, **BASE), "solid_mean_diameter_mm"),
        ({"type": "airway", **BASE}, "airway_level"),
        (cyst(1.0, None, **BASE), "cyst_locules"),
        ({**BASE, "nodules": [solid(5), {"type": "solid"}]}, "Nodule 2"),
        ({**BASE, "nodule_count": 2}, "nodule_count"),
        ({"query": "growth", "mean_diameter_mm": 5}, "prior"),
    ],
)
def test_what_is_needed_is_asked_for(inputs, words):
    with pytest.raises(InputError, match=words):
        category(inputs)
