"""Ctrl+C and a termination request become Cancelled, once, so that clean-up is not interrupted by a second signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ThoraxAILib.errors import Cancelled

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def cancel_on_signal() -> Iterator[Callable[[], bool]]:
    """Within the block the first SIGINT or SIGTERM raises Cancelled; gives a function that tells whether one came.

    The function is for Progress: a library that swallowed the exception is stopped at the next report.
    Handlers are put back afterwards; outside the main thread, where Python allows no handlers, nothing is changed.
    """
    received = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        if not received.is_set():
            received.set()
            raise Cancelled("Cancelled; nothing was written.")

    if threading.current_thread() is not threading.main_thread():
        yield received.is_set
        return
    previous = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield received.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
