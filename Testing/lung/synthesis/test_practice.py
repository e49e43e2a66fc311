"""The practice: seeded cases by difficulty, a score that an oracle confirms, look-alikes off the nodules, progress."""

from __future__ import annotations

import csv
import json
from itertools import permutations

import numpy as np
import pytest

from LungNoduleAILib.practice.cases import make_practice_case
from LungNoduleAILib.practice.progress import BOOK, add_progress, progress_words
from LungNoduleAILib.practice.score import LEAST_REACH_MM, Mark, score_marks
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from ThoraxAILib.practice.score_book import DIFFICULTIES

COARSE = (6.0, 6.0, 6.0)


def oracle(marks, nodules) -> tuple[int, int, int]:
    """Found, missed and false marks by trying every assignment."""
    slots = [*range(len(nodules)), *[None] * len(marks)]
    best = 0
    for chosen in set(permutations(slots, len(marks))):
        hits = sum(
            slot is not None
            and np.linalg.norm(np.array(mark.center_ras_mm) - nodules[slot].center_ras_mm)
            <= max(nodules[slot].diameter_mm / 2, LEAST_REACH_MM)
            for mark, slot in zip(marks, chosen, strict=True)
        )
        best = max(best, hits)
    return best, len(nodules) - best, len(marks) - best


def scripted_trainee(nodules, rng) -> list[Mark]:
    """Marks most nodules nearly right, some twice, and one place without a nodule."""
    near = [
        Mark(tuple(np.array(one.center_ras_mm) + rng.normal(0, 3, 3)), one.diameter_mm + 1.5)
        for one in nodules
        if rng.random() < 0.7
    ]
    return [*near[:3], Mark((300.0, 0.0, 0.0), 6.0), *near[:1]]


def check_against_oracle(nodules, rng) -> None:
    marks = scripted_trainee(nodules, rng)
    score = score_marks(marks, nodules, 42.0)
    assert (len(score.found), len(score.missed), len(score.false_marks)) == oracle(marks, nodules)
    assert set(score.found) | set(score.missed) == {one.id for one in nodules}
    assert score.size_error_mm == (1.5 if score.found else None)
    assert score.seconds == 42.0


@pytest.mark.parametrize("seed", range(20))
def test_the_score_of_a_scripted_trainee_equals_the_oracles(seed):
    rng = np.random.default_rng(seed)
    places = rng.uniform(-25, 25, (int(rng.integers(0, 5)), 3))  # crowded: several nodules within reach of a mark
    nodules = [PlantedNodule(tuple(place), (4.0, 4.0, 4.0), id=f"N{n}") for n, place in enumerate(places)]
    check_against_oracle(nodules, rng)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_the_score_on_five_cases_equals_the_oracles(seed):
    nodules = make_practice_case(seed, DIFFICULTIES[seed % 3], COARSE).phantom.nodules
    check_against_oracle(nodules, np.random.default_rng(seed))


def test_two_marks_on_one_nodule_are_one_hit_and_one_false_mark_and_close_nodules_get_one_each():
    nodules = [PlantedNodule((0.0, 0.0, 0.0), (4, 4, 4), id="A"), PlantedNodule((8.0, 0.0, 0.0), (4, 4, 4), id="B")]
    twice = score_marks([Mark((0, 0, 0)), Mark((1, 0, 0))], nodules[:1])
    assert (twice.found, twice.false_marks) == (("A",), (1,))
    both = score_marks([Mark((4.0, 0, 0)), Mark((3.5, 0, 0))], nodules)
    assert both.found == ("A", "B")
    assert score_marks([], nodules).missed == ("A", "B")
    assert score_marks([Mark((0, 0, 0))], []).false_marks == (0,)


@pytest.fixture(scope="module")
def case():
    return make_practice_case(4, "easy", COARSE)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_case_and_harder_cases_have_smaller_nodules(case):
    again, hard = make_practice_case(4, "easy", COARSE), make_practice_case(5, "hard", COARSE)
    assert np.array_equal(case.phantom.volume.array, again.phantom.volume.array)
    assert case.look_alikes == again.look_alikes
    assert all(nodule.diameter_mm <= 8.01 for nodule in hard.phantom.nodules)
    assert all(nodule.diameter_mm >= 8.99 for nodule in case.phantom.nodules)


def test_another_difficulty_is_refused(refused):
    with refused("easy, medium, hard"):
        make_practice_case(1, "brutal", COARSE)


def test_three_look_alikes_with_reasons_lie_in_the_lung_and_off_every_nodule(case):
    assert len({one.what for one in case.look_alikes}) == 3
    for one in case.look_alikes:
        assert one.why.endswith(".")
        assert not score_marks([Mark(one.center_ras_mm)], case.phantom.nodules).found


def test_progress_is_kept_and_exported_and_another_file_is_refused(tmp_path, refused):
    path = tmp_path / "progress.json"
    nodules = [PlantedNodule((0.0, 0.0, 0.0), (4, 4, 4), id="A")]
    add_progress(path, 1, "easy", score_marks([Mark((0, 0, 0), 9.0)], nodules, 30.0))
    entries = add_progress(path, 2, "hard", score_marks([Mark((90, 0, 0))], nodules))
    assert BOOK.read(path) == entries
    assert progress_words(entries) == "2 cases: 1 of 2 nodules found, 0.5 false marks per case"
    BOOK.export(entries, tmp_path / "progress.csv")
    rows = list(csv.DictReader((tmp_path / "progress.csv").open(encoding="utf-8")))
    assert [(row["seed"], row["found"], row["size_error_mm"]) for row in rows] == [("1", "1", "1.0"), ("2", "0", "")]
    (tmp_path / "other.json").write_text(json.dumps({"schema": "x"}), encoding="utf-8")
    with refused("no progress of the practice"):
        BOOK.read(tmp_path / "other.json")
