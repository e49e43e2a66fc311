"""Answers about rows that were not learned from: nested and, to show what it hides, un-nested cross-validation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from CardiacBiomechLib.diagnosis.models.classifiers import fit_arrays
from CardiacBiomechLib.diagnosis.models.scores import scores
from CardiacBiomechLib.diagnosis.models.selection import fold_numbers
from CardiacBiomechLib.diagnosis.models.train import DiagnosisTraining, choose

NOISE_FEATURES = 144  # the size of the feature pool of the published method


def answer(
    train: np.ndarray, numbers: np.ndarray, test: np.ndarray, groups: int, options: DiagnosisTraining
) -> np.ndarray:
    """Return the group numbers (n,) of test rows from a classifier of the training rows (their columns as given)."""
    kind = options.classifier
    arrays, means, scales = fit_arrays(kind, train, numbers, groups, options.seed, options.tune)
    return scores(kind, arrays, (test - means) / scales).argmax(1)


def nested_answers(
    values: np.ndarray,
    numbers: np.ndarray,
    groups: int,
    options: DiagnosisTraining,
    chosen: list[list[int]] | None = None,
) -> np.ndarray:
    """Return the answer (rows,) about every row by a model that did not see it; selection happens inside the folds.

    ``chosen`` receives the columns that each fold selected.
    """
    fold = fold_numbers(numbers, options.folds, options.seed + 1)
    found = np.full(len(numbers), -1)
    for number in range(options.folds):
        held_out = fold == number
        if not held_out.any():
            continue
        train, truth = values[~held_out], numbers[~held_out]
        columns = choose(train, truth, groups, options)
        if chosen is not None:
            chosen.append(columns)
        test = values[held_out][:, columns]
        found[held_out] = answer(train[:, columns], truth, test, groups, options)
    return found


def unnested_answers(values: np.ndarray, numbers: np.ndarray, groups: int, options: DiagnosisTraining) -> np.ndarray:
    """Return answers (rows,) with features selected on all rows, held-out ones too: too good, shown as a warning."""
    columns = choose(values, numbers, groups, options)
    return nested_answers(values[:, columns], numbers, groups, replace(options, select=False))


def noise_pool(numbers: np.ndarray, groups: int, options: DiagnosisTraining, draws: int = 5) -> tuple[float, float]:
    """Return mean nested and un-nested accuracy on features that know nothing; nested must be near chance."""
    nested, unnested = [], []
    for draw in range(draws):
        random = np.random.default_rng(options.seed + 1000 + draw)
        values = random.standard_normal((len(numbers), NOISE_FEATURES))
        nested.append(float((nested_answers(values, numbers, groups, options) == numbers).mean()))
        unnested.append(float((unnested_answers(values, numbers, groups, options) == numbers).mean()))
    return float(np.mean(nested)), float(np.mean(unnested))


def permutation_p(
    values: np.ndarray, numbers: np.ndarray, groups: int, options: DiagnosisTraining, draws: int = 99
) -> tuple[float, float]:
    """Return the p of the nested accuracy and the mean accuracy on shuffled groups (Ojala and Garriga, JMLR 2010)."""
    real = float((nested_answers(values, numbers, groups, options) == numbers).mean())
    random = np.random.default_rng(options.seed + 7)
    shuffled = []
    for _ in range(draws):
        mixed = random.permutation(numbers)
        shuffled.append(float((nested_answers(values, mixed, groups, options) == mixed).mean()))
    return (1.0 + sum(one >= real for one in shuffled)) / (draws + 1.0), float(np.mean(shuffled))


def confusion(numbers: np.ndarray, answers: np.ndarray, groups: int) -> np.ndarray:
    """Return how many rows (groups, groups) of each group got each answer."""
    return np.array([[int(((numbers == a) & (answers == b)).sum()) for b in range(groups)] for a in range(groups)])


def stability(
    values: np.ndarray,
    numbers: np.ndarray,
    groups: int,
    options: DiagnosisTraining,
    draws: int = 50,
    share: float = 0.8,
) -> tuple[np.ndarray, float]:
    """Return how often (features,) each column is selected on random parts, and the mean Jaccard index of two parts."""
    random = np.random.default_rng(options.seed + 11)
    sets = []
    for _ in range(draws):
        part = np.concatenate(
            [
                random.permutation(np.flatnonzero(numbers == group))[: max(2, round(share * (numbers == group).sum()))]
                for group in range(groups)
            ]
        )
        sets.append(set(choose(values[part], numbers[part], groups, options)))
    often = np.array([sum(column in one for one in sets) for column in range(values.shape[1])]) / draws
    alike = [len(a & b) / len(a | b) for at, a in enumerate(sets) for b in sets[:at]]
    return often, float(np.mean(alike))
