"""Segments end-diastole and end-systole of ACDC patients without a label and scores them against the true labels.

Usage: python Testing/benchmarks/cardiac_segmentation.py FOLDER [--patients N] [--weights FILE] [--save DIR]
FOLDER holds patientNNN/ as ACDC lays them out. Both frames are given as one cine. Prints per patient Dice of LV, wall
and RV at both phases, true and found volumes and ejection fractions, then means by group with 95 % intervals over
patients (1.96 standard errors). No ACDC patient taught or chose the network.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from cardiac_acdc import PARTS, Patient, load_patient

from CardiacBiomechLib.motion.volumes import dice, volume_ml
from CardiacBiomechLib.segmentation.learned import LearnedSegmenter
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.transform_files import write_labels
from ThoraxAILib.jobs.progress import Progress

COLUMNS = tuple(f"{part}_{phase}" for phase in ("ED", "ES") for part in PARTS)


def ejection_percent(end_diastole: Volume, end_systole: Volume, value: int) -> float:
    """Ejection fraction from the volumes of one label; nan without an end-diastolic volume."""
    first, last = volume_ml(end_diastole, value), volume_ml(end_systole, value)
    return 100.0 * (first - last) / first if first > 0 else float("nan")


def scored(patient: Patient, found: tuple[Volume, ...]) -> dict[str, float]:
    """Dice by part and phase, ejection fractions and their errors, volumes found over true."""
    row = {
        f"{part}_{phase}": dice(found[index].array, patient.labels[index].array, value)
        for index, phase in enumerate(("ED", "ES"))
        for part, value in PARTS.items()
    }
    for part in ("LV", "RV"):
        row[f"{part}_EF"] = ejection_percent(found[0], found[1], PARTS[part])
        row[f"{part}_EF_true"] = ejection_percent(*patient.labels, PARTS[part])
        row[f"{part}_EF_error"] = row[f"{part}_EF"] - row[f"{part}_EF_true"]
    for index, phase in enumerate(("ED", "ES")):
        for part, value in PARTS.items():
            true = volume_ml(patient.labels[index], value)
            row[f"{part}_{phase}_volume_ratio"] = volume_ml(found[index], value) / true
    return row


def told(name: str, rows: list[dict[str, float]], columns: tuple[str, ...]) -> str:
    """One line of means with the half width of their intervals."""
    values = np.array([[row[column] for column in columns] for row in rows])
    half = 1.96 * values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(len(columns))
    cells = " ".join(f"{mean:7.3f}+-{spread:.3f}" for mean, spread in zip(values.mean(axis=0), half, strict=True))
    return f"{name:6s} (n={len(rows):2d}) {cells}"


def summary(rows: list[dict[str, float]]) -> str:
    """Bias and mean absolute error of the ejection fractions."""
    lines = []
    for part in ("LV", "RV"):
        errors = np.array([row[f"{part}_EF_error"] for row in rows])
        half = 1.96 / np.sqrt(len(errors))
        absolute = np.abs(errors)
        lines.append(
            f"{part} EF: bias {errors.mean():+.2f} +- {half * errors.std(ddof=1):.2f}, mean absolute error "
            f"{absolute.mean():.2f} +- {half * absolute.std(ddof=1):.2f} points, worst {absolute.max():.1f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Parse, segment every patient, print rows and means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--save", type=Path, help="keep the labels and scores.json here")
    arguments = parser.parse_args()
    segmenter = LearnedSegmenter(weights=arguments.weights)
    rows, groups = [], []
    print("patient group " + " ".join(COLUMNS) + " LV_EF true RV_EF true")
    for folder in sorted(arguments.folder.glob("patient*"))[: arguments.patients]:
        patient = load_patient(folder)
        found = segmenter.segment(patient.images, Progress())
        row = scored(patient, found)
        rows.append(row)
        groups.append(patient.group)
        numbers = [row[name] for name in (*COLUMNS, "LV_EF", "LV_EF_true", "RV_EF", "RV_EF_true")]
        print(f"{patient.name} {patient.group:4s} " + " ".join(f"{value:6.3f}" for value in numbers), flush=True)
        if arguments.save is not None:
            arguments.save.mkdir(parents=True, exist_ok=True)
            for phase, labels in zip(("ED", "ES"), found, strict=True):
                write_labels(labels, arguments.save / f"{patient.name}_{phase}.nii.gz")
    print("means of " + " ".join(COLUMNS))
    for group in sorted(set(groups)):
        members = [row for row, other in zip(rows, groups, strict=True) if other == group]
        print(told(group, members, COLUMNS))
    print(told("all", rows, COLUMNS))
    ratios = tuple(f"{part}_{phase}_volume_ratio" for phase in ("ED", "ES") for part in PARTS)
    print("found over true volume of " + " ".join(COLUMNS))
    print(told("all", rows, ratios))
    print(summary(rows))
    if arguments.save is not None:
        content = [{"group": group, **row} for group, row in zip(groups, rows, strict=True)]
        (arguments.save / "scores.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
