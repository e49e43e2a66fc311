"""Carries end-diastolic labels of ACDC patients to end-systole by several methods in one run.

Usage: python Testing/benchmarks/cardiac_propagation.py FOLDER [--patients N] [--methods identity,demons,labels,...]
FOLDER holds patientNNN/ as ACDC lays them out. Methods: identity (no motion), demons (the suite's engine of SimpleITK's
diffeomorphic demons), elastix (itk-elastix, B-spline of 12 mm, mutual information, three levels), balanced and labels
(instance optimization, images alone), guided (labels preset, helped by the segmenter), seen (the segmenter alone, which
sees no label of the patient). Prints Dice by group, the wall's volume over the true one, and bias and mean absolute
error of the ejection fractions, with 95 % intervals over patients (1.96 standard errors).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cardiac_acdc import PARTS, Patient, load_patient
from cardiac_segmentation import ejection_percent

from CardiacBiomechLib.analysis.carry import SEGMENTATION, carry
from CardiacBiomechLib.motion.engines import make_engine
from CardiacBiomechLib.motion.propagate import propagate
from CardiacBiomechLib.motion.volumes import dice, volume_ml
from CardiacBiomechLib.segmentation.learned import LearnedSegmenter
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.itk_images import itk_image, label_image

Method = Callable[[Patient], Volume]


def identity(patient: Patient) -> Volume:
    """The labels as they are."""
    return patient.labels[0]


def by_engine(engine: str, preset: str) -> Method:
    """Images alone."""
    return lambda patient: (
        propagate(
            patient.images[0], patient.labels[0], patient.images[1], make_engine(engine, preset, threads=1)
        ).labels
    )


def guided(patient: Patient) -> Volume:
    """Images and a segmenter."""
    engine = make_engine("instance", "labels", threads=1)
    found = carry(*patient.images[:1], patient.labels[0], patient.images[1], engine, guide=SEGMENTATION)
    return found.propagation.labels


def seen(patient: Patient) -> Volume:
    """The segmenter alone."""
    return LearnedSegmenter().segment(patient.images, Progress())[1]


def elastix(patient: Patient) -> Volume:
    """B-spline of itk-elastix; labels by nearest neighbor."""
    import itk
    import SimpleITK as sitk

    def as_itk(image: sitk.Image, kind: type):
        converted = itk.image_from_array(sitk.GetArrayFromImage(image).astype(kind))
        converted.SetSpacing(image.GetSpacing())
        return converted

    still, moved = (as_itk(itk_image(image), np.float32) for image in patient.images)
    parameters = itk.ParameterObject.New()
    chosen = parameters.GetDefaultParameterMap("bspline", 3, 12.0)
    chosen["MaximumNumberOfIterations"] = ["256"]
    chosen["ImagePyramidSchedule"] = ["4", "4", "1", "2", "2", "1", "1", "1", "1"]
    parameters.AddParameterMap(chosen)
    _warped, transform = itk.elastix_registration_method(
        moved, still, parameter_object=parameters, log_to_console=False, number_of_threads=1
    )
    transform.SetParameter("FinalBSplineInterpolationOrder", "0")
    labels = itk.transformix_filter(as_itk(label_image(patient.labels[0]), np.float32), transform)
    return patient.labels[0].with_array(np.rint(itk.array_from_image(labels)).astype(np.uint8))


METHODS: dict[str, Method] = {
    "identity": identity,
    "demons": by_engine("demons", "labels"),
    "elastix": elastix,
    "balanced": by_engine("instance", "balanced"),
    "labels": by_engine("instance", "labels"),
    "guided": guided,
    "seen": seen,
}


def scored(patient: Patient, found: Volume) -> dict[str, float]:
    """Dice by part and their mean, volume of the wall over the true one, errors of the ejection fractions."""
    row = {part: dice(found.array, patient.labels[1].array, value) for part, value in PARTS.items()}
    row["mean"] = float(np.mean(list(row.values())))
    row["wall_ratio"] = volume_ml(found, PARTS["MYO"]) / volume_ml(patient.labels[1], PARTS["MYO"])
    for part in ("LV", "RV"):
        true = ejection_percent(*patient.labels, PARTS[part])
        row[f"{part}_EF_error"] = ejection_percent(patient.labels[0], found, PARTS[part]) - true
    return row


def told(values: np.ndarray) -> str:
    """Mean with the half width of its interval."""
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{values.mean():7.3f} +- {half:5.3f}"


def summary(rows: list[dict], groups: list[str]) -> None:
    """Print one method."""
    for group in (*sorted(set(groups)), "all"):
        members = [row for row, other in zip(rows, groups, strict=True) if group in (other, "all")]
        cells = [f"{name} {told(np.array([row[name] for row in members]))}" for name in ("mean", *PARTS, "wall_ratio")]
        print(f"  {group:4s} n={len(members):2d} " + "  ".join(cells))
    for part in ("LV", "RV"):
        errors = np.array([row[f"{part}_EF_error"] for row in rows])
        print(f"  {part} EF: bias {told(errors)}, mean absolute error {told(np.abs(errors))} points")


def main() -> None:
    """Parse, carry with every method, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--json", type=Path, help="keep every row here")
    arguments = parser.parse_args()
    patients = [load_patient(folder) for folder in sorted(arguments.folder.glob("patient*"))[: arguments.patients]]
    kept = {}
    for name in arguments.methods.split(","):
        started = time.process_time()
        rows = []
        for patient in patients:
            rows.append(scored(patient, METHODS[name](patient)))
            values = " ".join(f"{value:7.3f}" for value in rows[-1].values())
            print(f"{name} {patient.name} {patient.group} {values}", flush=True)
        print(f"{name}: {(time.process_time() - started) / len(patients):.1f} CPU seconds per patient")
        summary(rows, [patient.group for patient in patients])
        kept[name] = [{"patient": p.name, "group": p.group, **row} for p, row in zip(patients, rows, strict=True)]
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(kept, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
