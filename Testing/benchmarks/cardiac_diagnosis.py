"""Diagnosis on a labeled table: five classifiers, learning curve, nested beside un-nested selection, noise pool.

Usage: python Testing/benchmarks/cardiac_diagnosis.py TABLE.csv [--patients FOLDER [--segment]] [--seed N]
TABLE is e.g. the published features of ACDC patients. --patients: a folder of ACDC patients; their features are
measured from the readers' labels, compared with the table, and they are classified by models of the other rows.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from CardiacBiomechLib.cases.feature_rows import acdc_rows
from CardiacBiomechLib.cine.acdc import patients_below, read_patient
from CardiacBiomechLib.diagnosis.evaluation.ablation import ablation
from CardiacBiomechLib.diagnosis.evaluation.cross_validation import (
    nested_answers,
    noise_pool,
    permutation_p,
    stability,
    unnested_answers,
)
from CardiacBiomechLib.diagnosis.evaluation.learning_curve import learning_curve
from CardiacBiomechLib.diagnosis.evaluation.rule_baseline import rule_baseline
from CardiacBiomechLib.diagnosis.features.from_labels import label_features
from CardiacBiomechLib.diagnosis.features.table import FeatureTable, read_table, table_of
from CardiacBiomechLib.diagnosis.models.classifiers import NAMES, TUNED
from CardiacBiomechLib.diagnosis.models.scores import KINDS
from CardiacBiomechLib.diagnosis.models.selection import fold_numbers
from CardiacBiomechLib.diagnosis.models.train import DiagnosisTraining, checked, train_model
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.segmentation.engines import SegmenterOptions
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.statistics.proportions import clopper_pearson, mcnemar_p

REPORTED = {"logistic": "0.98 / 1.00", "mlp": "0.91 / 0.96", "svc": "0.90 / 0.92", "forest": "0.89 / 0.92",
            "neighbors": "0.87 / 0.88"}  # fmt: skip
REPORTED_CURVE = {20: 0.7, 30: 0.8, 60: 0.9}


def share(right: int, rows: int) -> str:
    """A count with its exact interval."""
    low, high = clopper_pearson(right, rows)
    return f"{right}/{rows} = {right / rows:.3f} [{low:.3f}, {high:.3f}]"


def classifiers(values: np.ndarray, numbers: np.ndarray, groups: int, seed: int) -> None:
    """Five accuracies without and with selection, beside Table 2 of the report (train / test, ACDC)."""
    print("5-fold accuracy [95 % Clopper-Pearson]: all features | selection inside | selection on all rows | Table 2")
    for kind in KINDS:
        options = DiagnosisTraining(classifier=kind, seed=seed)
        found = [
            nested_answers(values, numbers, groups, replace(options, select=False)),
            nested_answers(values, numbers, groups, options),
            unnested_answers(values, numbers, groups, options),
        ]
        told = " | ".join(share(int((one == numbers).sum()), len(numbers)) for one in found)
        print(f"  {NAMES[kind]:24s} {told} | {REPORTED[kind]}", flush=True)


def rules(table: FeatureTable) -> None:
    """The published definitions alone, on the same rows."""
    found = rule_baseline(table)
    if found is None:
        return
    print("Published definitions alone, nothing learned")
    print(f"  the true group and no other: {share(found.right, found.rows)}")
    print(f"  the true group among those left: {share(found.among, found.rows)}")
    print(f"  groups left on average {found.mean_groups:.2f}, none left {found.none}")
    print(f"  features the table lacks: {', '.join(found.open_criteria) or 'none'}", flush=True)


def tuned(values: np.ndarray, numbers: np.ndarray, groups: int, seed: int) -> None:
    """The two classifiers with a C, chosen inside each fold."""
    print("C chosen inside each fold, selection inside")
    for kind in TUNED:
        options = DiagnosisTraining(classifier=kind, seed=seed, tune=True)
        right = int((nested_answers(values, numbers, groups, options) == numbers).sum())
        print(f"  {NAMES[kind]:24s} {share(right, len(numbers))}", flush=True)


def curve(values: np.ndarray, numbers: np.ndarray, groups: int, seed: int) -> None:
    """The learning curve of logistic regression on all features, 50 subsets, held-out rest."""
    options = DiagnosisTraining(select=False, seed=seed)
    for point in learning_curve(values, numbers, groups, (10, 20, 30, 40, 60), options):
        beside = f", the report's {REPORTED_CURVE[point.rows]}" if point.rows in REPORTED_CURVE else ""
        print(
            f"  n = {point.rows}: {point.mean:.3f} (95 % of subsets {point.low:.3f} to {point.high:.3f}){beside}",
            flush=True,
        )


def coverage(table: FeatureTable, seed: int, splits: int = 200, alpha: float = 0.1) -> None:
    """Coverage by group of the sets that ``cardiac train`` makes, on a fifth of the rows, over random splits."""
    usable, _left, groups, numbers = checked(table)
    covered, seen, sizes = np.zeros(len(groups)), np.zeros(len(groups)), []
    for split in range(splits):
        test = fold_numbers(numbers, 5, seed + 100 + split) == 0
        model = train_model(usable.rows(~test), DiagnosisTraining(alpha=alpha, seed=split))
        for group, kept in zip(numbers[test], model.sets(usable.rows(test).of(model.names)), strict=True):
            seen[group] += 1
            covered[group] += groups[group] in kept
            sizes.append(len(kept))
    for group, one, count in zip(groups, covered / seen, seen, strict=True):
        least = 1 - alpha - 3 * float(np.sqrt(alpha * (1 - alpha) / count))
        held = "held" if one >= least else "MISSED"
        print(f"  {group}: {one:.3f} of {count:.0f}, at least {least:.3f} wanted: {held}")
    print(f"  mean size of a set {np.mean(sizes):.2f}, empty {np.mean(np.array(sizes) == 0):.3f}")


def patients(table: FeatureTable, folder: Path) -> None:
    """Our features of readers' labels against the table; these patients by models of the other rows."""
    own = acdc_rows(patients_below(folder), "sectors", Progress())
    known = [table.names.index(name) for name in own.names]
    compared = [name for name in table.features if name in own.features]
    away = np.abs(own.of(compared) / table.of(compared)[known] - 1.0)
    for family in ("ml", "percent", "ratio", "mm"):
        columns = [at for at, name in enumerate(compared) if name.endswith(family)]
        print(f"  largest difference of {len(columns)} features in {family}: {100 * away[:, columns].max():.3f} %")
    rules(own)
    others = np.ones(len(table.names), dtype=bool)
    others[known] = False
    for kind in KINDS:
        model = train_model(table.rows(others), DiagnosisTraining(classifier=kind))
        answers = [model.groups[at] for at in model.answers(own.of(model.names))]
        right = sum(a == b for a, b in zip(answers, own.groups or (), strict=True))
        print(f"  {NAMES[kind]:24s} {share(right, len(answers))}", flush=True)


def segmented(table: FeatureTable, folder: Path) -> None:
    """The same patients from labels that the segmenter draws in both frames, by models of the other rows."""
    engine = SegmenterOptions().choose().made
    rows, groups = {}, []
    for path in patients_below(folder):
        patient = read_patient(path)
        labels = engine.segment((patient.cine.frames[patient.ed], patient.cine.frames[patient.es]), Progress())
        rows[path.name] = label_features(*labels, ACDC)
        groups.append(patient.group)
    own = table_of(rows, groups)
    others = np.array([name not in own.names for name in table.names])
    for kind in KINDS:
        model = train_model(table.rows(others), DiagnosisTraining(classifier=kind))
        answers = [model.groups[at] for at in model.answers(own.of(model.names))]
        right = sum(a == b for a, b in zip(answers, groups, strict=True))
        print(f"  {NAMES[kind]:24s} {share(right, len(answers))}", flush=True)


def main() -> None:
    """Print everything about one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--patients", type=Path)
    parser.add_argument("--segment", action="store_true", help="also segment the patients anew")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    table = read_table(arguments.table)
    usable, _left, groups, numbers = checked(table)
    values, options = usable.values, DiagnosisTraining(seed=arguments.seed)
    print(f"{len(numbers)} rows, {len(usable.features)} features, groups {', '.join(groups)}")
    if arguments.patients:
        print("Patients measured from readers' labels, classified by models of the other rows")
        patients(table, arguments.patients)
        if arguments.segment:
            print("The same patients, segmented automatically")
            segmented(table, arguments.patients)
    classifiers(values, numbers, len(groups), arguments.seed)
    tuned(values, numbers, len(groups), arguments.seed)
    rules(table)
    print("Learning curve, logistic regression on all features, 50 subsets")
    curve(values, numbers, len(groups), arguments.seed)
    nested, unnested = noise_pool(numbers, len(groups), options)
    told = f"nested {nested:.3f}, un-nested {unnested:.3f}, chance {1 / len(groups):.2f}"
    print(f"Noise pool of 144 features, 5 draws: {told}")
    p, mean = permutation_p(values, numbers, len(groups), options)
    print(f"Permutation test of the nested accuracy: p = {p:.3f}, mean on shuffled groups {mean:.3f}")
    often, jaccard = stability(values, numbers, len(groups), options)
    told = ", ".join(f"{usable.features[at]} {often[at]:.2f}" for at in np.argsort(-often)[:8])
    print(f"Selection on 50 random parts of 80 %: Jaccard index {jaccard:.2f}; {told}")
    print("Ablation, selection inside")
    for step in ablation(values, usable.features, numbers, len(groups), options):
        print(
            f"  {' + '.join(step.families)} ({step.features} features): {share(step.right, step.rows)}, gained "
            f"{step.gained}, lost {step.lost}, p = {step.p:.3f}"
        )
    full = nested_answers(values, numbers, len(groups), replace(options, select=False)) == numbers
    part = nested_answers(values, numbers, len(groups), options) == numbers
    p = mcnemar_p(int((full & ~part).sum()), int((part & ~full).sum()))
    print(f"All features against selection inside: p = {p:.3f}")
    print("Prediction sets, 200 splits")
    coverage(table, arguments.seed)


if __name__ == "__main__":
    main()
