"""Worker processes that may die: each file is handed to one of them alone, so a death names the file that caused it.

A worker that was killed (memory ran out, a decoder crashed) or that takes too long is replaced, its file is set aside
by name, and the files that waited behind it are handed out again. Results come in the order of the files.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.process import BaseProcess

from AnonymizerLib.deidentify.instance import QUARANTINED
from AnonymizerLib.run.journal import Entry
from AnonymizerLib.run.worker import UNFINISHED, Done, Worker, WorkerSettings
from AnonymizerLib.run.worker_limits import FileLimits, limit_memory
from ThoraxAILib.errors import OutputError, ThoraxAIError
from ThoraxAILib.jobs.worker_process import end_with_parent, one_thread_each

AHEAD = 4  # names that wait in the pipe of a worker, so that it need not wait for the next one
WINDOW = 1024  # how far results may run ahead of a file that takes long
GARBAGE_THRESHOLDS = (50_000, 50, 100)  # a data set is hundreds of small objects: look for garbage less often
MOST_FAILED_STARTS = 3
LONGEST_WAIT_SECONDS = 1.0
READY, DONE, FAILED = "ready", "done", "failed"


@dataclass
class _Seat:
    """One place of the pool: its process now, the pipe to it, and the numbers of the files it was given."""

    process: BaseProcess
    pipe: connection.Connection
    given: deque[int] = field(default_factory=deque)
    is_ready: bool = False
    is_late: bool = False
    deadline: float = float("inf")


class WorkerPool:
    """``results(names)`` of ``jobs`` worker processes; OutputError when nothing can be written."""

    def __init__(self, settings: WorkerSettings, jobs: int, limits: FileLimits) -> None:
        self.settings, self.limits = settings, limits
        self._jobs = jobs
        self._memory_bytes = limits.memory_of_each(jobs)
        self._context = multiprocessing.get_context("spawn")
        self._names: list[str] = []
        self._open: deque[int] = deque()
        self._found: dict[int, Done] = {}
        self._next = 0
        self._failed_starts = 0

    def results(self, names: list[str]) -> Iterator[Done]:
        """Yield the outcome of every file, in their order."""
        self._names, self._open, self._next = names, deque(range(len(names))), 0
        seats = [self._start() for _ in range(min(self._jobs, len(names)))]
        try:
            while self._next < len(names):
                for seat in seats:
                    self._feed(seat)
                self._listen(seats)
                while self._next in self._found:
                    yield self._found.pop(self._next)
                    self._next += 1
        finally:
            for seat in seats:
                seat.process.kill()
                seat.process.join()
                seat.pipe.close()

    def _start(self) -> _Seat:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self.settings, self._memory_bytes), daemon=True)
        with one_thread_each():
            process.start()
        theirs.close()
        return _Seat(process, ours)

    def _feed(self, seat: _Seat) -> None:
        while seat.is_ready and self._open and len(seat.given) < AHEAD and self._open[0] < self._next + WINDOW:
            number = self._open.popleft()
            seat.given.append(number)
            if len(seat.given) == 1:
                self._start_clock(seat)
            try:
                seat.pipe.send((number, self._names[number]))
            except OSError:  # it is gone: that is dealt with when its end is noticed
                return

    def _start_clock(self, seat: _Seat) -> None:
        size = self._facts(seat.given[0])["size"] if seat.given else 0
        seat.deadline = time.monotonic() + self.limits.seconds_for(size) if seat.given else float("inf")

    def _listen(self, seats: list[_Seat]) -> None:
        """Take what the workers say until one of them is to be fed again, and replace those that ended."""
        pipes = {seat.pipe: seat for seat in seats}
        ends = {seat.process.sentinel: seat for seat in seats}
        told = connection.wait([*pipes, *ends], LONGEST_WAIT_SECONDS)
        for seat in [pipes[one] for one in told if one in pipes]:
            self._hear(seat)
        for position, seat in enumerate(seats):
            if not seat.is_late and time.monotonic() > seat.deadline:
                seat.is_late = True
                seat.process.kill()
                seat.process.join()
            if not seat.process.is_alive():
                seats[position] = self._replace(seat)

    def _hear(self, seat: _Seat) -> bool:
        """Take one message; False when the worker has ended."""
        try:
            kind, number, content = seat.pipe.recv()
        except (EOFError, OSError):
            seat.process.join(LONGEST_WAIT_SECONDS)
            return False
        if kind == READY:
            seat.is_ready, self._failed_starts = True, 0
        elif kind == FAILED:
            raise OutputError(content)
        else:
            seat.given.remove(number)
            self._found[number] = content
            self._start_clock(seat)
        return True

    def _replace(self, seat: _Seat) -> _Seat:
        """Set the file aside on which a worker ended, hand out the others again, start another worker."""
        while seat.pipe.poll() and self._hear(seat):
            pass
        seat.pipe.close()
        if not seat.is_ready:
            self._failed_starts += 1
            if self._failed_starts > MOST_FAILED_STARTS:
                raise ThoraxAIError(
                    "The worker processes end while they start: free memory or use fewer --jobs (in a "
                    'script, start the run below: if __name__ == "__main__").'
                )
        if seat.given:
            culprit = seat.given.popleft()
            self._found[culprit] = Done(Entry(**self._facts(culprit), status=QUARANTINED, reason=_reason(seat)))
            self._open.extendleft(reversed(seat.given))
        for left in (self.settings.output / UNFINISHED).glob(f"{seat.process.pid}-*.part"):
            left.unlink(missing_ok=True)
        return self._start()

    def _facts(self, number: int) -> dict:
        name = self._names[number]
        try:
            stat = os.stat(self.settings.source / name)
        except OSError:
            return {"source": name, "size": 0, "modified_ns": 0}
        return {"source": name, "size": stat.st_size, "modified_ns": stat.st_mtime_ns}


def _reason(seat: _Seat) -> str:
    """Why a worker ended, in a sentence for the quarantine list."""
    if seat.is_late:
        return "It took longer than one file may take and was given up."
    code = seat.process.exitcode
    if code == -signal.SIGTERM or (hasattr(signal, "SIGKILL") and code == -signal.SIGKILL):
        return "Its worker was killed by the system, most often because memory ran out."
    return f"The program that reads it ended without a word (status {code}): the file may be made to do harm."


def _work(pipe: connection.Connection, settings: WorkerSettings, memory_bytes: int) -> None:
    """Live as a worker process: end with the parent, say nothing by itself and take no more than its share.

    Whatever libraries print may quote values of a file, so it goes nowhere.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told to stop, and ends the workers
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    end_with_parent()
    worker = Worker(settings)
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    limit_memory(memory_bytes)
    pipe.send((READY, 0, None))
    while True:
        try:
            number, name = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((DONE, number, worker.process(name)))
        except OutputError as error:
            pipe.send((FAILED, number, str(error)))
            return
