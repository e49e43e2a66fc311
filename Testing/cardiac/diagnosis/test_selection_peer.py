"""The selection of features against the floating selection of mlxtend, which is told the same score of a set."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacBiomechLib.diagnosis.features.table import FeatureTable, read_table
from CardiacBiomechLib.diagnosis.models.selection import MAX_FEATURES, Judge, select_features
from CardiacBiomechLib.diagnosis.models.train import checked
from fixtures.heart_tables import heart_table

pytest.importorskip("sklearn")
selection = pytest.importorskip("mlxtend.feature_selection", reason="mlxtend, the peer of the selection, is missing")


def peers_choice(values: np.ndarray, numbers: np.ndarray, groups: int) -> set[int]:
    """The best set on the way of mlxtend's floating forward selection; ties fall to the order, as here."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Nothing(ClassifierMixin, BaseEstimator):
        """Learns nothing: the score looks at the columns themselves."""

        def fit(self, _values, truth):
            self.classes_ = np.unique(truth)
            return self

    def score(_estimator, columns, truth) -> float:
        judge = Judge(columns, truth, groups)
        return float(np.round(judge.judge(np.array([range(columns.shape[1])]))[0], 9))

    most = min(MAX_FEATURES, values.shape[1])
    peer = selection.SequentialFeatureSelector(
        Nothing(), k_features=(1, most), forward=True, floating=True, scoring=score, cv=0
    )
    return set(peer.fit(values, numbers).k_feature_idx_)


def check(table: FeatureTable) -> None:
    usable, _left_out, groups, numbers = checked(table)
    assert set(select_features(usable.values, numbers, len(groups))) == peers_choice(
        usable.values, numbers, len(groups)
    )


@pytest.mark.parametrize(("noise", "seed"), [(0, 0), (8, 0), (8, 3), (14, 5)])
def test_both_choose_the_same_features_of_made_up_hearts(noise, seed):
    check(heart_table(15, noise=noise, seed=seed))


def test_both_choose_the_same_features_of_the_published_table(shared_data):
    check(read_table(shared_data("cardiac/tables/khened_features_74.csv")))
