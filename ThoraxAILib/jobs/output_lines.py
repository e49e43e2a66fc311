"""What a process says on its two outputs, read by threads and taken line by line by who polls it.

Taking needs no lock: a signal handler may raise in the middle of it, and a lock of Python would then stay taken.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import IO

MAX_LINES = 20_000  # a chatty process waits from then on, instead of filling memory
WAIT_SECONDS = 0.02


class OutputLines:
    """Lines of standard output and standard error in the order in which they came; a carriage return ends one too."""

    def __init__(self, output: IO[str], errors: IO[str]) -> None:
        self._lines: deque[tuple[bool, str]] = deque()
        self._readers = [
            threading.Thread(target=self._read, args=(stream, is_error), daemon=True)
            for stream, is_error in ((output, False), (errors, True))
        ]
        for reader in self._readers:
            reader.start()

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return any(reader.is_alive() for reader in self._readers)

    def take(self) -> tuple[bool, str] | None:
        """Return the oldest line and whether it came on standard error; None when there is none."""
        return self._lines.popleft() if self._lines else None

    def _read(self, stream: IO[str], is_error: bool) -> None:
        """Run in a thread: the lines of one stream."""
        with stream:
            for line in stream:
                while len(self._lines) >= MAX_LINES:
                    time.sleep(WAIT_SECONDS)
                self._lines.append((is_error, line.rstrip("\n")))
