"""Several cases: each in a child process of its own, so that one that fails or crashes does not stop the others."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from LungNoduleAILib.cases.requests import ANALYZE, CaseRequest
from LungNoduleAILib.model.files import FINDINGS_FILE, INDEX_FILE
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.io import Case, find_cases
from ThoraxAILib.jobs.child_job import SUCCEEDED, ChildJob
from ThoraxAILib.jobs.child_python import child_command, child_environment
from ThoraxAILib.jobs.csv_safety import SafeWriter
from ThoraxAILib.jobs.output_folder import output_error, remove_left_behind
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.jobs.worker_process import THREAD_LIMITS

POLL_SECONDS = 0.1
DONE, RESUMED, FAILED, LEFT_OUT = "done", "resumed", "failed", "left out"


@dataclass(frozen=True)
class IndexRow:
    """One line of index.csv; ``findings`` and ``seconds`` are empty where there are none."""

    case: str
    status: str
    findings: int | str = ""
    seconds: float | str = ""
    message: str = ""


def gather_cases(inputs: Sequence[Path]) -> tuple[list[Case], list[IndexRow]]:
    """Return cases at the inputs, and a failed row for each input that holds none; raises for a single bad input."""
    notes: list[str] = []
    try:
        return find_cases(inputs, on_note=notes.append), _left_out(notes)
    except InputError:
        if len(inputs) == 1:
            raise
    usable, failed = [], []
    for path in inputs:
        try:
            find_cases([path])
            usable.append(path)
        except InputError as error:
            failed.append(IndexRow(path.name, FAILED, message=str(error)))
    notes.clear()
    cases = find_cases(usable, on_note=notes.append) if usable else []
    return cases, [*_left_out(notes), *failed]


def _left_out(notes: Sequence[str]) -> list[IndexRow]:
    return [IndexRow(note.split("'")[1], LEFT_OUT, message=note) for note in notes]


class Batch:
    """Runs requests in up to ``jobs`` child processes; ``on_row`` hears of each finished case."""

    def __init__(
        self,
        requests: Sequence[CaseRequest],
        jobs: int,
        on_row: Callable[[IndexRow], None],
        on_progress: Callable[[float, str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._pending = deque(requests)
        self._jobs = jobs
        self._on_row, self._on_progress, self._is_cancelled = on_row, on_progress, is_cancelled
        self._count = len(requests)
        self._running: list[_RunningCase] = []
        self.rows: list[IndexRow] = []

    def run(self) -> None:
        """Work through all cases; raises Cancelled after every child has ended."""
        try:
            while self._pending or self._running:
                if self._is_cancelled():
                    raise Cancelled("Cancelled.")
                self._start_as_many_as_allowed()
                self._collect_finished()
                time.sleep(POLL_SECONDS)
        finally:
            self._stop_running()

    def _start_as_many_as_allowed(self) -> None:
        while self._pending and len(self._running) < self._jobs:
            self._running.append(_RunningCase(self._pending.popleft(), self._jobs))

    def _collect_finished(self) -> None:
        for running in list(self._running):
            running.job.poll()
            if running.job.is_finished:
                self._running.remove(running)
                self.rows.append(running.row())
                self._on_row(self.rows[-1])
        done = len(self.rows) + sum(running.job.progress for running in self._running)
        self._on_progress(done / self._count, f"{len(self.rows)} of {self._count} cases finished")

    def _stop_running(self) -> None:
        for running in self._running:
            running.job.cancel()
        while any(not running.job.is_finished for running in self._running):
            for running in self._running:
                running.job.poll()
            time.sleep(POLL_SECONDS)
        for running in self._running:
            remove_left_behind(running.request.output.parent)
            remove_left_behind(running.request.output)


class _RunningCase:
    """A request and the child process that works on it."""

    def __init__(self, request: CaseRequest, jobs: int) -> None:
        self.request = request
        self._started = time.monotonic()
        self._record_before = _modified(request.output / RUN_FILE)
        self.job = ChildJob(child_command(ANALYZE, request.for_command()), _environment(jobs))
        self.job.start()

    def row(self) -> IndexRow:
        """How it ended."""
        seconds = round(time.monotonic() - self._started, 1)
        name = self.request.case.name
        if self.job.state != SUCCEEDED:
            failure = self.job.failure
            return IndexRow(name, FAILED, seconds=seconds, message=failure.message if failure else "It was stopped.")
        record = _modified(self.request.output / RUN_FILE)
        findings = json.loads((self.request.output / FINDINGS_FILE).read_text(encoding="utf-8"))["findings"]
        status = RESUMED if record == self._record_before else DONE
        return IndexRow(name, status, len(findings), seconds, self.request.case.reason)


def _modified(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _environment(jobs: int) -> dict[str, str]:
    """Return the processors are shared between the children, unless the person has set limits."""
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    limits = {name: threads for name in THREAD_LIMITS if name not in os.environ}
    return {**child_environment(("ThoraxAILib", "LungNoduleAILib")), **limits}


def write_index(output: Path, rows: Sequence[IndexRow]) -> None:
    """Write index.csv, by case name; raises OutputError."""
    partial = output / f".{INDEX_FILE}"
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = SafeWriter(file)
            writer.writerow([field.name for field in fields(IndexRow)])
            writer.writerows(astuple(row) for row in sorted(rows, key=lambda row: row.case))
        partial.replace(output / INDEX_FILE)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise output_error(error) from error
