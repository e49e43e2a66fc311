"""The reader links and unlinks nodules of two dates; every nodule stays in exactly one row."""

import pytest

from LungNoduleAILib.analysis.review.decisions import with_decision
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.links import LinkDecision
from LungNoduleAILib.model.pairs import FollowUp, Interval, Pair, ScanEntry
from ThoraxAILib.errors import InputError

PLACE = (1.0, 2.0, 3.0)


def nodule(name: str, volume_mm3: float = 500.0) -> Finding:
    return Finding(name, PLACE, 9.8, 9.8, 9.8, volume_mm3, "solid", 20.0, volume_mm3, "RUL", "right", 0.9)


@pytest.fixture
def follow_up() -> FollowUp:
    scans = (
        ScanEntry("20200101", "", "", 1.0, "", (nodule("A"), nodule("B"))),
        ScanEntry("20200401", "", "", 1.0, "", (nodule("C", 1000.0), nodule("D"))),
    )
    pairs = (
        Pair("A", "C", PLACE, PLACE, "matched", 0.9),
        Pair("B", None, PLACE, None, "resolved", 0.2),
        Pair(None, "D", None, PLACE, "new", 0.2),
    )
    return FollowUp(scans, (Interval(0, 1, 91, pairs),))


def rows(follow_up: FollowUp) -> set:
    return {(pair.prior_id, pair.current_id, pair.status) for pair in follow_up.intervals[-1].pairs}


def test_linking_two_lone_nodules_makes_one_row_with_growth(follow_up):
    changed = with_decision(follow_up, LinkDecision("B", "D", "link"))
    assert rows(changed) == {("A", "C", "matched"), ("B", "D", "matched")}
    linked = changed.intervals[-1].pairs[0]
    assert linked.decided_by == "reader"
    assert linked.growth.volume_change_percent == 0.0


def test_linking_a_nodule_that_had_a_partner_leaves_the_partner_alone(follow_up):
    changed = with_decision(follow_up, LinkDecision("B", "C", "link"))
    assert rows(changed) == {("B", "C", "matched"), ("A", None, "resolved"), (None, "D", "new")}
    assert changed.intervals[-1].pairs[0].growth.vdt_days == pytest.approx(91)


def test_unlinking_makes_a_resolved_and_a_new_nodule(follow_up):
    changed = with_decision(follow_up, LinkDecision("A", "C", "unlink"))
    assert rows(changed) == {("A", None, "resolved"), (None, "C", "new"), ("B", None, "resolved"), (None, "D", "new")}


def test_unknown_nodules_are_refused_and_nothing_changes(follow_up):
    with pytest.raises(InputError, match="does not exist"):
        with_decision(follow_up, LinkDecision("A", "Z", "link"))
    assert len(rows(follow_up)) == 3
