"""The diagnosis of an analyzed study, as cardiac.json, report and summary tell it."""

from __future__ import annotations

from pathlib import Path

from CardiacBiomechLib.cases.study_requests import AnalyzeStudyRequest
from CardiacBiomechLib.diagnosis.explanation.explain import explain
from CardiacBiomechLib.diagnosis.features.from_study import study_features
from CardiacBiomechLib.diagnosis.models.model import DiagnosisModel
from CardiacBiomechLib.diagnosis.models.model_file import SHIPPED, load_model, model_hash
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.model.study import Study


def diagnosis_folder(request: AnalyzeStudyRequest) -> Path | None:
    """Return the folder of the model a run diagnoses with, None for no diagnosis."""
    return (request.diagnosis_model or SHIPPED) if request.diagnosis else None


def chosen_diagnosis(request: AnalyzeStudyRequest) -> DiagnosisModel | None:
    """Return the model of a run, None for no diagnosis. Raises InputError."""
    folder = diagnosis_folder(request)
    return None if folder is None else load_model(folder)


def diagnosis_hash(request: AnalyzeStudyRequest) -> str | None:
    """Return the hash of the model of a run, None for no diagnosis. Raises InputError."""
    folder = diagnosis_folder(request)
    if folder is None:
        return None
    load_model(folder)
    return model_hash(folder)


def diagnosis_section(model: DiagnosisModel, study: Study, person: Person) -> dict:
    """Return answer and reasons, or which features of the model the study lacks."""
    told = {"trained_on": str(model.note.get("trained_on", "a table"))[:120], "kind": model.kind}
    values = study_features({"features": study.features})
    missing = [name for name in model.names if name not in values]
    if missing:
        return {"model": told, "missing": missing}
    return {"model": told, **explain(model, values, person.sex).to_dict()}
