"""A comparison takes in what a reader left of either date, and nothing that was rejected comes back without a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LungNoduleAILib.analysis import follow_up
from LungNoduleAILib.analysis.carry_over import carried_over, continued
from LungNoduleAILib.analysis.review import reviewing
from LungNoduleAILib.analysis.review.decisions import with_decision
from LungNoduleAILib.analysis.review.review_record import By, redo, undo
from LungNoduleAILib.analysis.review.reviewed_pairs import as_reviewed, came_and_went
from LungNoduleAILib.followup.growth.assessment import assess_growth
from LungNoduleAILib.model.findings import Finding, Findings, Lungs
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.links import LinkDecision
from LungNoduleAILib.model.mask_text import mask_to_dict
from LungNoduleAILib.model.pairs import FollowUp, Interval, Pair, ScanEntry
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import SeriesIdentity, Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages

BY, LATER = By("reader A", "2026-01-02T03:04:05+00:00"), By("reader A", "2026-02-02T03:04:05+00:00")
SHAPE, STEP_MM = (40, 48, 60), 5.0
POSITIONS_ONLY = FollowUpOptions(registration=False, network=False)
PLACES = {"a": (60.0, 10.0, 40.0), "b": (-70.0, -20.0, -30.0), "c": (50.0, 30.0, -50.0)}


def scan(number: int) -> Volume:
    """A box of tissue with two lungs, its axes not in LPS order, a date apart from the one before."""
    array = np.full(SHAPE, 40, np.int16)
    array[5:35, 8:40, 6:26] = array[5:35, 8:40, 34:54] = -850
    array[0, 0, 0] = number
    matrix = np.diag([STEP_MM, -STEP_MM, STEP_MM, 1.0])
    matrix[:3, 3] = (-147.5, 117.5, -97.5)
    return Volume(array, matrix, identity=SeriesIdentity(f"1.{number}", study_date=f"2020{number:02d}10"))


def finding(name: str, place: str, volume_mm3: float = 300.0, mask: Mask | None = None, **more) -> Finding:
    diameter = float(np.cbrt(6 * volume_mm3 / np.pi))
    at, side = PLACES[place], "right" if PLACES[place][0] > 0 else "left"
    lobe = "RUL" if side == "right" else "LLL"
    values = (at, diameter, diameter, diameter, volume_mm3, "solid", 20.0, volume_mm3, lobe, side, 0.9)
    return Finding(name, *values, mask=mask, **more)


def found_of(number: int, *rows: Finding) -> Findings:
    return Findings(f"1.{number}", Lungs(2000.0, 2100.0), rows)


@pytest.fixture
def compared(monkeypatch):
    """A function from the findings of the software at both dates, and the reviews, to the follow-up."""

    def compare(prior: tuple, current: tuple, reviewed: dict[int, Findings]) -> follow_up.FollowUpResult:
        given = {"1.1": prior, "1.2": current}

        def analyze(volume: Volume, *_rest: object) -> AnalysisResult:
            labels = np.zeros(SHAPE, np.uint8)
            labels[5:35, 8:40, 6:26], labels[5:35, 8:40, 34:54] = 4, 1
            rows = given[volume.identity.series_uid]
            return AnalysisResult(volume, labels, replace(found_of(1, *rows), series_uid=volume.identity.series_uid))

        monkeypatch.setattr(follow_up, "analyze", analyze)
        return follow_up.follow_up([scan(1), scan(2)], POSITIONS_ONLY, Progress(), Stages(), reviewed=reviewed)

    return compare


def pairs_of(result: follow_up.FollowUpResult) -> dict[tuple, Pair]:
    return {(pair.prior_id, pair.current_id): pair for pair in result.follow_up.intervals[-1].pairs}


# Nodules and outlines of the reader


@pytest.mark.parametrize("date", [0, 1])
def test_a_nodule_that_the_reader_added_at_either_date_enters_with_its_outline(compared, date):
    drawn = Mask((10, 12, 14), np.tri(6, 5, dtype=bool)[None].repeat(4, axis=0))
    a = finding("Nodule_01", "a")
    review, mine = reviewing.added(found_of(date + 1, a), finding("x", "b", 400.0, drawn), BY)
    others = (a, finding("Nodule_02", "b", 500.0))
    software = ((a,), others) if date == 0 else (others, (a,))
    result = compared(*software, {date: review})
    pair = pairs_of(result)[(mine.id, "Nodule_02") if date == 0 else ("Nodule_02", mine.id)]
    assert pair.status == "matched"
    kept = next(one for one in result.analyses[date].findings.findings if one.id == mine.id)
    assert (kept.source, kept.status, kept.volume_mm3) == ("reader", "accepted", 400.0)
    order, shape = scan(1).axis_order_to_lps(), np.array(SHAPE)
    assert order.flips[2]  # the scan lies mirrored: the outline has to be turned
    assert kept.mask.offset_kji == (10, 12, int(shape[2]) - 14 - 5)
    np.testing.assert_array_equal(kept.mask.array, drawn.array[:, :, ::-1])


def test_an_outline_that_the_reader_drew_is_what_growth_is_measured_from(compared):
    box = Mask((1, 1, 1), np.ones((3, 3, 3), bool))
    drawn = finding("Nodule_01", "a", 800.0, Mask((1, 1, 1), np.ones((4, 4, 4), bool)))
    review = reviewing.remeasured(found_of(1, finding("Nodule_01", "a", mask=box)), "Nodule_01", drawn, "edited", BY)
    result = compared((finding("Nodule_01", "a", mask=box),), (finding("Nodule_01", "a", 800.0),), {0: review})
    (pair,) = result.follow_up.intervals[-1].pairs
    assert pair.growth.volume_change_percent == pytest.approx(0.0)
    first = result.analyses[0].findings.findings[0]
    assert (first.volume_mm3, first.ai_values["volume_mm3"]) == (800.0, 300.0)


def test_a_type_that_the_reader_changed_stays_changed(compared):
    review = reviewing.state(found_of(1, finding("Nodule_01", "a")), "Nodule_01", "type", "part-solid", BY)
    result = compared((finding("Nodule_01", "a"),), (finding("Nodule_01", "a"),), {0: review})
    assert result.follow_up.scans[0].findings[0].type == "part-solid"


def test_a_nodule_that_the_reader_added_and_deleted_does_not_come_back(compared):
    review, mine = reviewing.added(found_of(1), finding("x", "b"), BY)
    review = reviewing.deleted(review, mine.id, BY)
    result = compared((), (), {0: review})
    assert result.follow_up.intervals[-1].pairs == ()
    assert [change.action for change in result.analyses[0].findings.review.history][-2:] == [
        f"{mine.id} deleted",
        "analyzed again",
    ]


def test_without_a_review_the_analysis_is_as_it_is(compared):
    result = compared((finding("Nodule_01", "a"),), (), {0: found_of(1, finding("Other", "b"))})
    assert [one.id for one in result.follow_up.scans[0].findings] == ["Nodule_01"]


# Rejections


def test_what_was_rejected_on_the_prior_ct_is_told_with_its_partner(compared):
    review = reviewing.decide(found_of(1, finding("Nodule_01", "a")), "Nodule_01", "rejected", "vessel", BY)
    result = compared((finding("Nodule_01", "a"),), (finding("Nodule_01", "a"),), {0: review})
    (pair,) = result.follow_up.intervals[-1].pairs
    assert pair.notes == ("Nodule_01 was rejected on the prior CT: vessel.",)


def test_also_when_the_software_does_not_find_it_again_there(compared):
    review = reviewing.decide(found_of(1, finding("Nodule_01", "a")), "Nodule_01", "rejected", "vessel", BY)
    (pair,) = compared((), (finding("Nodule_01", "a"),), {0: review}).follow_up.intervals[-1].pairs
    assert (pair.status, pair.notes) == ("matched", ("Nodule_01 was rejected on the prior CT: vessel.",))


def test_what_was_merged_into_another_says_so_when_it_is_matched(compared):
    rows = finding("Nodule_01", "a", mask=Mask((1, 1, 1), np.ones((2, 2, 2), bool))), finding("Nodule_02", "b")
    review = reviewing.merged(found_of(1, *rows), "Nodule_01", "Nodule_02", rows[0], BY)
    result = compared(rows, (finding("Nodule_01", "a"), finding("Nodule_02", "b")), {0: review})
    pair = pairs_of(result)["Nodule_02", "Nodule_02"]
    assert pair.notes == ("Nodule_02 was rejected on the prior CT: part of Nodule_01.",)


def test_what_is_rejected_on_the_current_ct_is_new_with_that_word(compared):
    review = reviewing.decide(found_of(2, finding("Nodule_01", "a")), "Nodule_01", "rejected", "scar", BY)
    (pair,) = compared((), (finding("Nodule_01", "a"),), {1: review}).follow_up.intervals[-1].pairs
    assert (pair.status, pair.notes) == ("new", ("Nodule_01 was rejected on the current CT: scar.",))


def test_a_new_nodule_at_the_place_of_a_rejected_one_says_so(compared):
    review = reviewing.decide(found_of(1, finding("Nodule_01", "a", 30.0)), "Nodule_01", "rejected", "", BY)
    result = compared((finding("Nodule_01", "a", 30.0),), (finding("Nodule_01", "a"),), {0: review})
    apart = with_decision(result.follow_up, LinkDecision("Nodule_01", "Nodule_01", "unlink"))
    new = next(pair for pair in apart.intervals[-1].pairs if pair.status == "new")
    assert new.notes == ("At its place Nodule_01 was rejected on the prior CT, without a reason.",)


# A reader who goes on while the comparison runs


@pytest.fixture
def handed():
    """The state that is handed over: one nodule rejected."""
    found = found_of(2, finding("Nodule_01", "a"), finding("Nodule_02", "b"))
    return reviewing.decide(found, "Nodule_01", "rejected", "vessel", BY)


@pytest.fixture
def carried(handed):
    """What comes back, with a nodule that was measured again."""
    fresh = found_of(2, finding("Nodule_01", "a", 310.0), finding("Nodule_02", "b", 290.0))
    back = carried_over(handed, fresh, LATER)
    return replace(back, findings=(*back.findings, finding("Again_01", "c")))


def test_what_was_decided_while_a_comparison_ran_stays(handed, carried):
    now = reviewing.decide(handed, "Nodule_02", "accepted", "", LATER)
    now = undo(now, LATER)
    now = redo(now, LATER)
    found = continued(now, carried)
    assert {one.id: one.status for one in found.findings} == {
        "Nodule_01": "rejected",
        "Nodule_02": "accepted",
        "Again_01": "unreviewed",
    }
    assert found.findings[1].volume_mm3 == 290.0
    assert undo(found, LATER).findings[1].status == "unreviewed"


def test_a_nodule_that_was_added_while_a_comparison_ran_stays(handed, carried):
    now, mine = reviewing.added(handed, finding("x", "c", 77.0, Mask((2, 2, 2), np.ones((2, 2, 2), bool))), LATER)
    found = continued(now, carried)
    kept = next(one for one in found.findings if one.id == mine.id)
    assert (kept.volume_mm3, mask_to_dict(kept.mask)) == (77.0, mask_to_dict(mine.mask))


def test_nothing_changed_meanwhile_gives_what_came_back(handed, carried):
    assert [one.to_dict() for one in continued(handed, carried).findings] == [o.to_dict() for o in carried.findings]


def test_words_on_a_finding_that_did_not_come_back_are_kept(handed, carried):
    now = reviewing.decide(handed, "Nodule_02", "accepted", "seen", LATER)
    without = replace(carried, findings=tuple(one for one in carried.findings if one.id != "Nodule_02"))
    found = continued(now, without)
    assert {one.id: one.reason for one in found.findings}["Nodule_02"] == "seen"


# Corrections after the comparison


@pytest.fixture
def told():
    a, b = finding("A", "a", 500.0), finding("C", "a", 1000.0)
    scans = (ScanEntry("", "", "", 1.0, "", (a,)), ScanEntry("", "", "", 1.0, "", (b,)))
    pair = Pair("A", "C", a.center_ras_mm, b.center_ras_mm, "matched", 0.9, growth=assess_growth(a, b, 91))
    return FollowUp(scans, (Interval(0, 1, 91, (pair,)),))


def test_an_outline_edited_after_the_comparison_changes_the_growth(told):
    smaller = replace(told.scans[1].findings[0], volume_mm3=500.0, mean_diameter_mm=9.85)
    (pair,) = as_reviewed(told, told.scans[0].findings, (smaller,)).intervals[-1].pairs
    assert (pair.growth.growth, pair.growth.volume_change_percent) == ("stable", pytest.approx(0.0))


def test_a_decision_alone_leaves_the_growth_as_it_is(told):
    accepted = told.scans[1].findings[0].with_status("accepted")
    (pair,) = as_reviewed(told, (), (accepted,)).intervals[-1].pairs
    assert pair.growth is told.intervals[-1].pairs[0].growth


def test_a_rejection_after_the_comparison_is_told_and_goes_when_it_is_taken_back(told):
    rejected = told.scans[0].findings[0].with_status("rejected", "vessel")
    once = as_reviewed(told, (rejected,), ())
    assert once.intervals[-1].pairs[0].notes == ("A was rejected on the prior CT: vessel.",)
    assert as_reviewed(once, told.scans[0].findings, ()).intervals[-1].pairs[0].notes == ()


def test_what_was_added_or_removed_since_is_named(told):
    new = finding("R", "b")
    assert came_and_went(told, (), (*told.scans[1].findings, new)) == (
        "A: removed from the prior CT since the comparison. Compare again to take this in.",
        "R: added to the current CT since the comparison. Compare again to take this in.",
    )
    assert came_and_went(told, None, None) == ()
