"""Why a model answers as it does: contributions add up, changes change, sentences name value, unit, limit, source."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from math import factorial
from pathlib import Path

import numpy as np
import pytest

from CardiacBiomechLib.diagnosis.explanation.changes import smallest_change
from CardiacBiomechLib.diagnosis.explanation.contributions import contributions, tree_shapley
from CardiacBiomechLib.diagnosis.explanation.explain import UNLIKE, explain, in_lines, set_words, with_unit
from CardiacBiomechLib.diagnosis.explanation.rules import by_rules
from CardiacBiomechLib.diagnosis.features.catalog import feature_of
from CardiacBiomechLib.diagnosis.models.scores import KINDS, forest_shares, scores
from CardiacBiomechLib.diagnosis.models.train import DiagnosisTraining, train_model
from fixtures.heart_tables import heart_table

pytest.importorskip("sklearn")
EXACT = 1e-9


@pytest.fixture(scope="module")
def models():
    """A model of every kind, on the same made-up hearts."""
    return {kind: train_model(heart_table(), DiagnosisTraining(classifier=kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def hearts():
    """Hearts that no model has seen."""
    return heart_table(3, seed=5)


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_add_up_to_what_they_explain(models, hearts, kind):
    model = models[kind]
    for row in hearts.of(model.names):
        found = contributions(model, row)
        np.testing.assert_allclose(found.values.sum(1) + found.baseline, found.output, atol=EXACT)
        if kind != "forest":
            log_p = model.log_probabilities(row[None])[0]
            own, baseline = found.between(1, 2)
            assert own.sum() + baseline == pytest.approx(log_p[1] - log_p[2], abs=EXACT)


def test_values_of_trees_are_the_mean_gain_over_all_orders_of_the_features(models, hearts):
    forest = models["forest"]
    count = len(forest.names)
    z = forest.standardized(hearts.of(forest.names))[4].astype(np.float32).astype(float)
    arrays = forest.arrays

    def expected(node: int, known: frozenset[int]) -> np.ndarray:
        if arrays["left"][node] < 0:
            return arrays["values"][node]
        left, right, split = arrays["left"][node], arrays["right"][node], int(arrays["split"][node])
        if split in known:
            return expected(left if z[split] <= arrays["thresholds"][node] else right, known)
        shares = arrays["cover"][[left, right]] / arrays["cover"][node]
        return shares[0] * expected(left, known) + shares[1] * expected(right, known)

    roots = arrays["roots"][:6]
    mean = np.zeros((len(forest.groups), count))
    for feature in range(count):
        others = [other for other in range(count) if other != feature]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count) / len(roots)
            for known in map(frozenset, combinations(others, size)):
                for root in roots:
                    mean[:, feature] += weight * (expected(int(root), known | {feature}) - expected(int(root), known))
    np.testing.assert_allclose(tree_shapley({**arrays, "roots": roots}, z)[0], mean, atol=EXACT)


def test_values_of_trees_are_those_of_shap_on_a_hundred_rows():
    """The fixture was computed once in an environment of its own; see make_tree_shap.py beside it."""
    with np.load(Path(__file__).parents[2] / "fixtures" / "tree_shap.npz") as file:
        told = dict(file)
    assert len(told["rows"]) == 100
    np.testing.assert_allclose(forest_shares(told, told["rows"]), told["shares"], atol=EXACT)
    for row, values in zip(told["rows"], told["shap_values"], strict=True):
        own, baseline = tree_shapley(told, row)
        np.testing.assert_allclose(own, values.T, rtol=0, atol=EXACT)
        np.testing.assert_allclose(baseline, told["expected"], rtol=0, atol=EXACT)


def test_all_sets_give_a_linear_score_its_linear_contributions(models, hearts):
    logistic = models["logistic"]
    row = hearts.of(logistic.names)[0]
    from CardiacBiomechLib.diagnosis.explanation.contributions import _all_sets

    values, _baseline, output = _all_sets(logistic, logistic.standardized(row[None])[0])
    np.testing.assert_allclose(values, contributions(logistic, row).values, atol=EXACT)  # the background's mean is 0
    np.testing.assert_allclose(
        output,
        logistic.temperature * scores("logistic", logistic.arrays, logistic.standardized(row[None]))[0],
        atol=EXACT,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_changes_the_answer_and_stays_in_range(models, hearts, kind):
    model = models[kind]
    for row in hearts.of(model.names)[::3]:
        row = np.clip(row, model.low, model.high)
        answer = int(model.answers(row[None])[0])
        one, two = smallest_change(model, row, 1), smallest_change(model, row, 2)
        for change, count in ((one, 1), (two, 2)):
            if change is None:
                continue
            moved = row.copy()
            moved[list(change.features)] = change.values
            assert len(change.features) == count
            assert int(model.answers(moved[None])[0]) == change.answer != answer
            assert (moved >= model.low - EXACT).all()
            assert (moved <= model.high + EXACT).all()
        if one is not None and two is not None:
            assert two.size <= one.size + EXACT


def test_a_linear_border_is_met_where_algebra_says(models, hearts):
    model = models["logistic"]
    row = np.clip(hearts.of(model.names)[0], model.low, model.high)
    change = smallest_change(model, row, 1)
    weights = model.arrays["weights"]
    z = model.standardized(row[None])[0]
    found = scores("logistic", model.arrays, z[None])[0]
    answer = int(found.argmax())
    exact = []
    for at in range(len(row)):
        for other in set(range(len(found))) - {answer}:
            slope = weights[answer, at] - weights[other, at]
            step = (found[answer] - found[other]) / slope if slope else np.inf
            place = row[at] - step * model.scales[at]
            if model.low[at] <= place <= model.high[at]:
                exact.append(abs(step))
    assert change.size == pytest.approx(min(exact), abs=1e-6)


def test_every_sentence_names_value_unit_limit_and_source(models, hearts):
    units = r"(?:%|mL/m2|g/m2|mL|mm|g|\(ratio\))"
    form = re.compile(
        rf".+ -?[\d.]+ {units}: (?:above|below) -?[\d.]+ {units} \(.+\), speaks for \w+ against \w+ \(.+\)"
    )
    for kind in KINDS:
        found = explain(models[kind], dict(zip(hearts.features, hearts.values[7], strict=True)))
        for at in range(len(found.row)):
            assert form.fullmatch(found.sentence(at)), found.sentence(at)
        assert len(in_lines(found)) == len(found.row) + 5


def test_a_value_next_to_its_limit_is_told_apart_from_it():
    fraction = feature_of("lv_ef_percent")
    assert fraction.told(54.6, 55.0) == "54.6 %"
    assert fraction.told(54.4, 55.0) == "54 %"
    assert with_unit(feature_of("wall_lv_edv_ratio"), 1.004, 1.001) == "1.004 (ratio)"


def test_the_rules_are_the_published_definitions():
    dilated = {
        "lv_ef_percent": 25.0,
        "lv_edv_index_ml_m2": 140.0,
        "thickness_ed_max_mean_mm": 9.0,
        "rv_ef_percent": 50.0,
    }
    assert by_rules(dilated).possible == ("DCM", "MINF")
    assert by_rules({**dilated, "lv_edv_index_ml_m2": 95.0}).possible == ("MINF",)
    thick = {
        "lv_ef_percent": 65.0,
        "lv_mass_index_g_m2": 130.0,
        "thickness_ed_max_mean_mm": 16.0,
        "rv_ef_percent": 60.0,
    }
    assert by_rules({**thick, "lv_edv_index_ml_m2": 60.0, "rv_edv_index_ml_m2": 70.0}).possible == ("HCM",)
    assert "RV" in by_rules({"lv_ef_percent": 60.0, "rv_ef_percent": 30.0}).possible
    assert by_rules({"lv_ef_percent": 45.0, "rv_ef_percent": 60.0, "rv_edv_index_ml_m2": 80.0}).possible == ()


def test_between_the_limits_of_the_sexes_the_sex_decides():
    values = {"lv_ef_percent": 60.0, "lv_edv_index_ml_m2": 85.0, "thickness_ed_max_mean_mm": 8.0}
    values |= {"rv_edv_index_ml_m2": 80.0, "rv_ef_percent": 60.0}
    assert "NOR" in by_rules(values, "male").possible
    assert "NOR" not in by_rules(values, "female").possible


def test_a_disagreement_with_the_rules_is_told(models):
    model = models["logistic"]
    values = dict(zip(model.names, model.means, strict=True))
    values |= {"lv_ef_percent": 20.0, "lv_edv_ml": 110.0}
    found = explain(model, values)
    sentence = found.rule_sentence()
    assert ("DISAGREES" in sentence) == (found.diagnosis not in found.rule.possible)
    assert "2018" in sentence
    weak = by_rules({"lv_ef_percent": 20.0, "thickness_ed_max_mean_mm": 8.0, "lv_edv_index_ml_m2": 120.0})
    assert weak.possible == ("DCM", "MINF")
    other = replace(found, rule=weak, answer=model.groups.index("HCM"))
    assert other.rule_sentence().endswith("the model DISAGREES: HCM")
    assert not other.to_dict()["rule"]["agrees"]


def test_an_empty_set_is_told_as_unlike_the_training_data():
    assert UNLIKE in set_words((), 0.1)
    assert set_words(("DCM", "MINF"), 0.1) == "one of {DCM, MINF}, 90 % coverage by group"


def test_regions_that_took_part_are_drawn_and_a_model_of_volumes_draws_none(models):
    from types import SimpleNamespace

    from CardiacBiomechLib.mechanics.aha import NAMES
    from CardiacBiomechLib.model.study import SegmentRow
    from CardiacBiomechLib.report.diagnosis_section import _of_segment, region_picture

    rows = [SegmentRow(n, NAMES[n - 1], None, None, {}, {}, None, None) for n in range(1, 17)]
    said = {"diagnosis": "MINF", "against": "NOR", "by_region": {"anterior": 1.5, "inferoseptal": -0.5}}
    picture = region_picture(SimpleNamespace(diagnosis=said, segments=rows))
    assert picture.pixels.shape[2] == 3
    found = {row.number: _of_segment(row, said["by_region"]) for row in rows}
    assert (found[1], found[3], found[14], found[4]) == (1.5, -0.5, -0.5, None)
    empty = {"diagnosis": "MINF", "against": "NOR", "by_region": {}}
    assert region_picture(SimpleNamespace(diagnosis=empty, segments=rows)) is None
