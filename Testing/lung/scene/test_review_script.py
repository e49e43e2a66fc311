"""A review that is written down does on a result what the panel does."""

from __future__ import annotations

import json

import pytest

from LungNoduleAILib.logic.review_script import ACTS, do_acts, read_acts
from ThoraxAILib.errors import InputError


def test_acts_of_a_json_file_are_done_in_their_order(logic, shown, tmp_path):
    acts = [
        {"act": "decide", "finding": "Nodule_02", "status": "rejected", "reason": "vessel"},
        {"act": "state", "finding": "Nodule_01", "field": "margin", "value": "spiculated"},
        {"act": "person", "person": {"exam": "baseline", "age": 62}},
        {"act": "axes", "finding": "Nodule_01", "long_ras_mm": [0, 0, 0, 9, 0, 0], "short_ras_mm": [4, -3, 0, 4, 3, 0]},
        {"act": "merge", "finding": "Nodule_01", "other": "Nodule_02"},
        {"act": "undo"},
    ]
    (tmp_path / "changes.json").write_text(json.dumps(acts), encoding="utf-8")
    assert do_acts(logic.review, read_acts(tmp_path / "changes.json")) == 6
    first, second, _mass = logic.findings()
    assert (first.margin, first.long_axis_mm, first.short_axis_mm, first.mean_diameter_mm) == ("spiculated", 9, 6, 7.5)
    assert first.ai_values["long_axis_mm"] == 9.1
    assert (second.status, second.reason) == ("rejected", "vessel")
    assert logic.review.record().person == {"exam": "baseline", "age": 62}


def test_a_csv_decides_and_states(logic, shown, tmp_path):
    (tmp_path / "changes.csv").write_text(
        "finding,status,reason,type\nNodule_01,accepted,,part-solid\nMass_01,rejected,hilum,\n", encoding="utf-8"
    )
    do_acts(logic.review, read_acts(tmp_path / "changes.csv"))
    first, _second, mass = logic.findings()
    assert (first.status, first.type, first.ai_values) == ("accepted", "part-solid", {"type": "solid"})
    assert (mass.status, mass.reason) == ("rejected", "hilum")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ({"act": "shrink"}, "which is not known"),
        ({"act": "decide", "finding": "Nodule_01"}, "needs finding, status"),
        ({"act": "decide", "finding": "Nodule_09", "status": "accepted"}, "no finding Nodule_09"),
        ({"act": "add", "at_ras_mm": [1, 2]}, "needs at_ras_mm"),
        ({"act": "undo", "twice": True}, "does not take"),
    ],
)
def test_what_cannot_be_done_is_named_by_its_number(logic, shown, act, words):
    with pytest.raises(InputError, match=words) as refusal:
        do_acts(logic.review, [act])
    assert str(refusal.value).startswith("Act 1")


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '"decide"'])
def test_a_file_without_a_list_of_acts_is_refused(tmp_path, text):
    (tmp_path / "changes.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="acts"):
        read_acts(tmp_path / "changes.json")


def test_a_csv_with_other_columns_is_refused(tmp_path):
    (tmp_path / "changes.csv").write_text("finding,colour\nNodule_01,red\n", encoding="utf-8")
    with pytest.raises(InputError, match="list of acts"):
        read_acts(tmp_path / "changes.csv")


def test_every_act_of_the_page_is_known(repository):
    page = (repository / "docs" / "commands.md").read_text(encoding="utf-8").split("\n## Review")[1].split("\n## ")[0]
    assert all(f"`{name}`" in page or f'"act": "{name}"' in page for name in ACTS)
