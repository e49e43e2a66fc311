"""The reader's acts on findings: what they change, what stays beside, and that each can be taken back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from fixtures.formats import check_format
from fixtures.synthetic_chest import GEOMETRIES, chest_volume, nodule, result_on
from LungNoduleAILib.analysis.review import reviewing
from LungNoduleAILib.analysis.review.review_record import By, redo, undo
from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.model.mask_text import mask_from_dict, mask_to_dict
from LungNoduleAILib.model.review import Change, Review
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.mask import Mask

BY = By("reader A", "2026-01-02T03:04:05+00:00")


@pytest.fixture
def volume():
    return chest_volume(GEOMETRIES["axial"])


@pytest.fixture
def findings(volume) -> Findings:
    return result_on(volume).findings


def larger(volume):
    """Nodule_01 with another outline and other sizes."""
    new = nodule(volume, 1, (15, 8, 5), mean_diameter_mm=11.0, long_axis_mm=12.0, short_axis_mm=10.0, volume_mm3=700.0)
    return replace(new, mask=Mask((14, 7, 4), np.ones((6, 6, 6), bool)))


def everything(findings: Findings) -> dict:
    """All that stands, without the record."""
    entry = replace(findings, review=replace(findings.review, history=(), reader="")).to_dict()
    masks = {f.id: None if f.mask is None else mask_to_dict(f.mask) for f in findings.findings}
    return {**entry, "masks": masks}


ACTS = {
    "decide": lambda f, v: reviewing.decide(f, "Nodule_01", "rejected", "vessel", BY),
    "type": lambda f, v: reviewing.state(f, "Nodule_01", "type", "part-solid", BY),
    "lobe": lambda f, v: reviewing.state(f, "Nodule_01", "lobe", "LUL", BY),
    "margin": lambda f, v: reviewing.state(f, "Nodule_01", "margin", "spiculated", BY),
    "person": lambda f, v: reviewing.state_person(f, {"exam": "baseline", "age": 62}, BY),
    "outline": lambda f, v: reviewing.remeasured(f, "Nodule_01", larger(v), "outline edited", BY),
    "add": lambda f, v: reviewing.added(f, nodule(v, 9, (5, 12, 24)), BY)[0],
    "merge": lambda f, v: reviewing.merged(f, "Nodule_01", "Nodule_02", larger(v), BY),
    "split": lambda f, v: reviewing.split(f, "Nodule_01", [nodule(v, 1, (15, 8, 5)), nodule(v, 1, (15, 9, 5))], BY)[0],
    "read first": lambda f, v: reviewing.start_reading_first(f, BY),
}


@pytest.mark.parametrize("act", ACTS)
def test_every_act_can_be_undone_and_done_again_and_the_record_keeps_all_three(findings, volume, act):
    changed = ACTS[act](findings, volume)
    assert everything(changed) != everything(findings)
    back = undo(changed, BY)
    assert everything(back) == everything(findings)
    again = redo(back, BY)
    assert everything(again) == everything(changed)
    assert [change.undoes for change in again.review.history] == [None, 0, 1]
    assert {(change.who, change.when) for change in again.review.history} == {(BY.who, BY.when)}


def test_the_acts_in_a_row_are_undone_one_by_one_also_after_the_findings_were_read_from_json(findings, volume):
    states = [findings]
    for act in ACTS.values():
        states.append(act(states[-1], volume))
    now = Findings.from_dict(json.loads(json.dumps(states[-1].to_dict())))
    for before in reversed(states[:-1]):
        now = undo(now, BY)
        wanted, found = everything(before), everything(now)
        del wanted["masks"], found["masks"]
        assert found == wanted
    with pytest.raises(InputError, match="nothing to undo"):
        undo(now, BY)


def test_the_record_says_before_and_after_of_what_changed_only(findings):
    changed = reviewing.decide(findings, "Nodule_02", "rejected", "vessel  crossing", BY)
    (change,) = changed.review.history
    assert change.action == "Nodule_02 rejected"
    assert change.edits[0].before == {"status": "unreviewed", "reason": ""}
    assert change.edits[0].after == {"status": "rejected", "reason": "vessel crossing"}


def test_what_the_software_measured_stays_beside_until_the_reader_agrees_again(findings, volume):
    changed = reviewing.state(findings, "Nodule_01", "type", "part-solid", BY)
    assert changed.findings[0].ai_values == {"type": "solid"}
    changed = reviewing.remeasured(changed, "Nodule_01", larger(volume), "outline edited", BY)
    assert changed.findings[0].type == "part-solid"
    assert changed.findings[0].ai_values["mean_diameter_mm"] == 8.3
    changed = reviewing.state(changed, "Nodule_01", "type", None, BY)
    assert changed.findings[0].type == "solid"
    assert "type" not in changed.findings[0].ai_values


def test_a_lobe_of_the_other_side_changes_the_side(findings):
    changed = reviewing.state(findings, "Nodule_01", "lobe", "LLL", BY)
    assert (changed.findings[0].lobe, changed.findings[0].side) == ("LLL", "left")


def test_a_lobe_that_the_reader_said_is_sure_until_the_word_is_taken_back(findings):
    unsure = replace(findings.findings[0], lobe="RUL", lobe_confidence=0.6)
    doubtful = replace(findings, findings=(unsure, *findings.findings[1:]))
    assert unsure.where("") == "RUL?"
    stated = reviewing.state(doubtful, "Nodule_01", "lobe", "RUL", BY)
    assert stated.findings[0].where("") == "RUL"
    back = reviewing.state(stated, "Nodule_01", "lobe", None, BY)
    assert back.findings[0].where("") == "RUL?"


def test_what_changes_nothing_is_not_recorded(findings):
    assert reviewing.decide(findings, "Nodule_01", "unreviewed", "", BY) is findings
    assert reviewing.state_person(findings, {}, BY) is findings


def test_a_finding_of_the_software_is_rejected_not_deleted(findings, volume):
    with pytest.raises(InputError, match="reject it"):
        reviewing.deleted(findings, "Nodule_01", BY)
    more, new = reviewing.added(findings, nodule(volume, 9, (5, 12, 24)), BY)
    assert (new.source, new.status) == ("reader", "accepted")
    assert reviewing.deleted(more, new.id, BY).findings == findings.findings


def test_a_name_is_never_given_twice(findings, volume):
    more, first = reviewing.added(findings, nodule(volume, 9, (5, 12, 24)), BY)
    _, second = reviewing.added(reviewing.deleted(more, first.id, BY), nodule(volume, 9, (5, 12, 24)), BY)
    assert first.id != second.id


def test_locking_a_first_reading_accepts_what_both_saw(findings, volume):
    reading = reviewing.start_reading_first(findings, BY)
    same = nodule(volume, 9, (15, 8, 5))
    other = nodule(volume, 9, (3, 20, 22))
    reading, mark = reviewing.added(reading, same, BY)
    reading, alone = reviewing.added(reading, other, BY)
    locked = reviewing.lock_reading(reading, BY)
    assert locked.review.mode == "locked"
    statuses = {finding.id: finding.status for finding in locked.findings}
    assert statuses == {
        "Nodule_01": "accepted",
        "Nodule_02": "unreviewed",
        "Mass_01": "unreviewed",
        alone.id: "accepted",
    }
    assert mark.id not in statuses
    assert everything(undo(locked, BY)) == everything(reading)
    with pytest.raises(InputError, match="no reading to lock"):
        reviewing.lock_reading(locked, BY)


@pytest.mark.parametrize(
    "act",
    [
        lambda f: reviewing.decide(f, "Nodule_99", "accepted", "", BY),
        lambda f: reviewing.decide(f, "Nodule_01", "perhaps", "", BY),
        lambda f: reviewing.decide(f, "Nodule_01", "rejected", "x" * 501, BY),
        lambda f: reviewing.state(f, "Nodule_01", "type", "big", BY),
        lambda f: reviewing.state(f, "Nodule_01", "confidence", "1", BY),
        lambda f: reviewing.state_person(f, {"age": -5}, BY),
        lambda f: redo(f, BY),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(findings, act):
    with pytest.raises(InputError) as refusal:
        act(findings)
    assert str(refusal.value).count(". ") == 0
    assert str(refusal.value).endswith(".")


def test_a_review_is_the_same_after_json_and_as_the_schema_says(findings, volume):
    changed = findings
    for act in ACTS.values():
        changed = act(changed, volume)
    entry = json.loads(json.dumps(changed.to_dict()))
    check_format(entry, "findings")
    assert Findings.from_dict(entry).review == changed.review
    assert "review" not in findings.to_dict()


def test_outlines_survive_as_text_and_broken_ones_are_refused():
    mask = Mask((3, 4, 5), np.random.default_rng(1).random((7, 5, 9)) > 0.5)
    read = mask_from_dict(json.loads(json.dumps(mask_to_dict(mask))))
    assert read.offset_kji == mask.offset_kji
    assert np.array_equal(read.array, mask.array)
    good = mask_to_dict(mask)
    for broken in (
        {**good, "voxels": "?"},
        {**good, "shape_kji": [7, 5, 900]},
        {**good, "shape_kji": [10**6, 10**6, 10**6]},
        {**good, "offset_kji": [-1, 0, 0]},
        {"offset_kji": [0, 0, 0]},
    ):
        with pytest.raises(ValueError, match="outline in the review"):
            mask_from_dict(broken)


def test_going_on_after_an_undo_leaves_nothing_to_do_again():
    change = Change(BY.when, BY.who, "x", ())
    review = Review(history=(change, replace(change, undoes=0), change))
    assert review.last_to_undo() == 2
    assert review.last_to_redo() is None
