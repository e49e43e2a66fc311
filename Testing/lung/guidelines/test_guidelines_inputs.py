"""What cannot be read is told in one sentence that names the key, what was found and what is allowed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from decimal import Decimal

import numpy as np
import pytest

from LungNoduleAILib.guidelines import RULES, Inputs, apply_guideline
from LungNoduleAILib.guidelines.terms.vocabulary import KEYS
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError

SOLID = {"exam": "baseline", "type": "solid", "mean_diameter_mm": 7}


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"mean_diameter_cm": 0.7}, "perhaps 'mean_diameter_mm' was meant"),
        ({"Type": "solid"}, "perhaps 'type' was meant"),
        ({"volume_ml": 1}, "perhaps 'volume_mm3' was meant"),
        ({"nonsense": 1}, "'nonsense'"),
        ({3: 4}, "3"),
        ({"type": "bone"}, "'bone' was found"),
        ({"type": "Solid"}, "part-solid"),
        ({"exam": "first"}, "baseline"),
        ({"mean_diameter_mm": "7 mm"}, "number in mm"),
        ({"mean_diameter_mm": 0}, "more than 0"),
        ({"mean_diameter_mm": -3}, "more than 0"),
        ({"mean_diameter_mm": True}, "number in mm"),
        ({"mean_diameter_mm": float("nan")}, "finite"),
        ({"volume_mm3": float("inf")}, "finite"),
        ({"mean_diameter_mm": 1e9}, "at most 400"),
        ({"mean_diameter_mm": [7]}, "number"),
        ({"age": 300}, "at most 120"),
        ({"is_new": "yes"}, "true or false"),
        ({"is_new": 1}, "true or false"),
        ({"nodule_count": 1.5}, "whole number"),
        ({"sex": "female"}, "F, M"),
        ({"risk": "medium"}, "low, high"),
        ({"prior_category": "5"}, "4X"),
        ({"margin": "smoth"}, "smooth"),
        ({"shape": 3}, "lentiform"),
        ({"suspicious_features": "spiculation"}, "list"),
        ({"suspicious_features": [3]}, "words"),
        ({"brock_percent": 120}, "at most 100"),
        ({"months_since_prior": 0}, "more than 0"),
        ({"diameter_history_mm": [5, 6]}, "belong together"),
        ({"nodules": {}}, "list of nodules"),
        ({"diameter_history_mm": [5, 6], "history_months_ago": [12]}, "equally long"),
        ({"long_axis_mm": 5, "short_axis_mm": 6}, "longer than"),
        ({"solid_mean_diameter_mm": 8}, "more than"),
        ({"benign_calcification": True, "calcification_pattern": "eccentric"}, "contradicts"),
        ({"months_since_prior": 12, "days_since_prior": 90}, "state one of them"),
        ({"nodule_count": 0}, "correct the count"),
        ({"nodules": [{"type": "solid", "mean_diameter_mm": 5}]}, "beside 'nodules'"),
        ({"is_new": True, "change": "stable"}, "new"),
        ({"type": "ground-glass", "solid_mean_diameter_mm": 3}, "no solid part"),
    ],
)
def test_what_is_wrong_is_named(stated, words, refused):
    with refused(words):
        apply_guideline("lung-rads-2022", {**SOLID, **stated})


@pytest.mark.parametrize("stated", [[], "solid", None, 5])
def test_inputs_are_one_object(stated):
    with pytest.raises(InputError, match="one object"):
        apply_guideline("lung-rads-2022", stated)


def test_a_wrong_nodule_of_a_list_is_numbered():
    with pytest.raises(InputError, match="of nodule 2"):
        apply_guideline("lung-rads-2022", {"exam": "baseline", "nodules": [{"type": "solid"}, {"typ": "solid"}]})


def test_an_unknown_rule_is_told():
    with pytest.raises(InputError, match="lung-rads-2022"):
        apply_guideline("lung-rads-1", SOLID)


def test_every_key_of_the_vocabulary_is_a_field():
    assert {field.name for field in fields(Inputs)} == set(KEYS)


def test_numbers_of_other_kinds_are_taken_as_they_are_printed():
    for value in (np.float64(5.95), Decimal("5.95"), 5.95):
        assert apply_guideline("lung-rads-2022", {**SOLID, "mean_diameter_mm": value})["category"] == "3"


def test_inputs_are_not_changed():
    stated = {"exam": "baseline", "nodules": [{"type": "solid", "mean_diameter_mm": 5.0}]}
    before = json.dumps(stated)
    apply_guideline("lung-rads-2022", stated)
    assert json.dumps(stated) == before


def command(tmp_path, capsys, rule: str, stated: object, *options: str) -> tuple[int, str, str]:
    file = tmp_path / "inputs.json"
    file.write_text(stated if isinstance(stated, str) else json.dumps(stated), encoding="utf-8")
    status = main(["lung", "guideline", rule, str(file), *options])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_one_object_gives_one_object(tmp_path, capsys):
    status, out, err = command(tmp_path, capsys, "lung-rads-2022", SOLID)
    assert (status, err) == (0, "")
    assert json.loads(out)["category"] == "3"


def test_a_list_gives_a_list_in_the_same_order(tmp_path, capsys):
    sizes = (5, 7, 9, 16)
    status, out, _ = command(tmp_path, capsys, "lung-rads-2022", [{**SOLID, "mean_diameter_mm": mm} for mm in sizes])
    assert status == 0
    assert [answer["category"] for answer in json.loads(out)] == ["2", "3", "4A", "4B"]


def test_a_wrong_item_of_a_list_carries_its_error_and_the_others_their_answers(tmp_path, capsys):
    status, out, err = command(tmp_path, capsys, "lung-rads-2022", '[{"exam": "baseline"}, {"x": 1}, 7, {"age": NaN}]')
    answers = json.loads(out)
    assert (status, err) == (2, "")
    assert answers[0]["category"] == "1"
    assert all("error" in answer and "category" not in answer for answer in answers[1:])


@pytest.mark.parametrize("stated", ["{", "", '{"typ": 1}', '"solid"', '{"age": NaN, "type": "solid"}', "[" * 100_000])
def test_what_cannot_be_answered_is_one_sentence_and_status_2(tmp_path, capsys, stated):
    status, out, err = command(tmp_path, capsys, "lung-rads-2022", stated)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_a_missing_file_and_an_unknown_rule_are_status_2(capsys):
    assert main(["lung", "guideline", "lung-rads-2022", "no_such_file.json"]) == 2
    assert main(["lung", "guideline", "acr", "-"]) == 2
    assert "no_such_file" not in capsys.readouterr().err


def test_words_for_people_say_that_the_reader_decides(tmp_path, capsys):
    _, out, _ = command(tmp_path, capsys, "fleischner-2017", {**SOLID, "exam": "incidental", "risk": "low"}, "--text")
    for words in (
        "CT at 6 to 12 months, then consider",
        "because:",
        "uncertain:",
        "the reader decides",
        "Research use only",
    ):
        assert words in out


def test_decimals_of_a_file_are_exact(tmp_path, capsys):
    stated = '{"query": "growth", "mean_diameter_mm": 5.4, "prior_mean_diameter_mm": 3.9, "months_since_prior": 12}'
    assert json.loads(command(tmp_path, capsys, "lung-rads-2022", stated)[1])["growth"] == "no_growth"


def test_standard_input_is_read():
    done = subprocess.run(
        [sys.executable, "-m", "ThoraxAILib.cli.main", "lung", "guideline", "mayo", "-"],
        check=False,
        input='{"age": 60, "diameter_mm": 8}',
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["probability"] == pytest.approx(0.03041, abs=1e-5)


@pytest.mark.parametrize("rule", RULES)
def test_every_answer_names_its_rule_and_edition(rule):
    stated = {"exam": "incidental", "type": "solid", "diameter_mm": 7, "age": 60, "sex": "F", "risk": "low"}
    answer = apply_guideline(rule, stated)
    assert answer["rule"] == rule
    assert any(year in answer["edition"] for year in ("1997", "2013", "2015", "2017", "2022"))
    assert answer["reasons"]
