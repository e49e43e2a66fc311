"""Several cases in child processes, so that one that fails or crashes does not stop the others.

A process that has finished a case takes the next one: libraries and models are loaded once.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.cases.analyze_case import has_earlier_result
from LungNoduleAILib.cases.cohort.tables import FAILED, LEFT_OUT, IndexRow, failed_row, finished_row
from LungNoduleAILib.cases.requests import ANALYZE, CaseRequest
from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.io import Case, find_cases
from ThoraxAILib.jobs.child_job import SUCCEEDED
from ThoraxAILib.jobs.child_python import child_environment, child_words
from ThoraxAILib.jobs.outputs.output_folder import remove_left_behind
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.jobs.serving.workers import WarmWorkers
from ThoraxAILib.jobs.worker_process import THREAD_LIMITS

if TYPE_CHECKING:
    from LungNoduleAILib.analysis.engines import LungEngines

POLL_SECONDS = 0.1


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
            failed.append(IndexRow(path.name, FAILED, message=str(error), path=str(path)))
    notes.clear()
    cases = find_cases(usable, on_note=notes.append) if usable else []
    return cases, [*_left_out(notes), *failed]


def _left_out(notes: Sequence[str]) -> list[IndexRow]:
    return [IndexRow(note.split("'")[1], LEFT_OUT, message=note) for note in notes]


class Batch:
    """Runs requests in up to ``jobs`` child processes, each of which takes one case after another.

    ``on_row`` hears of each finished case. ``engines`` are those the children will choose; with them what is to be
    resumed is known without a child.
    """

    def __init__(
        self,
        requests: Sequence[CaseRequest],
        jobs: int,
        on_row: Callable[[IndexRow], None],
        on_progress: Callable[[float, str], None],
        is_cancelled: Callable[[], bool],
        engines: LungEngines | None = None,
    ) -> None:
        self._pending = deque(requests)
        self._jobs = jobs
        self._on_row, self._on_progress, self._is_cancelled = on_row, on_progress, is_cancelled
        self._engines = engines
        self._count = len(requests)
        self._workers = WarmWorkers(_environment(jobs))
        self._running: list[_RunningCase] = []
        self.rows: list[IndexRow] = []

    def run(self) -> None:
        """Work through all cases; raises Cancelled after every child has ended."""
        try:
            self._take_over_earlier()
            while self._pending or self._running:
                self._stop_if_cancelled()
                self._start_as_many_as_allowed()
                self._collect_finished()
                time.sleep(POLL_SECONDS)
        finally:
            self._stop_running()
            self._workers.close()

    def _stop_if_cancelled(self) -> None:
        if self._is_cancelled():
            raise Cancelled("Cancelled.")

    def _take_over_earlier(self) -> None:
        """Tell of every case that is done already, and leave the others."""
        if self._engines is None:
            return
        left: deque[CaseRequest] = deque()
        for request in self._pending:
            self._stop_if_cancelled()
            if request.resume and has_earlier_result(request, self._engines):
                self._add(finished_row(request.case, request.output, True, 0.0))
            else:
                left.append(request)
        self._pending = left

    def _add(self, row: IndexRow) -> None:
        self.rows.append(row)
        self._on_row(row)

    def _start_as_many_as_allowed(self) -> None:
        while self._pending and len(self._running) < self._jobs:
            self._running.append(_RunningCase(self._pending.popleft(), self._workers))

    def _collect_finished(self) -> None:
        for running in list(self._running):
            running.job.poll()
            if running.job.is_finished:
                self._running.remove(running)
                self._workers.release(running.job)
                self._add(running.row())
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
            self._workers.release(running.job)
            remove_left_behind(running.request.output.parent)
            remove_left_behind(running.request.output)


class _RunningCase:
    """A request and the child process that works on it."""

    def __init__(self, request: CaseRequest, workers: WarmWorkers) -> None:
        self.request = request
        self._started = time.monotonic()
        self._record_before = _modified(request.output / RUN_FILE)
        self.job = workers.job(child_words(ANALYZE, request.for_command()))
        self.job.start()

    def row(self) -> IndexRow:
        """How it ended."""
        seconds = round(time.monotonic() - self._started, 1)
        request = self.request
        if self.job.state != SUCCEEDED:
            failure = self.job.failure
            return failed_row(request.case, failure.message if failure else "It was stopped.", seconds)
        resumed = _modified(request.output / RUN_FILE) == self._record_before
        return finished_row(request.case, request.output, resumed, seconds)


def _modified(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _environment(jobs: int) -> dict[str, str]:
    """Return the processors are shared between the children, unless the person has set limits."""
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    limits = {name: threads for name in THREAD_LIMITS if name not in os.environ}
    return {**child_environment(("ThoraxAILib", "LungNoduleAILib")), **limits}
