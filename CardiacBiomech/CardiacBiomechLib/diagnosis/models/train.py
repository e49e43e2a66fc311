"""Training: select, fit, and score every row by a model that did not see it, for calibration and prediction sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.diagnosis.features.catalog import FAMILIES, OTHER, feature_of
from CardiacBiomechLib.diagnosis.features.table import FeatureTable
from CardiacBiomechLib.diagnosis.models.classifiers import fit_arrays, require_sklearn
from CardiacBiomechLib.diagnosis.models.conformal import nonconformity, smallest_alpha, usual_distance
from CardiacBiomechLib.diagnosis.models.model import DiagnosisModel
from CardiacBiomechLib.diagnosis.models.scores import KINDS, scores
from CardiacBiomechLib.diagnosis.models.selection import FOLDS, MAX_FEATURES, fold_numbers, select_features
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.options import Options, option

SELECTIONS = ("yes", "no")
POOLS = {"all": (*FAMILIES, OTHER), "labels": ("volumes", "indices", "thickness"), "volumes": ("volumes",)}
SAME = 1.0 - 1e-9  # correlation of two columns that say the same
TEMPERATURES = (0.05, 5.0)


@dataclass(frozen=True)
class DiagnosisTraining(Options):
    """Which classifier learns from which features, and how sure its sets are."""

    classifier: str = option("logistic", "what learns; logistic explains itself exactly", choices=KINDS)
    pool: str = option(
        "all", "labels: no motion, strain and energy; volumes: volumes and their ratios", choices=tuple(POOLS)
    )
    select: bool = option(True, "all features instead of a selection", flag="--selection", words=SELECTIONS)
    most_features: int = option(MAX_FEATURES, "of a selection", at_least=1, at_most=MAX_FEATURES)
    tune: bool = option(False, "choose C of logistic regression and SVC by cross-validation inside each fold")
    alpha: float = option(0.1, "share of studies whose set may miss their group", more_than=0.0, at_most=0.5)
    folds: int = option(FOLDS, "parts of the cross-validation", at_least=2, at_most=20)
    seed: int = option(0, "of folds and classifiers", at_least=0)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What models that did not see a row say about it: scores (n, groups), and distance to each group's rows."""

    scores: np.ndarray
    strange_parts: tuple[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float], ...]


def train_model(
    table: FeatureTable, options: DiagnosisTraining | None = None, progress: Progress | None = None
) -> DiagnosisModel:
    """Return the model of a labeled table; raises InputError for too few rows, MissingDependencyError."""
    options, progress = options or DiagnosisTraining(), progress or Progress()
    require_sklearn()
    table, left_out, groups, numbers = checked(of_families(table, POOLS[options.pool]))
    chosen = choose(table.values, numbers, len(groups), options)
    values = table.values[:, chosen]
    out = _held_out(table.values, numbers, len(groups), options, progress)
    temperature = best_temperature(out.scores, numbers)
    arrays, means, scales = fit_arrays(options.classifier, values, numbers, len(groups), options.seed, options.tune)
    z = (values - means) / scales
    own = np.zeros(len(numbers))
    for members, away, rows, rows_groups, reach in out.strange_parts:
        log_p = log_softmax(temperature * out.scores[members])
        strange = nonconformity(log_p, away, rows, rows_groups, reach)
        own[members] = strange[np.arange(len(members)), numbers[members]]
    right = int((out.scores.argmax(1) == numbers).sum())
    note = {
        "rows": len(numbers),
        "rows_by_group": {group: int((numbers == number).sum()) for number, group in enumerate(groups)},
        "options": options.to_dict(),
        "held_out_right": right,
        "held_out_accuracy": right / len(numbers),
        "left_out_columns": list(left_out),
        "smallest_alpha": smallest_alpha(numbers),
    }
    progress(1.0, "Trained")
    return DiagnosisModel(
        tuple(feature_of(table.features[number]) for number in chosen),
        tuple(groups),
        options.classifier,
        arrays,
        means,
        scales,
        values.min(0),
        values.max(0),
        temperature,
        z,
        numbers,
        own,
        usual_distance(z, numbers),
        options.alpha,
        note,
    )


def of_families(table: FeatureTable, families: Sequence[str]) -> FeatureTable:
    """Return the table with the features of some families; raises InputError when there are none."""
    kept = [at for at, name in enumerate(table.features) if feature_of(name).family in families]
    if not kept:
        raise InputError(f"The table holds no feature of {', '.join(families)}: choose another pool.")
    return FeatureTable(table.names, tuple(table.features[at] for at in kept), table.values[:, kept], table.groups)


def checked(table: FeatureTable) -> tuple[FeatureTable, tuple[str, ...], list[str], np.ndarray]:
    """Return the usable columns, the names of the others, the groups and each row's group number."""
    if table.groups is None:
        raise InputError("The table names no groups: add a column 'GROUP' or 'diagnosis' to train or evaluate with it.")
    usable, left_out = table.complete()
    usable, doubles = _without_doubles(usable)
    left_out += doubles
    groups = sorted(set(table.groups))
    if len(groups) < 2:
        raise InputError(f"All rows belong to {groups[0][:40]}: give rows of two groups at least.")
    few = [group for group in groups if table.groups.count(group) < FOLDS]
    if few:
        raise InputError(
            f"Group {few[0][:40]} has {table.groups.count(few[0])} rows, {FOLDS} are needed in each: add some."
        )
    if not usable.features:
        raise InputError("No column is filled in every row and varies: complete the table.")
    return usable, left_out, groups, np.array([groups.index(group) for group in table.groups])


def _without_doubles(table: FeatureTable) -> tuple[FeatureTable, tuple[str, ...]]:
    """Leave out columns that say the same as an earlier one, such as a mass beside its volume; return their names."""
    if len(table.features) < 2:
        return table, ()
    alike = np.abs(np.corrcoef(table.values.T)) > SAME
    double = [bool(alike[at, :at].any()) for at in range(len(table.features))]
    kept = [at for at, one in enumerate(double) if not one]
    names = tuple(name for name, one in zip(table.features, double, strict=True) if one)
    usable = FeatureTable(table.names, tuple(table.features[at] for at in kept), table.values[:, kept], table.groups)
    return usable, names


def choose(values: np.ndarray, numbers: np.ndarray, groups: int, options: DiagnosisTraining) -> list[int]:
    """Return the columns a classifier of these options learns from."""
    if not options.select:
        return list(range(values.shape[1]))
    return select_features(values, numbers, groups, options.most_features, options.seed)


def _held_out(
    values: np.ndarray, numbers: np.ndarray, groups: int, options: DiagnosisTraining, progress: Progress
) -> HeldOut:
    fold = fold_numbers(numbers, options.folds, options.seed + 1)
    found, parts = np.zeros((len(numbers), groups)), []
    for number in range(options.folds):
        progress(number / (options.folds + 1), "Scoring held-out rows")
        members, rest = np.flatnonzero(fold == number), fold != number
        if not len(members):
            continue
        chosen = choose(values[rest], numbers[rest], groups, options)
        arrays, means, scales = fit_arrays(
            options.classifier, values[rest][:, chosen], numbers[rest], groups, options.seed, options.tune
        )
        away = (values[members][:, chosen] - means) / scales
        rows = (values[rest][:, chosen] - means) / scales
        found[members] = scores(options.classifier, arrays, away)
        parts.append((members, away, rows, numbers[rest], usual_distance(rows, numbers[rest])))
    return HeldOut(found, tuple(parts))


def log_softmax(values: np.ndarray) -> np.ndarray:
    """Return the logarithm of the softmax along the last axis."""
    shifted = values - values.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def best_temperature(found: np.ndarray, numbers: np.ndarray) -> float:
    """Return the factor of scores (n, groups) that gives the held-out groups the largest likelihood."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(numbers))

    def loss(log_factor: float) -> float:
        return -float(log_softmax(np.exp(log_factor) * found)[rows, numbers].mean())

    low, high = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))
