"""The five classifiers of scikit-learn on standardized features, and a fitted one as plain arrays."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from CardiacBiomechLib.diagnosis.models.scores import KINDS, NEIGHBORS
from ThoraxAILib.errors import InputError, MissingDependencyError

NAMES = {
    "logistic": "logistic regression",
    "mlp": "neural network",
    "svc": "support vector machine",
    "forest": "random forest",
    "neighbors": "nearest neighbors",
}
C_VALUES, TUNING_FOLDS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), 5
TUNED = {"logistic": ("classify__C", "neg_log_loss"), "svc": ("classify__estimator__C", "accuracy")}
HIDDEN_UNITS, TREES, STEPS = 30, 100, 200


def require_sklearn() -> None:
    """Raise MissingDependencyError without scikit-learn."""
    import importlib.util

    if importlib.util.find_spec("sklearn") is None:
        raise MissingDependencyError(
            'Training a diagnosis needs scikit-learn, which is not installed: pip install "thoraxai[diagnosis]".'
        )


def make_pipeline(kind: str, seed: int = 0) -> Any:
    """Return the unfitted scikit-learn pipeline of a kind (``KINDS``): standardization, then the classifier."""
    require_sklearn()
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if kind not in KINDS:
        raise InputError(f"There is no classifier named {kind}: choose one of {', '.join(KINDS)}.")
    made: Any = {
        "logistic": lambda: LogisticRegression(C=1.0, max_iter=2000),
        "mlp": lambda: MLPClassifier((HIDDEN_UNITS,), solver="lbfgs", alpha=1.0, max_iter=STEPS, random_state=seed),
        "svc": lambda: OneVsRestClassifier(SVC(kernel="rbf", C=3.0)),
        "forest": lambda: RandomForestClassifier(TREES, random_state=seed, n_jobs=1),
        "neighbors": lambda: KNeighborsClassifier(NEIGHBORS, algorithm="brute"),
    }[kind]()
    return Pipeline([("scale", StandardScaler()), ("classify", made)])


def tuned_pipeline(kind: str, values: np.ndarray, numbers: np.ndarray, seed: int = 0) -> Any:
    """Return the unfitted pipeline with the C that cross-validation of these rows alone likes best; see ``TUNED``."""
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    pipeline = make_pipeline(kind, seed)
    if kind not in TUNED:
        return pipeline
    name, score = TUNED[kind]
    folds = StratifiedKFold(min(TUNING_FOLDS, int(np.bincount(numbers).min())), shuffle=True, random_state=seed)
    if folds.n_splits < 2:
        return pipeline
    search = GridSearchCV(pipeline, {name: C_VALUES}, scoring=score, cv=folds, refit=False).fit(values, numbers)
    return pipeline.set_params(**search.best_params_)


def fit_arrays(
    kind: str, values: np.ndarray, numbers: np.ndarray, groups: int, seed: int = 0, tune: bool = False
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return arrays, means and scales (features,) of a classifier fitted to rows whose groups are 0, 1, ...

    ``tune``: C is chosen by cross-validation of these rows, see ``tuned_pipeline``.
    """
    if set(np.unique(numbers)) != set(range(groups)):
        raise InputError("A group has no row to learn from: give more rows of each group.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the network stops after STEPS on purpose
        pipeline = tuned_pipeline(kind, values, numbers, seed) if tune else make_pipeline(kind, seed)
        pipeline.fit(values, numbers)
    scaler, fitted = pipeline.named_steps["scale"], pipeline.named_steps["classify"]
    return _ARRAYS[kind](fitted, groups), np.array(scaler.mean_), np.array(scaler.scale_)


def _logistic(fitted: Any, groups: int) -> dict[str, np.ndarray]:
    weights, offsets = np.array(fitted.coef_), np.array(fitted.intercept_)
    if groups == 2:  # scikit-learn keeps the difference of the two
        weights, offsets = np.concatenate([-weights, weights]) / 2, np.concatenate([-offsets, offsets]) / 2
    return {"weights": weights, "offsets": offsets}


def _mlp(fitted: Any, groups: int) -> dict[str, np.ndarray]:
    weights, offsets = fitted.coefs_[1], fitted.intercepts_[1]
    if groups == 2:
        weights, offsets = np.concatenate([-weights, weights], 1) / 2, np.concatenate([-offsets, offsets]) / 2
    return {
        "hidden_weights": np.array(fitted.coefs_[0]),
        "hidden_offsets": np.array(fitted.intercepts_[0]),
        "weights": np.array(weights),
        "offsets": np.array(offsets),
    }


def _svc(fitted: Any, groups: int) -> dict[str, np.ndarray]:
    machines = fitted.estimators_
    vectors, where = np.unique(np.concatenate([one.support_vectors_ for one in machines]), axis=0, return_inverse=True)
    coefficients, start = np.zeros((len(machines), len(vectors))), 0
    for row, one in enumerate(machines):
        count = one.dual_coef_.shape[1]
        np.add.at(coefficients[row], where.ravel()[start : start + count], one.dual_coef_[0])
        start += count
    offsets = np.array([float(one.intercept_[0]) for one in machines])
    if groups == 2:
        coefficients, offsets = np.concatenate([-coefficients, coefficients]), np.concatenate([-offsets, offsets])
    gamma = np.array(float(machines[0]._gamma))
    return {"vectors": vectors, "coefficients": coefficients, "offsets": offsets, "gamma": gamma}


def _forest(fitted: Any, groups: int) -> dict[str, np.ndarray]:
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("split", "thresholds", "left", "right", "cover", "values")
    }
    roots, start = [], 0
    for one in fitted.estimators_:
        tree, count = one.tree_, one.tree_.node_count
        inner = tree.children_left >= 0
        values = tree.value[:, 0, :]
        roots.append(start)
        parts["split"].append(np.where(inner, tree.feature, -1))
        parts["thresholds"].append(np.where(inner, tree.threshold, 0.0))
        parts["left"].append(np.where(inner, tree.children_left + start, -1))
        parts["right"].append(np.where(inner, tree.children_right + start, -1))
        parts["cover"].append(tree.weighted_n_node_samples)
        parts["values"].append(values / values.sum(1, keepdims=True))
        start += count
    return {name: np.concatenate(found) for name, found in parts.items()} | {"roots": np.array(roots)}


def _neighbors(fitted: Any, groups: int) -> dict[str, np.ndarray]:
    return {
        "rows": np.array(fitted._fit_X),
        "groups": np.array(fitted._y, dtype=int),
        "group_count": np.array(groups),
    }


_ARRAYS = {"logistic": _logistic, "mlp": _mlp, "svc": _svc, "forest": _forest, "neighbors": _neighbors}
