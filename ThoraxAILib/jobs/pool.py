"""Work handed to other processes behind one seam: the caller need not know where a task is computed.

``Pool`` is what callers rely on; ``ProcessPool`` are processes of this machine, ``OwnProcess`` is that of the caller.
A cluster would be a third one. Tasks and their arguments are pickled, so tasks are functions of a module.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Protocol

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.worker_process import end_with_parent, one_thread_each

Prepare = Callable[..., object]


class WorkerLost(ThoraxAIError, RuntimeError):
    """A worker process ended without an answer."""


class Pool(Protocol):
    """Where tasks are computed; ``workers`` at the same time, 0 means in the caller's process. Used in ``with``."""

    workers: int

    def submit(self, task: Callable[..., Any], *arguments: object) -> Future:
        """Hand over one task; its Future is read by ``result_of``."""
        ...

    def __enter__(self) -> Pool: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up what has not begun, wait for the rest."""
        ...


def open_pool(workers: int, prepare: Prepare | None = None, *arguments: object) -> Pool:
    """Return a pool of ``workers`` processes, or for 0 the caller's own process.

    ``prepare(*arguments)`` runs once wherever tasks are computed, to keep there what all of them need.
    """
    return ProcessPool(workers, prepare, *arguments) if workers else OwnProcess(prepare, *arguments)


class OwnProcess:
    """Computes every task at once, in the process of the caller."""

    workers = 0

    def __init__(self, prepare: Prepare | None = None, *arguments: object) -> None:
        if prepare is not None:
            prepare(*arguments)

    def submit(self, task: Callable[..., Any], *arguments: object) -> Future:
        """Return the finished task; what it raises is raised here."""
        future: Future = Future()
        future.set_result(task(*arguments))
        return future

    def __enter__(self) -> OwnProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing waits."""


class ProcessPool:
    """Processes of this machine: started fresh, one computing thread each, ended with the caller, however it ends."""

    def __init__(self, workers: int, prepare: Prepare | None = None, *arguments: object) -> None:
        self.workers = workers
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(workers, context, _start_worker, (prepare, arguments))

    def submit(self, task: Callable[..., Any], *arguments: object) -> Future:
        """Hand over one task; raises WorkerLost when a worker has died."""
        with one_thread_each():  # processes start with the tasks
            try:
                return self._executor.submit(task, *arguments)
            except BrokenProcessPool as error:
                raise _lost() from error

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up what has not begun, wait for the rest."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def result_of(future: Future) -> Any:
    """Return what a task gave, or what it raised; WorkerLost when its process died."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise _lost() from error


def in_order(pool: Pool, task: Callable[..., Any], orders: Iterable[tuple]) -> Iterator[Any]:
    """Results of ``task(*order)`` in the order of ``orders``, two for each worker made ahead."""
    waiting: deque[Future] = deque()
    for order in orders:
        waiting.append(pool.submit(task, *order))
        if len(waiting) > 2 * pool.workers:
            yield result_of(waiting.popleft())
    while waiting:
        yield result_of(waiting.popleft())


def as_finished(pool: Pool, task: Callable[..., Any], orders: Iterable[tuple]) -> Iterator[Any]:
    """Results of ``task(*order)`` as they come, no more than two for each worker on their way."""
    waiting: set[Future] = set()
    for order in orders:
        waiting.add(pool.submit(task, *order))
        if len(waiting) >= max(1, 2 * pool.workers):
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from map(result_of, done)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from map(result_of, done)


def _start_worker(prepare: Prepare | None, arguments: tuple) -> None:
    end_with_parent()
    if prepare is not None:
        prepare(*arguments)


def _lost() -> WorkerLost:
    return WorkerLost("A worker process ended without an answer, often for want of memory: use fewer --jobs.")
