"""FROC and CPM are those of LUNA16's own script, on constructed cases, random ones and the challenge's tables."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from fixtures.froc_cases import CASES, Case, Row
from LungNoduleAILib.datasets.luna_tables import read_marks, read_places, read_series, write_marks
from ThoraxAILib.statistics.froc import RATES, bootstrap, evaluate_froc, froc_curve
from ThoraxAILib.statistics.mark_matching import match
from ThoraxAILib.statistics.marks import Marks, Places

HEADER = "seriesuid,coordX,coordY,coordZ,probability"
LPS = np.array([-1.0, -1.0, 1.0])


def marks_of(rows: Sequence[Row]) -> Marks:
    return Marks(*columns(rows))


def places_of(rows: Sequence[Row]) -> Places:
    return Places(*columns(rows))


def columns(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    numbers = np.array([row[1:] for row in rows], dtype=float).reshape(-1, 4)
    return np.array([row[0] for row in rows], dtype=str), numbers[:, :3] * LPS, numbers[:, 3]


def official(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """False positives per scan and sensitivities as the challenge's script finds them, told again step by step."""
    sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle of the ROC steps")
    sklearn_exceptions = pytest.importorskip("sklearn.exceptions")
    truth: list[float] = []
    score: list[float] = []
    missed: list[bool] = []
    for uid in case.series:
        candidates = dict(enumerate(row for row in case.marks if row[0] == uid))
        if len(candidates) > 100:
            limit = sorted((row[4] for row in candidates.values()), reverse=True)[100]
            candidates = {key: row for key, row in candidates.items() if row[4] > limit}
        left = dict(candidates)
        places = [(row, True) for row in case.nodules if row[0] == uid]
        places += [(row, False) for row in case.excluded if row[0] == uid]
        for (_, x, y, z, diameter), included in places:
            radius2 = math.pow((10.0 if diameter < 0 else diameter) / 2.0, 2.0)
            inside = [
                key
                for key, row in candidates.items()
                if math.pow(x - row[1], 2.0) + math.pow(y - row[2], 2.0) + math.pow(z - row[3], 2.0) < radius2
            ]
            for key in inside:
                left.pop(key, None)
            if included:
                truth.append(1.0)
                score.append(max((candidates[key][4] for key in inside), default=-1e9))
                missed.append(not inside)
        truth += [0.0] * len(left)
        score += [row[4] for row in left.values()]
        missed += [False] * len(left)
    kept_truth = [value for value, out in zip(truth, missed, strict=True) if not out]
    kept_score = [value for value, out in zip(score, missed, strict=True) if not out]
    if sum(kept_truth) == 0:  # the script fails or gives NaN here
        return np.zeros(1), np.zeros(1)
    if sum(truth) == len(truth):  # ROC analysis knows no false positive rate here, the script sets it to zero
        with pytest.warns(sklearn_exceptions.UndefinedMetricWarning):
            false_rate, true_rate, _ = sklearn_metrics.roc_curve(kept_truth, kept_score)
        false = np.zeros(len(false_rate))
    else:
        false_rate, true_rate, _ = sklearn_metrics.roc_curve(kept_truth, kept_score)
        false = false_rate * (len(kept_score) - sum(kept_truth)) / len(case.series)
    return false, (true_rate * sum(kept_truth)) / sum(truth)


def result(case: Case):
    return evaluate_froc(marks_of(case.marks), places_of(case.nodules), places_of(case.excluded), case.series)


def random_case(seed: int) -> Case:
    """Crowded scans with many ties, doubles, overlapping nodules, excluded findings and more than 100 marks."""
    random = np.random.default_rng(seed)
    series = tuple(f"scan{number}" for number in range(int(random.integers(1, 7))))

    def rows(count: int, values: Callable[[], float]) -> list[Row]:
        return [
            (str(random.choice([*series, "elsewhere"])), *(float(x) for x in random.integers(0, 30, 3)), values())
            for _ in range(count)
        ]

    nodules = rows(int(random.integers(1, 12)), lambda: float(random.choice([-1.0, 4.0, 9.5, 14.0])))
    nodules.append((series[0], 5.0, 5.0, 5.0, 8.0))
    excluded = rows(int(random.integers(0, 12)), lambda: float(random.choice([-1.0, 6.0])))
    marks = rows(int(random.integers(0, 400)), lambda: float(random.integers(0, 60)) / 60)
    return Case(f"random {seed}", marks, nodules, (), excluded, series)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_constructed_cases_give_the_sensitivities_found_on_paper(case):
    outcome, curve = result(case)
    assert curve.sensitivity_at() == pytest.approx(case.expected, abs=1e-12)
    assert curve.cpm == pytest.approx(np.mean(case.expected), abs=1e-12)
    assert {name: getattr(outcome, name) for name in case.counts} == case.counts


@pytest.mark.parametrize("case", [*CASES, *(random_case(seed) for seed in range(60))], ids=str)
def test_sensitivities_equal_those_of_the_official_algorithm_to_the_last_bit(case):
    curve = result(case)[1]
    false, sensitivity = official(case)
    grid = np.linspace(0.125, 8, 10001)
    assert np.array_equal(curve.sensitivity_at(RATES), np.interp(RATES, false, sensitivity))
    assert curve.sensitivity_at(grid) == pytest.approx(np.interp(grid, false, sensitivity), abs=1e-12)


def test_the_order_of_rows_does_not_matter():
    case = random_case(7)
    turned = Case(case.name, case.marks[::-1], case.nodules[::-1], (), case.excluded[::-1], case.series[::-1])
    assert np.array_equal(result(case)[1].sensitivity, result(turned)[1].sensitivity)


def test_curve_gives_the_threshold_of_a_rate_and_the_outcome_what_it_yields():
    case = next(case for case in CASES if case.name == "hits and false positives in turn")
    outcome, curve = result(case)
    assert curve.threshold_at(0.99) == 0.9
    assert curve.threshold_at(1.0) == 0.7
    assert outcome.at_threshold(0.7) == (1.0, 1.0)
    assert outcome.at_threshold(0.75) == (0.5, 1.0)


def test_nodules_of_one_kind_share_all_false_positives():
    case = next(case for case in CASES if case.name == "hits and false positives in turn")
    outcome = result(case)[0]
    assert froc_curve(outcome.among(np.array([False, True]))).sensitivity_at() == pytest.approx((0, 0, 0, 1, 1, 1, 1))
    assert froc_curve(outcome.among(np.array([True, False]))).cpm == 1.0


def test_bootstrap_resamples_scans_and_agrees_with_repeating_the_whole_evaluation():
    case = random_case(5)
    found = bootstrap(result(case)[0], resamples=40, seed=3)
    random = np.random.default_rng(3)
    values = []
    for _ in range(40):
        chosen = [case.series[i] for i in random.integers(len(case.series), size=len(case.series))]
        copies = [(f"{name}#{n}", name) for n, name in enumerate(chosen)]
        renamed = {
            rows: [(new, *row[1:]) for new, old in copies for row in getattr(case, rows) if row[0] == old]
            for rows in ("marks", "nodules", "excluded")
        }
        if renamed["nodules"]:
            again = Case("", renamed["marks"], renamed["nodules"], (), renamed["excluded"], tuple(n for n, _ in copies))
            values.append(result(again)[1].sensitivity_at())
    cpm = np.sort(np.mean(values, axis=1))
    assert found.resamples == len(values)
    assert found.cpm.mean == pytest.approx(cpm.mean(), abs=1e-12)
    assert found.cpm.low == pytest.approx(cpm[int(0.025 * len(cpm))], abs=1e-12)
    assert found.cpm.high == pytest.approx(cpm[int(0.975 * len(cpm))], abs=1e-12)
    assert found.sensitivity_at[3].mean == pytest.approx(np.array(values)[:, 3].mean(), abs=1e-12)


def test_bootstrap_is_the_same_for_the_same_seed_only():
    outcome = result(random_case(6))[0]
    assert bootstrap(outcome, 50, seed=1) == bootstrap(outcome, 50, seed=1)
    assert bootstrap(outcome, 50, seed=1) != bootstrap(outcome, 50, seed=2)


def test_scans_without_any_nodule_and_repeated_scans_are_refused(refused):
    with refused("no nodule in the listed scans"):
        evaluate_froc(Marks.none(), places_of([("b", 0, 0, 0, 5)]), Places.none(), ["a"])
    with refused("names 1 series more than once"):
        match(Marks.none(), Places.none(), Places.none(), ["a", "b", "a"])
    with refused("list of scans is empty"):
        match(Marks.none(), Places.none(), Places.none(), [])


def test_marks_that_are_no_numbers_are_refused(refused):
    with refused("1 of 2 marks"):
        marks_of([("a", 0, 0, 0, 0.5), ("a", 0, 0, 0, math.nan)])
    with refused("1 of 1 nodules"):
        places_of([("a", math.inf, 0, 0, 5)])


def test_a_table_is_turned_from_lps_to_ras_and_written_back(tmp_path):
    table = tmp_path / "marks.csv"
    table.write_text("seriesuid,coordX,coordY,coordZ,probability,remark\nx,-1.5,2,3,0.25,none\n", encoding="utf-8")
    marks = read_marks(table)
    assert marks.centers_ras_mm.tolist() == [[1.5, -2.0, 3.0]]
    write_marks(tmp_path / "again.csv", marks)
    assert read_marks(tmp_path / "again.csv").centers_ras_mm.tolist() == [[1.5, -2.0, 3.0]]
    assert (tmp_path / "again.csv").read_text().splitlines()[1] == "x,-1.5,2.0,3.0,0.25"


def test_lists_of_series_are_read_with_and_without_header(tmp_path):
    for number, text in enumerate(("1.2\n1.3\n", "seriesuid\n1.2\n1.3\n", "\ufeffseriesuid\r\n1.2\r\n\r\n1.3")):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(text.encode())
        assert read_series(path) == ("1.2", "1.3")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER[:-12] + "\n", "has no column probability"),
        (HEADER + "\na,1,2,3\n", "Row 1 of 'marks.csv' has 4 cells where 5"),
        (HEADER + "\na,1,2,3,0.5\na,1,two,3,0.5\n", "Row 2 of 'marks.csv' has coordY 'two'"),
        (HEADER + "\na,1,2,3,nan\n", "probability 'nan'"),
    ],
)
def test_tables_that_cannot_be_used_are_refused_in_one_sentence(tmp_path, refused, text, words):
    path = tmp_path / "marks.csv"
    path.write_text(text, encoding="utf-8")
    with refused(words):
        read_marks(path)


def test_missing_binary_and_empty_tables_are_refused_or_empty(tmp_path, refused):
    with refused("There is no table 'none.csv'"):
        read_places(tmp_path / "none.csv")
    (tmp_path / "image.csv").write_bytes(b"\xff\xfe\x00\xd8" * 9)
    with refused("not a text table"):
        read_series(tmp_path / "image.csv")
    (tmp_path / "empty.csv").write_text("")
    assert len(read_places(tmp_path / "empty.csv").series) == 0
    with refused("names no series"):
        read_series(tmp_path / "empty.csv")


@pytest.fixture(scope="module")
def luna(shared_data) -> tuple[Places, Places, tuple[str, ...]]:
    """The real tables of the challenge."""
    folder = shared_data("tables/luna16")
    return (
        read_places(folder / "annotations.csv"),
        read_places(folder / "annotations_excluded.csv"),
        read_series(folder / "seriesuids.csv"),
    )


def test_luna_tables_are_read_whole(luna):
    nodules, excluded, series = luna
    assert (len(nodules.series), len(excluded.series), len(series)) == (1185, 35150, 887)


def test_on_luna_tables_a_detector_that_marks_the_annotations_has_cpm_1(luna):
    nodules, excluded, series = luna
    marks = Marks(nodules.series, nodules.centers_ras_mm, np.ones(len(nodules.series)))
    outcome, curve = evaluate_froc(marks, nodules, excluded, series)
    assert curve.cpm == 1.0
    assert outcome.marks_elsewhere == outcome.nodules_elsewhere == 0


def test_on_luna_tables_marks_moved_by_a_share_of_the_radius_hit_up_to_the_radius(luna):
    nodules, excluded, series = luna
    for share, cpm in ((0.98, 1.0), (1.02, None)):
        moved = nodules.centers_ras_mm + np.outer(nodules.diameter_mm / 2 * share, (1, 0, 0))
        outcome, curve = evaluate_froc(Marks(nodules.series, moved, np.ones(len(moved))), nodules, excluded, series)
        if cpm is not None:
            assert curve.cpm == cpm
        else:  # only marks that fell into a neighboring nodule are left
            assert outcome.is_missed.sum() > 1150


def test_on_luna_tables_a_random_detector_equals_the_official_algorithm(luna):
    nodules, excluded, series = luna
    rows = {
        name: [
            (str(s), *(center * LPS), d)
            for s, center, d in zip(places.series, places.centers_ras_mm, places.diameter_mm, strict=True)
        ]
        for name, places in (("nodules", nodules), ("excluded", excluded))
    }
    few = series[:40]
    random = np.random.default_rng(0)
    marks = [
        (*row[:1], *(np.array(row[1:4]) + random.normal(0, 2, 3)), float(random.uniform()))
        for row in [*rows["nodules"], *rows["excluded"][::3]]
        if row[0] in few
    ]
    case = Case("luna", marks, rows["nodules"], (), rows["excluded"], few)
    false, sensitivity = official(case)
    assert np.array_equal(result(case)[1].sensitivity_at(), np.interp(RATES, false, sensitivity))
    assert 0.2 < result(case)[1].cpm < 1.0


def test_csv_reader_and_writer_keep_every_digit(tmp_path):
    value = 0.1 + 0.2
    write_marks(tmp_path / "m.csv", marks_of([("a", value, 1.0, 2.0, 1 / 3)]))
    with (tmp_path / "m.csv").open() as file:
        row = next(csv.DictReader(file))
    assert float(row["coordX"]) == value
    assert float(row["probability"]) == 1 / 3
