"""Several studies in child processes, each of which takes one after another."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from CardiacBiomechLib.cases.study_case import choose_engines, has_earlier_result, needs_segmenter
from CardiacBiomechLib.cases.study_requests import ANALYZE, AnalyzeStudyRequest
from CardiacBiomechLib.cases.study_tables import DONE, FAILED, RESUMED, result_columns
from CardiacBiomechLib.cine.acdc import is_patient, patients_below, read_info
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.jobs.child_job import SUCCEEDED
from ThoraxAILib.jobs.child_python import child_environment, child_words
from ThoraxAILib.jobs.outputs.output_folder import remove_left_behind
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.jobs.serving.workers import WarmWorkers
from ThoraxAILib.jobs.worker_process import THREAD_LIMITS

POLL_SECONDS = 0.1


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


class StudyBatch:
    """Runs studies in up to ``jobs`` child processes; ``on_row`` hears of each that has ended.

    What is to be resumed is known without a child. ``persons`` are rows of a table, by the name of the study.
    """

    def __init__(
        self,
        request: AnalyzeStudyRequest,
        cases: Sequence[StudyCase],
        on_row: Callable[[dict], None],
        on_progress: Callable[[float, str], None],
        is_cancelled: Callable[[], bool],
        persons: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._persons = persons or {}
        self._request, self._pending, self._count = request, deque(cases), len(cases)
        self._on_row, self._on_progress, self._is_cancelled = on_row, on_progress, is_cancelled
        self._workers = WarmWorkers(_environment(request.jobs))
        self._running: list[_RunningStudy] = []
        self.rows: list[dict] = []

    def run(self) -> None:
        """Work through all studies; raises Cancelled after every child has ended."""
        try:
            self._take_over_earlier()
            while self._pending or self._running:
                self._stop_if_cancelled()
                while self._pending and len(self._running) < self._request.jobs:
                    case = self._pending.popleft()
                    self._running.append(_RunningStudy(self._asked(case), case, self._workers))
                self._collect()
                time.sleep(POLL_SECONDS)
        finally:
            self._stop()
            self._workers.close()

    def _stop_if_cancelled(self) -> None:
        if self._is_cancelled():
            raise Cancelled("Cancelled.")

    def _asked(self, case: StudyCase) -> AnalyzeStudyRequest:
        """Return what is asked of one study, with what is known about its person."""
        request = self._request
        person = replace(request.person, **self._persons.get(case.name, {}))
        return replace(
            request,
            inputs=(case.path,),
            output=request.output / case.name,
            person=person,
            persons=None,
            jobs=1,
            shard=None,
        )

    def _take_over_earlier(self) -> None:
        """Tell of every study that is done already, and leave the others."""
        if not self._request.resume:
            return
        engines = {needed: choose_engines(self._request.engines, needed) for needed in (False, True)}
        left: deque[StudyCase] = deque()
        for case in self._pending:
            self._stop_if_cancelled()
            asked = self._asked(case)
            if has_earlier_result(asked, case.path, asked.output, engines[needs_segmenter(asked, case.path)]):
                self._add({**_row_of(case), **result_columns(asked.output), "status": RESUMED, "seconds": 0.0})
            else:
                left.append(case)
        self._pending = left

    def _add(self, row: dict) -> None:
        self.rows.append(row)
        self._on_row(row)

    def _collect(self) -> None:
        for running in list(self._running):
            running.job.poll()
            if running.job.is_finished:
                self._running.remove(running)
                self._workers.release(running.job)
                self._add(running.row())
        done = len(self.rows) + sum(running.job.progress for running in self._running)
        self._on_progress(done / self._count, f"{len(self.rows)} of {self._count} studies finished")

    def _stop(self) -> None:
        for running in self._running:
            running.job.cancel()
        while any(not running.job.is_finished for running in self._running):
            for running in self._running:
                running.job.poll()
            time.sleep(POLL_SECONDS)
        for running in self._running:
            self._workers.release(running.job)
            remove_left_behind(running.output.parent)
            remove_left_behind(running.output)


class _RunningStudy:
    """A study and the child process that works on it."""

    def __init__(self, request: AnalyzeStudyRequest, case: StudyCase, workers: WarmWorkers) -> None:
        self.case, self.output = case, request.output
        self._started = time.monotonic()
        self._before = _modified(self.output / RUN_FILE)
        self.job = workers.job(child_words(ANALYZE, request))
        self.job.start()

    def row(self) -> dict:
        """How it ended, with its numbers."""
        row = {**_row_of(self.case), "seconds": round(time.monotonic() - self._started, 1)}
        if self.job.state != SUCCEEDED:
            failure = self.job.failure
            return {**row, "status": FAILED, "message": failure.message if failure else "It was stopped."}
        resumed = _modified(self.output / RUN_FILE) == self._before
        return {**row, "status": RESUMED if resumed else DONE, **result_columns(self.output)}


def _row_of(case: StudyCase) -> dict:
    return {"study": case.name, "group": _group(case.path), "path": str(case.path)}


def _group(path: Path) -> str:
    try:
        return read_info(path).get("Group", "") if is_patient(path) else ""
    except InputError:
        return ""


def _modified(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _environment(jobs: int) -> dict[str, str]:
    """Return an environment in which the processors are shared, unless the person has set limits."""
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    limits = {name: threads for name in THREAD_LIMITS if name not in os.environ}
    return {**child_environment(("ThoraxAILib", "CardiacBiomechLib")), **limits}
