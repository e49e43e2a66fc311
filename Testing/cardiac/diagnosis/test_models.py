"""A trained diagnosis: selection without a leak, scores as scikit-learn's, files without code, sets that cover."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from CardiacBiomechLib.diagnosis.features.table import FeatureTable
from CardiacBiomechLib.diagnosis.models.classifiers import fit_arrays, make_pipeline
from CardiacBiomechLib.diagnosis.models.conformal import p_values
from CardiacBiomechLib.diagnosis.models.model_file import CARD, MODEL, SHIPPED, load_model, save_model
from CardiacBiomechLib.diagnosis.models.scores import KINDS, forest_shares, scores
from CardiacBiomechLib.diagnosis.models.selection import fold_numbers, select_features
from CardiacBiomechLib.diagnosis.models.train import DiagnosisTraining, train_model
from fixtures.heart_tables import heart_table
from ThoraxAILib.errors import InputError

pytest.importorskip("sklearn")
EXACT = 1e-9
CARD_TEXT = "| sha256 | `{sha256}` |"


@pytest.fixture(scope="module")
def model():
    """A logistic regression on made-up hearts."""
    return train_model(heart_table())


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_answer_as_the_classifier_they_come_from(kind):
    table = heart_table(12)
    numbers = np.repeat(np.arange(4), 12)
    arrays, means, scales = fit_arrays(kind, table.values, numbers, 4)
    pipeline = make_pipeline(kind).fit(table.values, numbers)
    others = heart_table(20, seed=9).values
    z = (others - means) / scales
    np.testing.assert_array_equal(scores(kind, arrays, z).argmax(1), pipeline.predict(others))
    if kind in ("logistic", "mlp"):
        found = scores(kind, arrays, z)
        shares = np.exp(found - found.max(1, keepdims=True))
        np.testing.assert_allclose(shares / shares.sum(1, keepdims=True), pipeline.predict_proba(others), atol=EXACT)
    if kind == "forest":
        np.testing.assert_allclose(forest_shares(arrays, z), pipeline.predict_proba(others), atol=EXACT)
    if kind == "svc":
        np.testing.assert_allclose(scores(kind, arrays, z), pipeline.decision_function(others), atol=EXACT)


@pytest.mark.parametrize("kind", ["logistic", "mlp", "svc"])
def test_two_groups_are_told_apart_as_well(kind):
    table = heart_table(15)
    two = table.rows(np.arange(30))
    found = train_model(two, DiagnosisTraining(classifier=kind))
    np.testing.assert_allclose(found.probabilities(two.of(found.names)).sum(1), 1.0)
    assert found.note["held_out_right"] >= 28


def test_selection_finds_what_tells_the_groups_apart_and_leaves_noise():
    table = heart_table(15, noise=20)
    chosen = select_features(table.values, np.repeat(np.arange(4), 15), 4)
    assert chosen[0] < 6
    assert sum(number < 6 for number in chosen) >= 4


def test_selection_inside_the_folds_learns_nothing_from_noise_where_selection_on_all_rows_seems_to():
    random = np.random.default_rng(3)
    values, numbers = random.standard_normal((75, 144)), np.repeat(np.arange(5), 15)
    fold = fold_numbers(numbers, 5, seed=1)

    def right(chosen_on_all: bool) -> float:
        hits = 0
        for part in range(5):
            train = fold != part
            rows = slice(None) if chosen_on_all else train
            chosen = select_features(values[rows], numbers[rows], 5)
            arrays, means, scales = fit_arrays("logistic", values[train][:, chosen], numbers[train], 5)
            z = (values[~train][:, chosen] - means) / scales
            hits += int((scores("logistic", arrays, z).argmax(1) == numbers[~train]).sum())
        return hits / len(numbers)

    nested, leaking = right(False), right(True)
    assert 0.10 <= nested <= 0.30
    assert leaking > nested + 0.08


def test_folds_spread_every_group():
    numbers = np.repeat(np.arange(3), 10)
    fold = fold_numbers(numbers, 5, seed=0)
    assert all((np.bincount(fold[numbers == group]) == 2).all() for group in range(3))


def test_a_model_is_the_same_after_it_was_written(model, tmp_path):
    save_model(model, tmp_path, CARD_TEXT)
    back = load_model(tmp_path)
    values = heart_table(5, seed=4).of(model.names)
    np.testing.assert_array_equal(back.probabilities(values), model.probabilities(values))
    assert back.sets(values) == model.sets(values)
    assert (back.names, back.groups) == (model.names, model.groups)


def test_training_again_gives_the_same_file(tmp_path):
    hashes = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        hashes.append(save_model(train_model(heart_table()), tmp_path / name, CARD_TEXT))
    assert hashes[0] == hashes[1]


def test_the_shipped_model_says_in_its_card_and_in_every_answer_that_it_saw_synthetic_hearts_only():
    card = (SHIPPED / CARD).read_text(encoding="utf-8")
    assert "It has seen synthetic hearts only, no patient." in card
    assert load_model(SHIPPED).note["trained_on"].startswith("synthetic")


def test_a_file_that_is_not_the_cards_is_refused(model, tmp_path):
    save_model(model, tmp_path, CARD_TEXT)
    (tmp_path / MODEL).write_bytes((tmp_path / MODEL).read_bytes() + b" ")
    with pytest.raises(InputError, match="card"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(schema="other/1"), "another kind"),
        (lambda c: c.update(feature_version="thoraxai.cardiac-features/0"), "version"),
        (lambda c: c["features"][0].update(unit="L"), "train it again"),
        (lambda c: c.update(kind="pickle"), "unknown kind"),
        (lambda c: c["arrays"].update(weights=[[1.0]]), "fit together"),
        (lambda c: c["arrays"]["weights"][0].__setitem__(0, float("nan")), "fit together"),
        (lambda c: c.update(training_groups=[0]), "fit together"),
        (lambda c: c.update(temperature="x"), "damaged"),
        (lambda c: c.update(groups=["a"] * 99), "more than"),
        (lambda c: c.pop("arrays"), "damaged"),
    ],
)
def test_a_model_of_unknown_origin_is_checked_before_it_is_used(model, tmp_path, change, said):
    save_model(model, tmp_path, CARD_TEXT)
    content = json.loads((tmp_path / MODEL).read_text(encoding="utf-8"))
    change(content)
    data = json.dumps(content).encode()
    (tmp_path / MODEL).write_bytes(data)
    (tmp_path / CARD).write_text(CARD_TEXT.replace("{sha256}", hashlib.sha256(data).hexdigest()), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load_model(tmp_path)


def test_trees_that_lead_in_a_circle_are_refused(tmp_path):
    forest = train_model(heart_table(6), DiagnosisTraining(classifier="forest"))
    save_model(forest, tmp_path, CARD_TEXT)
    content = json.loads((tmp_path / MODEL).read_text(encoding="utf-8"))
    content["arrays"]["left"][0] = 0
    data = json.dumps(content).encode()
    (tmp_path / MODEL).write_bytes(data)
    (tmp_path / CARD).write_text(CARD_TEXT.replace("{sha256}", hashlib.sha256(data).hexdigest()), encoding="utf-8")
    with pytest.raises(InputError, match="fit together"):
        load_model(tmp_path)


def test_the_set_of_a_heart_unlike_all_others_is_empty(model):
    far = heart_table(1).of(model.names)[:1] * 0.0 + model.means + 60.0 * model.scales
    assert model.sets(far) == [()]


def test_sets_cover_every_group_as_promised():
    missed, seen = np.zeros(4), np.zeros(4)
    for seed in range(12):
        found = train_model(heart_table(20, seed=seed), DiagnosisTraining(select=False))
        new = heart_table(25, seed=1000 + seed)
        for group, kept in zip(new.groups, found.sets(new.of(found.names)), strict=True):
            number = found.groups.index(group)
            seen[number] += 1
            missed[number] += group not in kept
    promised, rate = 0.1, missed / seen
    assert (rate <= promised + 3.0 * np.sqrt(promised * (1 - promised) / seen) + 0.02).all()


def test_p_values_count_rows_that_are_as_strange():
    own, groups = np.array([1.0, 2.0, 3.0, 5.0]), np.array([0, 0, 0, 1])
    found = p_values(np.array([[2.0, 9.0], [0.0, 5.0]]), own, groups)
    np.testing.assert_allclose(found, [[0.75, 0.5], [1.0, 1.0]])


def test_a_group_with_too_few_rows_is_refused():
    with pytest.raises(InputError, match="rows"):
        train_model(heart_table(3))


def test_a_column_that_says_the_same_as_another_is_left_out():
    table = heart_table()
    double = FeatureTable(
        table.names, (*table.features, "twice"), np.column_stack([table.values, 2 * table.values[:, 0]]), table.groups
    )
    found = train_model(double)
    assert "twice" not in found.names
    assert found.note["left_out_columns"] == ["twice"]
