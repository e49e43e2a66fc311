"""Nodules of two dates find their partners, or are told to be new, resolved or uncertain."""

from __future__ import annotations

import csv
import itertools

import numpy as np
import pytest

from LungNoduleAILib.followup.matching.association import best_assignment, pair_probabilities
from LungNoduleAILib.followup.matching.lung_frame import LungFrame, aligned_distances, registered_distances
from LungNoduleAILib.followup.matching.match import MATCHED, NEW, RESOLVED, UNCERTAIN, Evidence, MatchItem, match
from LungNoduleAILib.followup.matching.points import match_positions
from LungNoduleAILib.model.links import LinkDecision, read_links, write_links
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.registration.field import Field


def chest_points(seed: int, count: int) -> np.ndarray:
    """Points spread over a chest, in RAS mm."""
    return np.random.default_rng(seed).uniform((-120, -80, -120), (120, 80, 120), (count, 3))


def items(points: np.ndarray, prefix: str, volume_mm3: float | None = 200.0) -> list[MatchItem]:
    """Solid nodules of one size at points."""
    return [MatchItem(f"{prefix}{n}", tuple(point), volume_mm3, "solid") for n, point in enumerate(points)]


def pairs_of(rows: list, status: str = MATCHED) -> set[tuple[str | None, str | None]]:
    """Ids of the rows of one status."""
    return {(row.prior_id, row.current_id) for row in rows if row.status == status}


def exhaustive(log_odds: np.ndarray) -> np.ndarray:
    """Pair probabilities by listing every one-to-one assignment."""
    rows, columns = log_odds.shape
    total, of_pair = 0.0, np.zeros(log_odds.shape)
    for choice in itertools.product(range(-1, columns), repeat=rows):
        used = [j for j in choice if j >= 0]
        if len(used) == len(set(used)):
            weight = np.exp(sum(log_odds[i, j] for i, j in enumerate(choice) if j >= 0))
            total += weight
            for i, j in enumerate(choice):
                if j >= 0:
                    of_pair[i, j] += weight
    return of_pair / total


@pytest.mark.parametrize("shape", [(1, 4), (3, 1), (3, 3), (4, 2)])
def test_pair_probabilities_agree_with_listing_every_assignment(shape):
    log_odds = np.random.default_rng(3).normal(0, 2, shape)
    assert np.abs(pair_probabilities(log_odds) - exhaustive(log_odds)).max() < (1e-6 if 1 in shape else 0.06)


def test_the_best_assignment_leaves_alone_what_is_more_likely_alone():
    assert best_assignment(np.array([[3.0, 2.9], [2.9, -1.0]])) == [(0, 1), (1, 0)]
    assert best_assignment(np.array([[-0.1]])) == []
    assert best_assignment(np.zeros((0, 3))) == []


def test_points_are_matched_through_a_shift_larger_than_their_distances():
    prior = chest_points(0, 9)
    moved = prior @ np.diag([1.04, 0.98, 1.06]).T + (9, -40, 310) + np.random.default_rng(1).normal(0, 2, (9, 3))
    order = np.random.default_rng(2).permutation(9)
    found = match_positions(prior, moved[order])
    assert {(i, int(order[j])) for i, j in found.pairs} == {(n, n) for n in range(9)}
    assert np.abs(found.moved(prior) - moved).max() < 12


def test_points_without_a_partner_stay_alone():
    prior = chest_points(4, 6)
    current = np.concatenate([prior[1:] + np.array((5, 12, -30)), [[-100.0, 70.0, 200.0]]])
    assert set(match_positions(prior, current).pairs) == {(n, n - 1) for n in range(1, 6)}


def test_a_common_shift_of_the_scanner_changes_no_match():
    prior, current = chest_points(5, 5), chest_points(5, 5)[:4] + np.random.default_rng(6).normal(0, 4, (4, 3))
    near = match_positions(prior, current)
    far = match_positions(prior + 500.0, current + 500.0)
    assert near.pairs == far.pairs == tuple((n, n) for n in range(4))


@pytest.mark.parametrize("bad", [np.zeros((2, 2)), np.array([[np.nan, 0, 0]])])
def test_points_that_are_none_are_refused(bad):
    with pytest.raises(InputError):
        match_positions(bad, np.zeros((1, 3)))


def test_every_nodule_is_in_exactly_one_row_whatever_is_known():
    prior, current = items(chest_points(7, 5), "P"), items(chest_points(7, 6)[1:] + np.array((6, 3, -4)), "C")
    random = np.random.default_rng(8)
    similarity, distance = random.uniform(-0.2, 0.9, (5, 5)), random.uniform(1, 60, (5, 5))
    for evidence in (
        None,
        Evidence(registered_mm=distance),
        Evidence(similarity, distance),
        Evidence(similarity, distance, distance[::-1]),
    ):
        rows = match(prior, current, evidence)
        assert sorted(row.prior_id for row in rows if row.prior_id) == [item.id for item in prior]
        assert sorted(row.current_id for row in rows if row.current_id) == [item.id for item in current]
        assert all(0 <= row.match_probability <= 1 for row in rows)


def test_new_and_resolved_nodules_are_told_by_positions_alone():
    places = chest_points(9, 8)
    rows = match(items(places[:7], "P", None), items(places[1:] + np.array((3, -8, 25)), "C", None))
    assert pairs_of(rows) == {(f"P{n}", f"C{n - 1}") for n in range(1, 7)}
    assert pairs_of(rows, RESOLVED) == {("P0", None)}
    assert pairs_of(rows, NEW) == {(None, "C6")}


def test_no_nodules_at_either_date_are_no_error():
    assert match([], []) == []
    assert [row.status for row in match([], items(chest_points(1, 2), "C"))] == [NEW, NEW]
    assert [row.status for row in match(items(chest_points(1, 2), "P"), [])] == [RESOLVED, RESOLVED]


def test_two_equal_candidates_leave_the_decision_to_the_reader():
    prior = items(np.zeros((1, 3)), "P")
    current = items(np.array([[4.0, 0, 0], [-4.0, 0, 0]]), "C")
    rows = match(prior, current, Evidence(registered_mm=np.array([[4.0, 4.0]])))
    uncertain = next(row for row in rows if row.status == UNCERTAIN)
    assert {(c.prior_id, c.current_id) for c in uncertain.candidates} == {("P0", "C0"), ("P0", "C1")}
    assert sum(row.status == NEW for row in rows) == 1


def test_disagreement_of_network_and_registration_is_told():
    prior, current = items(np.zeros((2, 3)), "P"), items(np.zeros((2, 3)), "C")
    near_far = np.array([[1.0, 60.0], [60.0, 1.0]])
    alike = np.array([[0.95, 0.0], [0.0, 0.95]])
    agreeing = match(prior, current, Evidence(alike, near_far, near_far))
    assert pairs_of(agreeing) == {("P0", "C0"), ("P1", "C1")}
    assert all(row.method_agreement is True for row in agreeing)
    against = match(prior, current, Evidence(alike[::-1], near_far[::-1], near_far))
    assert all(row.method_agreement is False for row in against)
    assert match(prior, current, Evidence(registered_mm=near_far))[0].method_agreement is None


def test_the_reader_s_links_and_unlinks_win():
    places = chest_points(10, 3)
    prior, current = items(places, "P"), items(places + np.array((2, 2, 2)), "C")
    decisions = [LinkDecision("P0", "C1", "link"), LinkDecision("P2", "C2", "unlink")]
    rows = match(prior, current, Evidence(registered_mm=distances(places, places + 2)), decisions=decisions)
    linked = next(row for row in rows if row.prior_id == "P0")
    assert (linked.current_id, linked.status, linked.match_probability, linked.decided_by) == (
        "C1",
        MATCHED,
        1.0,
        "reader",
    )
    assert ("P2", "C2") not in pairs_of(rows)
    assert pairs_of(rows, RESOLVED) >= {("P2", None)}


def distances(prior: np.ndarray, current: np.ndarray) -> np.ndarray:
    """All distances between two sets of points."""
    return np.linalg.norm(prior[:, None] - current[None], axis=2)


@pytest.mark.parametrize(
    "wrong",
    [
        [LinkDecision("P9", "C0", "link")],
        [LinkDecision("P0", "C0", "link"), LinkDecision("P0", "C1", "link")],
        [LinkDecision("P0", "C0", "link"), LinkDecision("P0", "C0", "unlink")],
    ],
)
def test_contradictory_or_unknown_links_are_refused(wrong):
    with pytest.raises(InputError):
        match(items(np.zeros((2, 3)), "P"), items(np.zeros((2, 3)), "C"), decisions=wrong)


def test_links_survive_their_file_and_odd_files_are_refused(tmp_path):
    decisions = (LinkDecision("N01", "N03", "link"), LinkDecision("N,2", "N04", "unlink"))
    write_links(decisions, tmp_path / "links.csv")
    assert read_links(tmp_path / "links.csv") == decisions
    (tmp_path / "other.csv").write_text("prior_id,decision\nN01,link\n")
    with pytest.raises(InputError, match="current_id"):
        read_links(tmp_path / "other.csv")
    (tmp_path / "word.csv").write_text("prior_id,current_id,decision\nN01,N02,maybe\n")
    with pytest.raises(InputError, match="maybe"):
        read_links(tmp_path / "word.csv")


def test_a_much_larger_nodule_is_a_less_likely_partner():
    evidence = Evidence(registered_mm=np.array([[6.0, 6.0]]))
    current = [MatchItem("small", (0, 0, 6), 210.0, "solid"), MatchItem("large", (0, 6, 0), 6000.0, "solid")]
    rows = match([MatchItem("P", (0, 0, 0), 200.0, "solid")], current, evidence)
    told = {row.current_id: row for row in rows}
    assert told["small"].prior_id == "P"


def test_lungs_laid_over_one_another_undo_position_and_breath():
    points = chest_points(11, 6)
    lungs = chest_points(12, 500)
    stretch, shift = np.array([1.03, 1.05, 1.15]), np.array([14.0, -60.0, 200.0])
    one, other = LungFrame.around(lungs), LungFrame.around(lungs * stretch + shift)
    aligned = aligned_distances(items(points, "P"), items(points * stretch + shift, "C"), one, other)
    assert np.diag(aligned).max() < 4 < aligned[~np.eye(6, dtype=bool)].min()
    assert np.allclose(one.placed(one.normalized(points)), points)


def test_registered_distances_follow_the_pull_back_field():
    grid = Grid.centered((10, 12, 14), (20.0, 20.0, 20.0))
    field = Field(np.full((10, 12, 14, 3), (5.0, -3.0, 8.0), dtype=np.float32), grid)
    current = np.array([[10.0, 0, 0], [-40.0, 20, 15]])
    found = registered_distances(items(current + np.array((5, -3, 8)), "P"), items(current, "C"), field)
    assert np.abs(np.diag(found)).max() < 1e-3


def test_evidence_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="registered_mm"):
        match(items(np.zeros((2, 3)), "P"), items(np.zeros((1, 3)), "C"), Evidence(registered_mm=np.zeros((1, 2))))


def test_real_nodules_are_matched_by_coordinates_better_than_by_nearest_neighbor(shared_data):
    dates: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    with shared_data("tables/luna25_nodules.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            place = np.array([float(row[f"Coord{axis}"]) for axis in "XYZ"]) * (-1, -1, 1)
            dates.setdefault(row["PatientID"], {}).setdefault(row["StudyDate"], {})[row["NoduleID"]] = place
    right, near, total = 0, 0, 0
    for person in dates.values():
        for one, other in itertools.combinations([person[date] for date in sorted(person)], 2):
            prior, current = (np.array(list(date.values())) for date in (one, other))
            found = dict(match_positions(prior, current).pairs)
            nearest = distances(prior, current).argmin(axis=1)
            for i, name in enumerate(one):
                if name in other:
                    right += found.get(i) == list(other).index(name)
                    near += nearest[i] == list(other).index(name)
                    total += 1
    assert total > 3000
    assert right / total > 0.97 > 0.95 > near / total
