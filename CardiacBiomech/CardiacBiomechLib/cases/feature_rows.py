"""Rows of features from whatever a person has: tables, results of analyses, ACDC patients, or an exam."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cases.study_files import RESULT
from CardiacBiomechLib.cine.acdc import is_patient, patients_below
from CardiacBiomechLib.diagnosis.features.catalog import SEGMENTS, feature_of
from CardiacBiomechLib.diagnosis.features.from_study import read_study_features
from CardiacBiomechLib.diagnosis.features.table import FeatureTable, read_table, table_of
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress

TABLE, INDEX = ".csv", "index.csv"
OF_MOTION = ("motion", "strain", "energy")


def rows_to_classify(
    path: Path, progress: Progress, needed: Sequence[str] | None = None, regions: str = "sectors"
) -> FeatureTable:
    """Return a row per study; an exam is analyzed first. Raises InputError.

    ``needed`` names the features that matter, by whose names an exam is analyzed: by AHA segments where one is of a
    segment, and without strain, which takes most of the time, where none is of the wall's motion. Without ``needed``
    it is analyzed whole, by ``regions``.
    """
    found = _rows_there(path)
    if found is not None:
        return found
    if needed is None:
        return _analyzed(path, progress, StudyOptions(long_axis=False, regions=regions))
    features = [feature_of(name) for name in needed]
    strain = any(feature.family in OF_MOTION for feature in features)
    by = "aha" if any(feature.region in SEGMENTS for feature in features) else "sectors"
    return _analyzed(path, progress, StudyOptions(strain=strain, long_axis=False, regions=by))


def labeled_rows(path: Path, regions: str, progress: Progress) -> FeatureTable:
    """Return rows with their groups: a table, ACDC patients with readers' labels, or results with index.csv."""
    patients = _patients(path)
    if patients:
        return acdc_rows(patients, regions, progress)
    found = _rows_there(path)
    if found is None:
        raise InputError(f"'{path.name}' is no table, no folder of ACDC patients and no folder of results: give one.")
    if found.groups is None and path.is_dir():
        return FeatureTable(found.names, found.features, found.values, _groups_of_index(path, found.names))
    return found


def acdc_rows(patients: Sequence[Path], regions: str, progress: Progress) -> FeatureTable:
    """Return features and groups of ACDC patients from the readers' labels of both frames."""
    from CardiacBiomechLib.cine.acdc import read_patient
    from CardiacBiomechLib.diagnosis.features.from_labels import label_features
    from CardiacBiomechLib.model.heart_labels import ACDC
    from CardiacBiomechLib.model.person import Person

    rows, groups = {}, []
    for number, folder in enumerate(patients):
        progress(number / len(patients), "Measuring the readers' labels")
        patient = read_patient(folder)
        if patient.ed not in patient.labels or patient.es not in patient.labels:
            raise InputError(f"'{folder.name}' holds no readers' labels of both frames: leave it out.")
        surface = Person(patient.height_cm, patient.weight_kg).surface_m2
        both = patient.labels[patient.ed], patient.labels[patient.es]
        rows[folder.name] = label_features(*both, ACDC, surface, regions)
        groups.append(patient.group)
    return table_of(rows, groups if all(groups) else None)


def _patients(path: Path) -> list[Path]:
    if is_patient(path):
        return [path]
    return patients_below(path) if path.is_dir() else []


def _rows_there(path: Path) -> FeatureTable | None:
    """Rows of what holds features already, None for an exam."""
    if not path.exists():
        raise InputError(f"'{path}' does not exist: check the path.")
    if path.is_file() and path.name.lower().endswith(TABLE):
        return read_table(path)
    if path.is_file() and path.name.lower().endswith(".json"):
        return table_of({path.resolve().parent.name: read_study_features(path)})
    if path.is_dir():
        results = [path / RESULT] if (path / RESULT).is_file() else sorted(path.glob(f"*/{RESULT}"))
        if results:
            return table_of({result.resolve().parent.name: read_study_features(result) for result in results})
    return None


def _analyzed(path: Path, progress: Progress, options: StudyOptions) -> FeatureTable:
    """Analyze an exam, or every patient of an ACDC folder, and return the rows."""
    from CardiacBiomechLib.cases.study_case import analyze_study_case
    from CardiacBiomechLib.cases.study_requests import AnalyzeStudyRequest
    from CardiacBiomechLib.diagnosis.features.from_study import study_features

    exams = _patients(path) or [path]
    rows = {}
    with tempfile.TemporaryDirectory(prefix="thoraxai-diagnosis-") as work:
        for number, exam in enumerate(exams):
            share = progress.part(number / len(exams), (number + 1) / len(exams))
            output = Path(work) / str(number)
            request = AnalyzeStudyRequest((exam,), output, options=options, diagnosis=False, with_scene=False)
            name = exam.name.split(".")[0] if exam.is_file() else exam.resolve().name
            rows[name] = study_features(analyze_study_case(request, exam, output, share).result)
    return table_of(rows)


def _groups_of_index(folder: Path, names: Sequence[str]) -> tuple[str, ...] | None:
    """Return groups of analyzed studies as index.csv of their batch tells them, None without it."""
    index = folder / INDEX
    if not index.is_file():
        return None
    with index.open(encoding="utf-8", newline="") as file:
        told = {row.get("study", ""): row.get("group", "") for row in csv.DictReader(file)}
    groups = tuple(told.get(name) or "" for name in names)
    return groups if all(groups) else None
