"""A worker process that ends when the process it works for does, however that ended (kill -9 as well).

Workers share the processors: each computes with one thread, since threads that wait for each other would stop them all.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def thread_limit() -> int:
    """Return how many threads this process may compute with: the lowest limit that is set, else the processors."""
    limits = [int(text) for name in THREAD_LIMITS if (text := os.environ.get(name, "")).isdigit() and int(text) > 0]
    return min([os.cpu_count() or 1, *limits])


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Worker processes that are spawned meanwhile compute with one thread, unless the person has set limits."""
    added = [name for name in THREAD_LIMITS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def end_with_parent() -> None:
    """Watch over the parent from now on; called once in a worker process, does nothing in any other."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
