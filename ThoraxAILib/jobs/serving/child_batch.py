"""Many cases in child processes, so that one that fails or crashes does not stop the others.

A process that has finished a case takes the next one: libraries and models are loaded once.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ThoraxAILib.errors import Cancelled
from ThoraxAILib.jobs.child_job import SUCCEEDED
from ThoraxAILib.jobs.child_python import child_environment
from ThoraxAILib.jobs.outputs.output_folder import remove_left_behind
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.jobs.serving.served_job import ServedJob
from ThoraxAILib.jobs.serving.workers import WarmWorkers
from ThoraxAILib.jobs.worker_process import THREAD_LIMITS

POLL_SECONDS = 0.1

Asked = TypeVar("Asked")
Row = TypeVar("Row")


@dataclass
class BatchWatch(Generic[Row]):
    """What a caller hears of a batch and how it stops one: ``on_row`` for each case that has ended."""

    on_row: Callable[[Row], None]
    on_progress: Callable[[float, str], None]
    is_cancelled: Callable[[], bool]


class ChildBatch(ABC, Generic[Asked, Row]):
    """Runs cases in up to ``jobs`` child processes; ``rows`` are those that have ended, in the order of their ends."""

    packages: tuple[str, ...]  # what the children import
    noun: str  # what a case is called in the progress: "cases"

    def __init__(self, asked: Sequence[Asked], jobs: int, watch: BatchWatch[Row]) -> None:
        self._pending = deque(asked)
        self._count, self._jobs, self._watch = len(asked), jobs, watch
        self._workers = WarmWorkers(_environment(self.packages, jobs))
        self._running: list[_Running[Asked]] = []
        self.rows: list[Row] = []

    @abstractmethod
    def words(self, asked: Asked) -> list[str]:
        """Return the words after ``thoraxai`` that run one case."""

    @abstractmethod
    def output(self, asked: Asked) -> Path:
        """Return the folder of one case's results."""

    @abstractmethod
    def earlier_row(self, asked: Asked) -> Row | None:
        """Return the row of a case whose result is there already, None for one that has to run."""

    @abstractmethod
    def finished_row(self, asked: Asked, resumed: bool, seconds: float) -> Row:
        """Return the row of a case that has a result; ``resumed`` says that the child found it there."""

    @abstractmethod
    def failed_row(self, asked: Asked, message: str, seconds: float) -> Row:
        """Return the row of a case that has no result."""

    def run(self) -> None:
        """Work through all cases; raises Cancelled after every child has ended."""
        try:
            self._take_over_earlier()
            while self._pending or self._running:
                self._stop_if_cancelled()
                while self._pending and len(self._running) < self._jobs:
                    self._start(self._pending.popleft())
                self._collect()
                time.sleep(POLL_SECONDS)
        finally:
            self._stop()
            self._workers.close()

    def _stop_if_cancelled(self) -> None:
        if self._watch.is_cancelled():
            raise Cancelled("Cancelled.")

    def _take_over_earlier(self) -> None:
        """Tell of every case that is done already, without a child, and leave the others."""
        left: deque[Asked] = deque()
        for asked in self._pending:
            self._stop_if_cancelled()
            row = self.earlier_row(asked)
            if row is None:
                left.append(asked)
            else:
                self._add(row)
        self._pending = left

    def _start(self, asked: Asked) -> None:
        job = self._workers.job(self.words(asked))
        self._running.append(_Running(asked, job, time.monotonic(), _modified(self.output(asked) / RUN_FILE)))
        job.start()

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self._watch.on_row(row)

    def _collect(self) -> None:
        for running in list(self._running):
            running.job.poll()
            if running.job.is_finished:
                self._running.remove(running)
                self._workers.release(running.job)
                self._add(self._row(running))
        done = len(self.rows) + sum(running.job.progress for running in self._running)
        self._watch.on_progress(done / self._count, f"{len(self.rows)} of {self._count} {self.noun} finished")

    def _row(self, running: _Running[Asked]) -> Row:
        seconds = round(time.monotonic() - running.started, 1)
        if running.job.state != SUCCEEDED:
            failure = running.job.failure
            return self.failed_row(running.asked, failure.message if failure else "It was stopped.", seconds)
        resumed = _modified(self.output(running.asked) / RUN_FILE) == running.record_before
        return self.finished_row(running.asked, resumed, seconds)

    def _stop(self) -> None:
        for running in self._running:
            running.job.cancel()
        while any(not running.job.is_finished for running in self._running):
            for running in self._running:
                running.job.poll()
            time.sleep(POLL_SECONDS)
        for running in self._running:
            self._workers.release(running.job)
            remove_left_behind(self.output(running.asked).parent)
            remove_left_behind(self.output(running.asked))


@dataclass(frozen=True)
class _Running(Generic[Asked]):
    """A case, the child process that works on it, and when its run record was written before (None: never)."""

    asked: Asked
    job: ServedJob
    started: float
    record_before: int | None


def _modified(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _environment(packages: tuple[str, ...], jobs: int) -> dict[str, str]:
    """Return an environment in which the processors are shared, unless the person has set limits."""
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    limits = {name: threads for name in THREAD_LIMITS if name not in os.environ}
    return {**child_environment(packages), **limits}
