"""Worker processes that may die: each name is handed to one of them alone, so a death tells which one caused it.

A worker that was killed (memory ran out, a decoder crashed) or that takes too long is replaced, what it worked on is
lost by name, and what waited behind it is handed out again. Results come in the order of the names.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Generic, Protocol, TypeVar

from AnonymizerLib.bounds.maxima import MAX_FAILED_STARTS
from AnonymizerLib.bounds.worker_limits import FileLimits, limit_memory
from ThoraxAILib.errors import OutputError, ThoraxAIError
from ThoraxAILib.jobs.worker_process import end_with_parent, one_thread_each

AHEAD = 4  # names that wait in the pipe of a worker, so that it need not wait for the next one
WINDOW = 1024  # how far results may run ahead of a file that takes long
GARBAGE_THRESHOLDS = (50_000, 50, 100)  # a data set is hundreds of small objects: look for garbage less often
LONGEST_WAIT_SECONDS = 1.0
READY, DONE, FAILED = "ready", "done", "failed"
Result = TypeVar("Result")
Answer = TypeVar("Answer", covariant=True)


class Job(Protocol[Answer]):
    """What the workers do with each name; it is sent to their processes."""

    def begin(self) -> Callable[[str], Answer]:
        """Return what deals with one name; called once in every worker. It may raise OutputError, which ends all."""
        ...

    def lost(self, name: str, reason: str) -> Answer:
        """Say in the parent what becomes of a name on which its worker ended."""
        ...

    def size_bytes(self, name: str) -> int:
        """Say how much is to be read for a name, which decides how long it may take."""
        ...

    def clear(self, pid: int) -> None:
        """Remove what a worker that ended may have left unfinished."""
        ...


def results(job: Job[Result], names: list[str], jobs: int, limits: FileLimits, is_isolated: bool) -> Iterator[Result]:
    """Yield the outcome for every name in their order, from workers that may die, or else from this process."""
    if is_isolated or jobs > 1:
        yield from WorkerPool(job, jobs, limits).results(names)
        return
    deal_with = job.begin() if names else None
    for name in names:
        if deal_with is not None:
            yield deal_with(name)


@dataclass
class _Seat:
    """One place of the pool: its process now, the pipe to it, and the numbers of the files it was given."""

    process: BaseProcess
    pipe: connection.Connection
    given: deque[int] = field(default_factory=deque)
    is_ready: bool = False
    is_late: bool = False
    deadline: float = float("inf")


class WorkerPool(Generic[Result]):
    """``results(names)`` of ``jobs`` worker processes; OutputError when nothing can be written."""

    def __init__(self, job: Job[Result], jobs: int, limits: FileLimits) -> None:
        self.job, self.limits = job, limits
        self._jobs = jobs
        self._memory_bytes = limits.memory_of_each(jobs)
        self._context = multiprocessing.get_context("spawn")
        self._names: list[str] = []
        self._open: deque[int] = deque()
        self._found: dict[int, Result] = {}
        self._next = 0
        self._failed_starts = 0

    def results(self, names: list[str]) -> Iterator[Result]:
        """Yield the outcome for every name, in their order."""
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
        process = self._context.Process(target=_work, args=(theirs, self.job, self._memory_bytes), daemon=True)
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
        if not seat.given:
            seat.deadline = float("inf")
            return
        size_bytes = self.job.size_bytes(self._names[seat.given[0]])
        seat.deadline = time.monotonic() + self.limits.seconds_for(size_bytes)

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
        """Give up the name on which a worker ended, hand out the others again, start another worker."""
        while seat.pipe.poll() and self._hear(seat):
            pass
        seat.pipe.close()
        if not seat.is_ready:
            self._failed_starts += 1
            if self._failed_starts > MAX_FAILED_STARTS:
                raise ThoraxAIError(
                    "The worker processes end while they start: free memory or use fewer --jobs (in a "
                    'script, start the run below: if __name__ == "__main__").'
                )
        if seat.given:
            culprit = seat.given.popleft()
            self._found[culprit] = self.job.lost(self._names[culprit], _reason(seat))
            self._open.extendleft(reversed(seat.given))
        self.job.clear(seat.process.pid or 0)
        return self._start()


def _reason(seat: _Seat) -> str:
    """Why a worker ended, in a sentence for the quarantine list."""
    if seat.is_late:
        return "It took longer than one file may take and was given up."
    code = seat.process.exitcode
    if code == -signal.SIGTERM or (hasattr(signal, "SIGKILL") and code == -signal.SIGKILL):
        return "Its worker was killed by the system, most often because memory ran out."
    return f"The program that reads it ended without a word (status {code}): the file may be made to do harm."


def _work(pipe: connection.Connection, job: Job, memory_bytes: int) -> None:
    """Live as a worker process: end with the parent, say nothing by itself and take no more than its share.

    Whatever libraries print may quote values of a file, so it goes nowhere.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told to stop, and ends the workers
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    end_with_parent()
    deal_with = job.begin()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    limit_memory(memory_bytes)
    pipe.send((READY, 0, None))
    while True:
        try:
            number, name = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((DONE, number, deal_with(name)))
        except OutputError as error:
            pipe.send((FAILED, number, str(error)))
            return
