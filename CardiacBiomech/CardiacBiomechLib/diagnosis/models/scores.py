"""The five kinds of classifier as plain arrays: what they hold, how they score, and how a fitted one becomes arrays.

A score (rows, groups) of standardized features is a logit (logistic, mlp), the distance from the border of a group
against the rest (svc), or the logarithm of the share of trees or neighbors (forest, neighbors). Probabilities are the
softmax of scores times a temperature. Nothing here needs scikit-learn, and nothing of a file is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ThoraxAILib.errors import InputError

Arrays = Mapping[str, np.ndarray]
KINDS = ("logistic", "mlp", "svc", "forest", "neighbors")
NEIGHBORS = 5
CHUNK = 4096
MAX_NODES, MAX_ROWS, MAX_FEATURES, MAX_GROUPS, MAX_UNITS = 2_000_000, 100_000, 200, 50, 2_000


def scores(kind: str, arrays: Arrays, standardized: np.ndarray) -> np.ndarray:
    """Return scores (rows, groups) of standardized features (rows, features)."""
    whole = np.asarray(standardized, dtype=float)
    parts = [whole[start : start + CHUNK] for start in range(0, max(len(whole), 1), CHUNK)]
    return np.concatenate([_SCORES[kind](arrays, part) for part in parts])


def _logistic(arrays: Arrays, z: np.ndarray) -> np.ndarray:
    return z @ arrays["weights"].T + arrays["offsets"]


def _mlp(arrays: Arrays, z: np.ndarray) -> np.ndarray:
    hidden = np.maximum(z @ arrays["hidden_weights"] + arrays["hidden_offsets"], 0.0)
    return hidden @ arrays["weights"] + arrays["offsets"]


def _svc(arrays: Arrays, z: np.ndarray) -> np.ndarray:
    distance2 = ((z[:, None, :] - arrays["vectors"][None]) ** 2).sum(-1)
    return np.exp(-float(arrays["gamma"]) * distance2) @ arrays["coefficients"].T + arrays["offsets"]


def forest_shares(arrays: Arrays, z: np.ndarray) -> np.ndarray:
    """Mean share (rows, groups) over the trees; splits compare in single precision, as scikit-learn's do."""
    rows = z.astype(np.float32).astype(float)
    total = np.zeros((len(rows), arrays["values"].shape[1]))
    for root in arrays["roots"]:
        node = np.full(len(rows), root, dtype=int)
        while True:
            inner = np.flatnonzero(arrays["left"][node] >= 0)
            if not len(inner):
                break
            at = node[inner]
            lower = rows[inner, arrays["split"][at]] <= arrays["thresholds"][at]
            node[inner] = np.where(lower, arrays["left"][at], arrays["right"][at])
        total += arrays["values"][node]
    return total / len(arrays["roots"])


def _forest(arrays: Arrays, z: np.ndarray) -> np.ndarray:
    shares = forest_shares(arrays, z)
    return np.log((shares + 0.01) / (1.0 + 0.01 * shares.shape[1]))


def _neighbors(arrays: Arrays, z: np.ndarray) -> np.ndarray:
    distance2 = ((z[:, None, :] - arrays["rows"][None]) ** 2).sum(-1)
    count = min(NEIGHBORS, len(arrays["rows"]))
    nearest = np.argsort(distance2, axis=1, kind="stable")[:, :count]
    groups = int(arrays["group_count"])
    shares = np.stack([(arrays["groups"][nearest] == g).mean(1) for g in range(groups)], 1)
    return np.log((shares + 0.05) / (1.0 + 0.05 * groups))


_SCORES: dict[str, Callable[[Arrays, np.ndarray], np.ndarray]] = {
    "logistic": _logistic,
    "mlp": _mlp,
    "svc": _svc,
    "forest": _forest,
    "neighbors": _neighbors,
}


def check_arrays(kind: str, arrays: Arrays, features: int, groups: int) -> None:
    """Raise InputError unless the arrays are those of a classifier of this kind and size, finite and bounded."""
    if kind not in KINDS:
        raise InputError(f"The model is of the unknown kind '{str(kind)[:40]}': train it with this version.")
    fits = 0 < features <= MAX_FEATURES and 1 < groups <= MAX_GROUPS and _CHECKS[kind](arrays, features, groups)
    if not fits or not all(np.isfinite(value).all() for value in arrays.values()):
        raise InputError("The arrays of the model do not fit together: train it again.")


def _shaped(arrays: Arrays, name: str, *shape: int) -> bool:
    return name in arrays and arrays[name].shape == shape


def _check_logistic(arrays: Arrays, features: int, groups: int) -> bool:
    return _shaped(arrays, "weights", groups, features) and _shaped(arrays, "offsets", groups)


def _check_mlp(arrays: Arrays, features: int, groups: int) -> bool:
    units = len(arrays.get("hidden_offsets", ()))
    return (
        0 < units <= MAX_UNITS
        and _shaped(arrays, "hidden_offsets", units)
        and _shaped(arrays, "hidden_weights", features, units)
        and _shaped(arrays, "weights", units, groups)
        and _shaped(arrays, "offsets", groups)
    )


def _check_svc(arrays: Arrays, features: int, groups: int) -> bool:
    count = len(arrays.get("vectors", ()))
    return (
        0 < count <= MAX_ROWS
        and _shaped(arrays, "vectors", count, features)
        and _shaped(arrays, "coefficients", groups, count)
        and _shaped(arrays, "offsets", groups)
        and _shaped(arrays, "gamma")
        and float(arrays["gamma"]) > 0
    )


def _check_forest(arrays: Arrays, features: int, groups: int) -> bool:
    count = len(arrays.get("split", ()))
    one = ("split", "thresholds", "left", "right", "cover")
    if not 0 < count <= MAX_NODES or not all(_shaped(arrays, name, count) for name in one):
        return False
    if not _shaped(arrays, "values", count, groups) or arrays.get("roots", np.zeros(0)).ndim != 1:
        return False
    roots, left, right = arrays["roots"], arrays["left"], arrays["right"]
    inner, place = left >= 0, np.arange(count)
    return bool(
        0 < len(roots) <= count
        and (np.diff(roots) > 0).all()
        and roots[0] == 0
        and roots[-1] < count
        and ((right >= 0) == inner).all()
        and (left[inner] > place[inner]).all()  # so that every path ends
        and (right[inner] > place[inner]).all()
        and (left < count).all()
        and (right < count).all()
        and (arrays["split"][inner] >= 0).all()
        and (arrays["split"] < features).all()
        and (arrays["cover"] > 0).all()
    )


def _check_neighbors(arrays: Arrays, features: int, groups: int) -> bool:
    count = len(arrays.get("rows", ()))
    return bool(
        0 < count <= MAX_ROWS
        and _shaped(arrays, "rows", count, features)
        and _shaped(arrays, "groups", count)
        and _shaped(arrays, "group_count")
        and int(arrays["group_count"]) == groups
        and (arrays["groups"] >= 0).all()
        and (arrays["groups"] < groups).all()
    )


_CHECKS: dict[str, Callable[[Arrays, int, int], bool]] = {
    "logistic": _check_logistic,
    "mlp": _check_mlp,
    "svc": _check_svc,
    "forest": _check_forest,
    "neighbors": _check_neighbors,
}
