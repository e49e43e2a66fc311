"""Prediction sets per group (Mondrian conformal prediction; Vovk et al., Algorithmic Learning in a Random World, 2005).

How strange a row is for a group: the negative logarithm of the group's probability, plus the distance to the group's
nearest training rows in units of what is usual. A row far from everything is strange for every group, and its set is
empty: "unlike the training data". The p-value counts training rows of the group, each scored by a model that did not
see it, that are as strange; a group stays in the set while its p-value is above alpha.
"""

from __future__ import annotations

import numpy as np

NEAREST = 3
USUAL = 0.9  # quantile of the distances within groups that is the unit of distance


def nonconformity(
    log_probabilities: np.ndarray, z: np.ndarray, rows: np.ndarray, groups_of_rows: np.ndarray, reach: float
) -> np.ndarray:
    """Return the strangeness (n, groups) of standardized rows z (n, features) for each group."""
    away = group_distances(z, rows, groups_of_rows, log_probabilities.shape[1])
    return -log_probabilities + away / reach


def group_distances(z: np.ndarray, rows: np.ndarray, groups_of_rows: np.ndarray, groups: int) -> np.ndarray:
    """Return the mean distance (n, groups) to the nearest rows of each group, infinite for a group without rows."""
    from scipy.spatial import cKDTree

    found = np.full((len(z), groups), np.inf)
    for group in range(groups):
        members = rows[groups_of_rows == group]
        if len(members):
            count = min(NEAREST, len(members))
            distance = cKDTree(members).query(z, k=count)[0]
            found[:, group] = distance.reshape(len(z), count).mean(1)
    return found


def usual_distance(rows: np.ndarray, groups_of_rows: np.ndarray) -> float:
    """Return the distance that most rows keep to the nearest other rows of their group; 1 when there is none."""
    from scipy.spatial import cKDTree

    found = []
    for group in np.unique(groups_of_rows):
        members = rows[groups_of_rows == group]
        count = min(NEAREST, len(members) - 1)
        if count > 0:
            found.append(cKDTree(members).query(members, k=count + 1)[0][:, 1:].mean(1))
    usual = float(np.quantile(np.concatenate(found), USUAL)) if found else 0.0
    return usual if usual > 0 else 1.0


def p_values(strange: np.ndarray, own_scores: np.ndarray, groups_of_rows: np.ndarray) -> np.ndarray:
    """Return p-values (n, groups) from the strangeness of rows and that of calibration rows for their own group."""
    found = np.ones_like(strange)
    for group in range(strange.shape[1]):
        own = np.sort(own_scores[groups_of_rows == group])
        as_strange = len(own) - np.searchsorted(own, strange[:, group], side="left")
        found[:, group] = (as_strange + 1.0) / (len(own) + 1.0)
    return found


def smallest_alpha(groups_of_rows: np.ndarray) -> float:
    """Return the smallest alpha at which every group can leave a set: 1 / (rows of the smallest group + 1)."""
    return 1.0 / (float(np.bincount(groups_of_rows).min()) + 1.0)
