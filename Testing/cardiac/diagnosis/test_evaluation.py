"""How good a diagnosis is: nested, with intervals and paired tests; a leak rings an alarm; a cohort to learn from."""

from __future__ import annotations

import json

import numpy as np
import pytest

from CardiacBiomechLib.diagnosis.evaluation import evaluation
from CardiacBiomechLib.diagnosis.evaluation.ablation import ablation
from CardiacBiomechLib.diagnosis.evaluation.cross_validation import confusion, nested_answers, stability
from CardiacBiomechLib.diagnosis.evaluation.evaluation import EvaluationEffort, evaluate
from CardiacBiomechLib.diagnosis.evaluation.learning_curve import learning_curve, spread_subset
from CardiacBiomechLib.diagnosis.evaluation.rule_baseline import rule_baseline
from CardiacBiomechLib.diagnosis.explanation.rules import by_rules
from CardiacBiomechLib.diagnosis.features.table import FeatureTable, write_table
from CardiacBiomechLib.diagnosis.models.classifiers import C_VALUES, make_pipeline, tuned_pipeline
from CardiacBiomechLib.diagnosis.models.train import DiagnosisTraining
from CardiacBiomechLib.training.diagnosis_cohort import cohort_table
from fixtures.heart_tables import heart_table
from ThoraxAILib.cli.main import main
from ThoraxAILib.statistics.proportions import clopper_pearson, mcnemar_p

pytest.importorskip("sklearn")
NUMBERS = np.repeat(np.arange(4), 15)
OPTIONS = DiagnosisTraining()
QUICK = EvaluationEffort(subsets=2, permutations=9, noise_draws=2)


def test_exact_intervals_and_tests_are_the_published_ones():
    assert clopper_pearson(50, 50)[0] == pytest.approx(0.929, abs=5e-4)
    np.testing.assert_allclose(clopper_pearson(46, 50), (0.808, 0.978), atol=5e-4)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert mcnemar_p(5, 0) == pytest.approx(2 / 32)
    assert mcnemar_p(0, 0) == 1.0


def test_the_rules_are_counted_on_the_same_rows_as_the_models():
    table = heart_table()
    found = rule_baseline(table)
    alone = among = 0
    for row, group in zip(table.values, table.groups, strict=True):
        left = by_rules(dict(zip(table.features, row, strict=True))).possible
        alone += left == (group,)
        among += group in left
    assert (found.rows, found.right, found.among) == (len(table.names), alone, among)
    assert found.right <= found.among
    assert "lv_mass_index_g_m2" in found.open_criteria
    assert rule_baseline(FeatureTable(table.names, table.features, table.values, ("A",) * len(table.names))) is None


@pytest.mark.parametrize(("kind", "name"), [("logistic", "classify__C"), ("svc", "classify__estimator__C")])
def test_a_fold_chooses_its_c_from_its_own_rows_as_a_search_by_hand(kind, name):
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    values = heart_table().values + 2.0 * np.random.default_rng(1).standard_normal((60, 6))
    score = {"logistic": "neg_log_loss", "svc": "accuracy"}[kind]
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    by_hand = [
        cross_val_score(make_pipeline(kind).set_params(**{name: c}), values, NUMBERS, scoring=score, cv=folds).mean()
        for c in C_VALUES
    ]
    chosen = tuned_pipeline(kind, values, NUMBERS).get_params()[name]
    assert by_hand[C_VALUES.index(chosen)] == pytest.approx(max(by_hand))
    tuned, fixed = (nested_answers(values, NUMBERS, 4, DiagnosisTraining(kind, tune=tune)) for tune in (True, False))
    assert tuned.shape == fixed.shape
    assert (tuned >= 0).all()


def test_more_training_studies_give_better_answers():
    values = heart_table(noise=12).values
    few, many = learning_curve(values, NUMBERS, 4, (8, 45, 500), DiagnosisTraining(select=False), subsets=8)
    assert (few.rows, many.rows) == (8, 45)
    assert many.mean > few.mean


def test_subsets_are_spread_over_the_groups():
    mask = spread_subset(NUMBERS, 4, 14, np.random.default_rng(0))
    assert sorted(np.bincount(NUMBERS[mask])) == [3, 3, 4, 4]


def test_each_family_is_judged_on_the_rows_of_the_one_before():
    table = heart_table()
    steps = ablation(table.values, table.features, NUMBERS, 4, OPTIONS)
    assert [step.families for step in steps] == [("volumes",), ("volumes", "thickness")]
    assert steps[1].right - steps[0].right == steps[1].gained - steps[1].lost


def test_every_row_is_answered_once_and_counted_once():
    values = heart_table().values
    chosen: list[list[int]] = []
    answers = nested_answers(values, NUMBERS, 4, OPTIONS, chosen)
    assert len(chosen) == 5
    found = confusion(NUMBERS, answers, 4)
    assert (found.sum(1) == 15).all()
    assert np.trace(found) == (answers == NUMBERS).sum()


def test_a_feature_that_decides_is_selected_in_every_part():
    often, jaccard = stability(heart_table(noise=5).values, NUMBERS, 4, OPTIONS, draws=6)
    assert often.max() == 1.0
    assert 0.0 < jaccard <= 1.0


def test_the_alarm_rings_when_selection_sees_the_held_out_rows(monkeypatch):
    table = heart_table(noise=4)
    assert not evaluate(table, OPTIONS, QUICK)["noise"]["leak_alarm"]
    monkeypatch.setattr(evaluation, "noise_pool", lambda *_: (0.37, 0.37))
    assert evaluate(table, OPTIONS, QUICK)["noise"]["leak_alarm"]


def test_the_command_writes_the_report(tmp_path):
    write_table(heart_table(8), tmp_path / "t.csv")
    command = ["cardiac", "evaluate", str(tmp_path / "t.csv"), "--output", str(tmp_path / "out")]
    assert main([*command, "--subsets", "2", "--permutations", "9", "--noise-draws", "1"]) == 0
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    page = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
    assert f"{100 * found['nested']['accuracy']:.1f} %" in page
    assert all(group in page for group in found["groups"])


def test_synthetic_hearts_are_as_their_groups_are_defined():
    table = cohort_table(5, 0.3, seed=2)
    assert table.groups is not None
    ejection = dict(zip(table.groups, table.of(["lv_ef_percent"])[:, 0], strict=True))
    assert ejection["DCM"] < 40 < ejection["NOR"]
    assert ejection["HCM"] > 55
    assert np.isfinite(table.values).all()
    np.testing.assert_array_equal(cohort_table(1, 0.3, seed=2, first=3).values[0], table.values[3])
