"""Several studies in child processes, each of which takes one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from CardiacBiomechLib.cases.study_case import choose_engines, has_earlier_result, needs_segmenter
from CardiacBiomechLib.cases.study_requests import ANALYZE, AnalyzeStudyRequest
from CardiacBiomechLib.cases.study_tables import DONE, FAILED, RESUMED, result_columns
from CardiacBiomechLib.cine.acdc import is_patient, patients_below, read_info
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.child_python import child_words
from ThoraxAILib.jobs.serving.child_batch import BatchWatch, ChildBatch


@dataclass(frozen=True)
class StudyCase:
    """One study and the name of its folder of results."""

    name: str
    path: Path


def gather_studies(inputs: Sequence[Path]) -> list[StudyCase]:
    """Return the studies at the inputs: each one, or every patient of a folder of ACDC patients. Raises InputError."""
    paths: list[Path] = []
    for given in inputs:
        if not given.exists():
            raise InputError(f"'{given}' does not exist: check the path.")
        patients = [] if is_patient(given) or not given.is_dir() else patients_below(given)
        paths += patients or [given]
    taken: dict[str, int] = {}
    cases = []
    for path in dict.fromkeys(path.resolve() for path in paths):
        name = path.name.split(".")[0] if path.is_file() else path.name
        name = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name) or "study"
        taken[name.lower()] = taken.get(name.lower(), 0) + 1
        cases.append(StudyCase(name if taken[name.lower()] == 1 else f"{name}_{taken[name.lower()]}", path))
    return cases


class StudyBatch(ChildBatch[StudyCase, dict]):
    """Analyzes studies of one request. ``persons`` are rows of a table, by the name of the study."""

    packages = ("ThoraxAILib", "CardiacBiomechLib")
    noun = "studies"

    def __init__(
        self,
        request: AnalyzeStudyRequest,
        cases: Sequence[StudyCase],
        watch: BatchWatch[dict],
        persons: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(cases, request.jobs, watch)
        self._request, self._persons = request, persons or {}
        engines = request.engines
        self._engines = {need: choose_engines(engines, need) for need in (False, True)} if request.resume else {}

    def words(self, asked: StudyCase) -> list[str]:
        """Return the command of one study."""
        return child_words(ANALYZE, self._request_of(asked))

    def output(self, asked: StudyCase) -> Path:
        """Return the folder of its results."""
        return self._request.output / asked.name

    def earlier_row(self, asked: StudyCase) -> dict | None:
        """Return the row of a study that the same engines have analyzed before."""
        if not self._request.resume:
            return None
        request = self._request_of(asked)
        engines = self._engines[needs_segmenter(request, asked.path)]
        if not has_earlier_result(request, asked.path, request.output, engines):
            return None
        return {**_row_of(asked), **result_columns(request.output), "status": RESUMED, "seconds": 0.0}

    def finished_row(self, asked: StudyCase, resumed: bool, seconds: float) -> dict:
        """Return the row of a study with its numbers; a verdict that is an error is its status."""
        status = RESUMED if resumed else DONE
        return {**_row_of(asked), "seconds": seconds, "status": status, **result_columns(self.output(asked))}

    def failed_row(self, asked: StudyCase, message: str, seconds: float) -> dict:
        """Return the row of a study without a result."""
        return {**_row_of(asked), "seconds": seconds, "status": FAILED, "message": message}

    def _request_of(self, case: StudyCase) -> AnalyzeStudyRequest:
        """Return what is asked of one study, with what is known about its person."""
        request = self._request
        person = replace(request.person, **self._persons.get(case.name, {}))
        return replace(
            request, inputs=(case.path,), output=self.output(case), person=person, persons=None, jobs=1, shard=None
        )


def _row_of(case: StudyCase) -> dict:
    return {"study": case.name, "group": _group(case.path), "path": str(case.path)}


def _group(path: Path) -> str:
    try:
        return read_info(path).get("Group", "") if is_patient(path) else ""
    except InputError:
        return ""
