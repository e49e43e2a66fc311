"""Brock 2a and 2b and Mayo: the published examples, values worked out by hand, and what the models need."""

from __future__ import annotations

import pytest

from LungNoduleAILib.guidelines import apply_guideline
from ThoraxAILib.errors import InputError

A, B = "2a_full_without_spiculation", "2b_full_with_spiculation"
# age, female, family, emphysema, mm, type, upper lobe, count, spiculation -> percent; those of 2b are published
BROCK = [
    (B, (62, 0, 0, 0, 4, "solid", 0, 4, 0), 0.112),
    (B, (62, 0, 0, 0, 10, "solid", 0, 1, 0), 3.191),
    (B, (65, 1, 1, 1, 12, "part-solid", 1, 1, 1), 53.58),
    (B, (70, 0, 0, 1, 20, "solid", 1, 2, 1), 50.96),
    (B, (55, 1, 0, 0, 6, "ground-glass", 0, 3, 0), 0.760),
    (A, (62, 0, 0, 0, 4, "solid", 0, 4, 0), 0.1105),
    (A, (62, 0, 0, 0, 10, "solid", 0, 1, 0), 3.656),
    (A, (65, 1, 1, 1, 12, "part-solid", 1, 1, 1), 39.67),
    (A, (70, 0, 0, 1, 20, "solid", 1, 2, 1), 40.69),
    (A, (55, 1, 0, 0, 6, "ground-glass", 0, 3, 0), 0.6377),
]
# age, ever smoker, cancer over 5 years ago, mm, spiculation, upper lobe -> percent
MAYO = [
    ((60, 0, 0, 8, 0, 0), 3.041),
    ((65, 1, 0, 15, 0, 1), 31.02),
    ((70, 1, 1, 20, 1, 1), 91.78),
    ((50, 0, 0, 4, 0, 0), 1.258),
    ((62, 1, 0, 30, 1, 0), 77.754),
    ((45, 0, 1, 10, 0, 0), 7.908),
]


def person(*values: object) -> dict:
    age, female, family, emphysema, mm, kind, upper, count, spiculation = values
    return {
        "age": age,
        "sex": "F" if female else "M",
        "family_history_lung_cancer": bool(family),
        "emphysema": bool(emphysema),
        "diameter_mm": mm,
        "type": kind,
        "upper_lobe": bool(upper),
        "nodule_count": count,
        "spiculation": bool(spiculation),
    }


@pytest.mark.parametrize(("model", "values", "percent"), BROCK)
def test_brock(model, values, percent):
    answer = apply_guideline("brock", {**person(*values), "model": model})
    assert 100 * answer["probability"] == pytest.approx(percent, rel=5e-3)  # as many digits as are printed


@pytest.mark.parametrize(("values", "percent"), MAYO)
def test_mayo(values, percent):
    age, smoker, cancer, mm, spiculation, upper = values
    answer = apply_guideline(
        "mayo",
        {
            "age": age,
            "smoker_ever": bool(smoker),
            "extrathoracic_cancer_over_5y_ago": bool(cancer),
            "diameter_mm": mm,
            "spiculation": bool(spiculation),
            "upper_lobe": bool(upper),
        },
    )
    assert 100 * answer["probability"] == pytest.approx(percent, rel=1e-3)


def test_without_a_model_brock_is_the_one_with_spiculation():
    stated = person(*BROCK[2][1])
    assert apply_guideline("brock", stated) == apply_guideline("brock", {**stated, "model": B})


def test_the_parsimonious_models_are_not_offered():
    with pytest.raises(InputError, match="2a_full_without_spiculation"):
        apply_guideline("brock", {**person(*BROCK[0][1]), "model": "1a"})


def test_the_lower_end_of_the_range_is_what_it_would_be_with_no_to_all_that_is_open():
    few = {"age": 62, "sex": "M", "diameter_mm": 4, "type": "solid", "nodule_count": 4}
    answer = apply_guideline("brock", few)
    assert 100 * answer["probability"] == pytest.approx(0.112, abs=0.001)
    assert answer["probability_range"][0] == answer["probability"] < answer["probability_range"][1]


@pytest.mark.parametrize(
    ("rule", "inputs", "words"),
    [
        ("brock", {"sex": "F", "diameter_mm": 5, "type": "solid"}, "'age'"),
        ("mayo", {"diameter_mm": 5}, "'age'"),
        ("brock", {"age": 60, "diameter_mm": 5, "type": "solid"}, "'sex'"),
        ("mayo", {"age": 60}, "diameter_mm"),
        ("brock", {"age": 60, "sex": "F", "diameter_mm": 5, "type": "cyst"}, "cyst"),
        ("brock", {"age": 60, "sex": "F", "diameter_mm": 5, "query": "growth", "type": "solid"}, "growth"),
    ],
)
def test_what_is_needed_is_asked_for(rule, inputs, words):
    with pytest.raises(InputError, match=words):
        apply_guideline(rule, inputs)


@pytest.mark.parametrize(
    ("before", "now", "days", "expected"), [(100, 125, 365, 1133.8), (250, 400, 90, 132.7), (100, 200, 400, 400.0)]
)
def test_the_doubling_time_of_volumes(before, now, days, expected):
    asked = {"query": "vdt_days", "prior_volume_mm3": before, "volume_mm3": now, "days_since_prior": days}
    for rule in ("lung-rads-2022", "bts-2015"):
        assert apply_guideline(rule, asked)["vdt_days"] == pytest.approx(expected, abs=0.05)


def test_the_doubling_time_of_diameters():
    asked = {"query": "vdt_days", "prior_mean_diameter_mm": 5, "mean_diameter_mm": 10, "days_since_prior": 300}
    assert apply_guideline("lung-rads-2022", asked)["vdt_days"] == pytest.approx(100.0)


@pytest.mark.parametrize("now", [100, 80])
def test_what_did_not_grow_has_no_doubling_time(now):
    asked = {"query": "vdt_days", "prior_volume_mm3": 100, "volume_mm3": now, "months_since_prior": 3}
    answer = apply_guideline("lung-rads-2022", asked)
    assert answer["vdt_days"] is None
    assert "stable or regressing" in answer["reason"]
