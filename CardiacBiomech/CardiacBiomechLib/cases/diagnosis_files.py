"""From tables to a model folder, and from a model and studies to the table of answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from CardiacBiomechLib.cases.diagnosis_requests import (
    ClassifyRequest,
    EvaluateDiagnosisRequest,
    FeaturesRequest,
    TrainDiagnosisRequest,
)
from CardiacBiomechLib.cases.feature_rows import labeled_rows, rows_to_classify
from CardiacBiomechLib.diagnosis.evaluation.evaluation import evaluate
from CardiacBiomechLib.diagnosis.explanation.explain import explain
from CardiacBiomechLib.diagnosis.features.table import FeatureTable, write_table
from CardiacBiomechLib.diagnosis.models.model import DiagnosisModel
from CardiacBiomechLib.diagnosis.models.model_file import CARD, MODEL, SHIPPED, TABLE, load_model, save_model
from CardiacBiomechLib.diagnosis.models.train import train_model
from CardiacBiomechLib.training.diagnosis_cohort import CohortRequest, cohort_table
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.csv_safety import SafeWriter
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.outputs.whole_file import whole_file
from ThoraxAILib.jobs.progress import Progress

EVALUATION, EVALUATION_PAGE = "evaluation.json", "evaluation.html"
NOT_CLASSIFIED = "not classified"


def write_features(request: FeaturesRequest, progress: Progress) -> FeatureTable:
    """Write the table of features of studies; raises InputError."""
    check_file(request.output)
    from CardiacBiomechLib.cine.acdc import is_patient, patients_below

    acdc = request.input.is_dir() and (is_patient(request.input) or patients_below(request.input))
    if acdc:
        table = labeled_rows(request.input, request.regions, progress)
    else:
        table = rows_to_classify(request.input, progress, regions=request.regions)
    with whole_file(request.output) as partial:
        write_table(table, partial)
    return table


def write_cohort(request: CohortRequest, progress: Progress) -> FeatureTable:
    """Write the table of a cohort of synthetic hearts; raises InputError."""
    check_file(request.output)
    table = cohort_table(request.hearts, request.error_mm, request.seed, progress, request.first)
    with whole_file(request.output) as partial:
        write_table(table, partial)
    return table


def train_case(request: TrainDiagnosisRequest, progress: Progress) -> DiagnosisModel:
    """Train a model and write its folder: model.json, CARD.md and the table it learned from. Raises InputError."""
    from CardiacBiomechLib.diagnosis.models.card import model_card

    table = labeled_rows(request.input, "sectors", progress.part(0.0, 0.3))
    with OutputFolder(request.output, [TABLE, CARD, MODEL]) as folder:
        model = train_model(table, request.options, progress.part(0.3, 1.0))
        model.note["trained_on"] = request.input.resolve().name
        if request.input.is_dir():
            write_table(table, folder / TABLE)
        save_model(model, folder, model_card(model, f"'{request.input.resolve().name}'"))
    return model


def evaluate_case(request: EvaluateDiagnosisRequest, progress: Progress) -> dict:
    """Evaluate a labeled table and write evaluation.html and evaluation.json. Raises InputError."""
    from CardiacBiomechLib.report.diagnosis_evaluation import write_evaluation_report

    table = labeled_rows(request.input, "sectors", progress.part(0.0, 0.1))
    with OutputFolder(request.output, [EVALUATION_PAGE, EVALUATION]) as folder:
        found = evaluate(table, request.options, request.effort, progress.part(0.1, 1.0))
        (folder / EVALUATION).write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        write_evaluation_report(folder / EVALUATION_PAGE, found, request.input.resolve().name)
    return found


def classify_case(request: ClassifyRequest, progress: Progress) -> tuple[DiagnosisModel, FeatureTable]:
    """Classify studies and write the answers; raises InputError."""
    for path in (request.output, request.explanations):
        if path is not None:
            check_file(path)
    model = chosen_model(request.model)
    table = rows_to_classify(request.input, progress.part(0.0, 0.9), model.names)
    values = table.of(model.names)
    with whole_file(request.output) as partial:
        write_predictions(model, table.names, values, partial)
    if request.explanations is not None:
        text = json.dumps(explanations(model, table), indent=1, allow_nan=False)
        with whole_file(request.explanations) as partial:
            partial.write_text(text, encoding="utf-8")
    progress(1.0, "Classified")
    return model, table


def explanations(model: DiagnosisModel, table: FeatureTable) -> dict:
    """Return why each study is answered as it is; studies that lack a feature are left out."""
    found = {}
    for name, row in zip(table.names, table.values, strict=True):
        values = {feature: float(value) for feature, value in zip(table.features, row, strict=True)}
        if all(np.isfinite(values[feature]) for feature in model.names):
            found[name] = explain(model, values).to_dict()
    return {"schema": "thoraxai.cardiac-diagnoses/1", "studies": found}


def chosen_model(folder: Path | None) -> DiagnosisModel:
    """Return the model of a folder, or the shipped one that was trained on synthetic hearts."""
    return load_model(SHIPPED if folder is None else folder)


def write_predictions(model: DiagnosisModel, names: Sequence[str], values: np.ndarray, path: Path) -> None:
    """Write one row per study: its most probable group and every group's probability; empty where a feature lacks."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = SafeWriter(file)
        writer.writerow(["study", "diagnosis", *(f"probability_{group}" for group in model.groups)])
        for name, row in zip(names, values, strict=True):
            if not np.isfinite(row).all():
                writer.writerow([name, NOT_CLASSIFIED, *[""] * len(model.groups)])
                continue
            shares = model.probabilities(row[None])[0]
            writer.writerow([name, model.groups[int(shares.argmax())], *(f"{share:.6f}" for share in shares)])


def check_file(path: Path) -> None:
    """Raise InputError early when a file cannot be written there."""
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise InputError(f"'{path.name}' cannot be written: name a file in a folder that exists.")
