"""pairs.json and tracks: successive pairs become one row per nodule over all dates."""

import json

import pytest

from LungNoduleAILib.followup.growth.assessment import assess_growth
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.pairs import FollowUp, Interval, Pair, ScanEntry, make_tracks, with_growth


def nodule(name: str, volume_mm3: float = 500.0) -> Finding:
    return Finding(name, (1.0, 2.0, 3.0), 9.8, 9.8, 9.8, volume_mm3, "solid", 20.0, volume_mm3, "RUL", "right", 0.9)


def pair(prior: str | None, current: str | None, status: str) -> Pair:
    place = (1.0, 2.0, 3.0)
    return Pair(prior, current, place if prior else None, place if current else None, status, 0.9)


SCANS = [[nodule("A"), nodule("B")], [nodule("C", 700.0), nodule("D")], [nodule("E", 900.0)]]
INTERVALS = [
    Interval(0, 1, 90, (pair("A", "C", "matched"), pair("B", None, "resolved"), pair(None, "D", "new"))),
    Interval(1, 2, 100, (pair("C", "E", "matched"), pair("D", None, "resolved"))),
]


def test_a_nodule_seen_at_every_date_is_one_track():
    tracks = {track.finding_ids: track.volumes_mm3 for track in make_tracks(SCANS, INTERVALS)}
    assert tracks[("A", "C", "E")] == (500.0, 700.0, 900.0)


def test_new_and_resolved_nodules_have_gaps_and_nobody_is_lost():
    rows = {track.finding_ids for track in make_tracks(SCANS, INTERVALS)}
    assert rows == {("A", "C", "E"), ("B", None, None), (None, "D", None)}


def test_an_uncertain_pair_does_not_continue_a_track():
    unsure = [Interval(0, 1, 90, (pair("A", "C", "uncertain"),))]
    rows = {track.finding_ids for track in make_tracks([[nodule("A")], [nodule("C")]], unsure)}
    assert rows == {("A", None), (None, "C")}


def followup() -> FollowUp:
    growth = assess_growth(nodule("C", 500.0), nodule("E", 1000.0), 100)
    last = Interval(1, 2, 100, (with_growth(pair("C", "E", "matched"), growth), pair("D", None, "resolved")))
    scans = tuple(ScanEntry("20200101", "1.2", "B30f", 1.0, "", tuple(found)) for found in SCANS)
    return FollowUp(scans, (INTERVALS[0], last))


def test_the_document_holds_the_pairs_of_the_last_two_dates():
    document = followup().to_dict()
    assert document["schema"] == "thoraxai.pairs/1"
    first, _ = document["pairs"]
    assert (first["prior_id"], first["current_id"], first["growth"]) == ("C", "E", "growing")
    assert first["volume_change_percent"] == 100.0
    assert first["vdt_days"] == pytest.approx(100.0)
    assert len(document["intervals"]) == 2


def test_a_document_read_again_says_the_same():
    document = json.loads(json.dumps(followup().to_dict()))
    assert FollowUp.from_dict(document).to_dict() == document
    with pytest.raises(ValueError, match="schema"):
        FollowUp.from_dict({"schema": "other"})


def test_an_unknown_status_is_refused():
    with pytest.raises(ValueError, match="status"):
        pair("A", "B", "perhaps")
