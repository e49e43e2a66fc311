"""Conformal Risk Control keeps its promise, and equals independent implementations."""

from __future__ import annotations

import numpy as np
import pytest

from ThoraxAILib.errors import InputError
from ThoraxAILib.statistics.risk_control import (
    LossTable,
    control_risk,
    control_risk_with_confidence,
    least_scans,
    upper_bound_of_mean,
)

THRESHOLDS = np.linspace(0, 1, 101)


def scans_with_nodules(generator: np.random.Generator, scans: int, shift: float = 0.0) -> np.ndarray:
    """Losses (scans, 101) of scans with one to five nodules whose scores are random; some are never proposed."""
    losses = np.empty((scans, len(THRESHOLDS)))
    for row in range(scans):
        scores = generator.beta(5, 2, generator.integers(1, 6)) - shift
        scores[generator.random(len(scores)) < 0.03] = -1.0
        losses[row] = 1 - (scores[:, None] >= THRESHOLDS).mean(axis=0)
    return losses


def published_rule(thresholds: np.ndarray, losses: np.ndarray, alpha: float) -> float:
    """The rule of the method's authors (aangelopoulos/conformal-risk, get_lhat), written from its description."""
    scans = len(losses)
    adjusted = (scans / (scans + 1)) * losses.mean(axis=0) + 1 / (scans + 1)
    return float(thresholds[max(int(np.argmax(adjusted >= alpha)) - 1, 0)])


def test_thresholds_equal_the_authors_rule_and_mapie_on_random_tables() -> None:
    mapie = pytest.importorskip("mapie.risk_control.methods")
    generator = np.random.default_rng(0)
    compared = 0
    for _ in range(1000):
        scans = int(generator.integers(30, 80))
        losses = np.sort(generator.random((scans, 101)), axis=1) * np.linspace(0, 1, 101)
        alpha = float(generator.uniform(0.05, 0.4))
        found = control_risk(LossTable.of(THRESHOLDS, losses), alpha)
        assert found.threshold == published_rule(THRESHOLDS, losses, alpha)
        risk, adjusted = mapie.get_r_hat_plus(losses, THRESHOLDS, "crc", None, None, None)
        by_mapie = mapie.find_best_predict_param(THRESHOLDS, adjusted, np.array([alpha]))[0]
        assert found.threshold == by_mapie
        column = int(np.searchsorted(THRESHOLDS, found.threshold))
        assert abs(found.risk - risk[column]) < 1e-12
        assert abs(found.adjusted - adjusted[column]) < 1e-12
        compared += 1
    assert compared == 1000


def test_the_mean_loss_of_new_scans_stays_at_what_was_promised_and_close_to_it() -> None:
    generator = np.random.default_rng(1)
    scans, alpha, draws = 60, 0.2, 2000
    pool = scans_with_nodules(generator, 4000)
    losses = np.empty(draws)
    for draw in range(draws):
        chosen = generator.choice(len(pool), 2 * scans, replace=False)
        found = control_risk(LossTable.of(THRESHOLDS, pool[chosen[:scans]]), alpha)
        losses[draw] = pool[chosen[scans:], int(np.searchsorted(THRESHOLDS, found.threshold))].mean()
    error = losses.std(ddof=1) / np.sqrt(draws)
    assert alpha - 2 / (scans + 1) - 3 * error <= losses.mean() <= alpha + 3 * error


def test_an_alpha_that_few_scans_cannot_promise_is_refused_with_the_number_needed() -> None:
    perfect = np.zeros((8, 3))
    with pytest.raises(InputError, match="at least 9 scans"):
        control_risk(LossTable.of(np.array([0.0, 0.5, 1.0]), perfect), 0.1)
    assert least_scans(0.1) == 9
    assert control_risk(LossTable.of(np.array([0.0, 0.5, 1.0]), np.zeros((9, 3))), 0.1).threshold == 0.0


def test_an_alpha_below_what_is_lost_at_every_threshold_is_refused_whatever_the_number() -> None:
    losses = np.full((500, 3), 0.3)
    with pytest.raises(InputError, match="No number of scans helps"):
        control_risk(LossTable.of(np.array([0.0, 0.5, 1.0]), losses), 0.2)


def test_columns_in_any_order_give_the_same_threshold() -> None:
    losses = scans_with_nodules(np.random.default_rng(2), 50)
    order = np.random.default_rng(3).permutation(101)
    straight = control_risk(LossTable.of(THRESHOLDS, losses), 0.2)
    assert control_risk(LossTable.of(THRESHOLDS[order], losses[:, order]), 0.2) == straight


def test_a_loss_that_falls_at_a_higher_threshold_is_lifted_and_counted() -> None:
    losses = np.tile([0.0, 0.0, 0.5, 1.0], (30, 1))
    losses[4] = [0.0, 0.5, 0.0, 1.0]
    table = LossTable.of(np.array([0.0, 0.3, 0.6, 1.0]), losses)
    assert table.lifted == 1
    assert table.losses[4].tolist() == [0.0, 0.5, 0.5, 1.0]


@pytest.mark.parametrize(
    ("thresholds", "losses", "word"),
    [
        ([0.0, 1.0], [[0.0, 1.5]], "0 to 1"),
        ([0.0, 1.0], [[0.0, float("nan")]], "0 to 1"),
        ([0.5, 0.5], [[0.0, 1.0]], "different"),
        ([0.0, 1.0], [[1.0, 0.0]], "not sensitivity"),
        ([], [[]], "empty"),
    ],
)
def test_what_is_no_table_of_losses_is_refused(thresholds: list, losses: list, word: str) -> None:
    with pytest.raises(InputError, match=word):
        LossTable.of(np.array(thresholds), np.array(losses))


def test_the_bound_of_rcps_covers_the_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(4)
    missed = [upper_bound_of_mean(generator.beta(1, 6, 100), 0.1) < 1 / 7 for _ in range(1000)]
    assert np.mean(missed) <= 0.1 + 3 * np.sqrt(0.09 / 1000)
    assert upper_bound_of_mean(np.zeros(1000), 0.1) < 0.01
    assert upper_bound_of_mean(np.ones(20), 0.1) == 1.0


def test_rcps_exceeds_its_limit_in_no_more_draws_than_delta_allows() -> None:
    generator = np.random.default_rng(5)
    pool = scans_with_nodules(generator, 4000)
    coarse = np.arange(30, 101, 5)
    truth = pool.mean(axis=0)
    broken = 0
    for _ in range(100):
        chosen = generator.choice(len(pool), 80, replace=False)
        table = LossTable.of(THRESHOLDS[coarse], pool[chosen][:, coarse])
        found = control_risk_with_confidence(table, 0.25, 0.1)
        broken += truth[int(np.searchsorted(THRESHOLDS, found.threshold - 1e-9))] > 0.25
    assert broken / 100 <= 0.1 + 3 * np.sqrt(0.09 / 100)
