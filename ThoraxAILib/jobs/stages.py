"""How long each stage of a run took and how much memory the process held while it ran; goes into run.json.

Memory is sampled from a thread (resident set of this process), so a stage shorter than one sampling interval
still gets the values at its beginning and end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SAMPLE_SECONDS = 0.05


class Stages:
    """Collects one entry per finished stage: ``{"name", "seconds", "processor_seconds", "peak_mb"}``, as they ended.

    ``processor_seconds`` is what all threads of this process used, which other work on the machine does not change.
    """

    def __init__(self) -> None:
        self.entries: list[dict] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block under ``name``; it is recorded also when the block raises."""
        started, busy = time.perf_counter(), time.process_time()
        memory = _PeakMemory()
        memory.start()
        try:
            yield
        finally:
            peak_mb = memory.stop()
            entry = {
                "name": name,
                "seconds": round(time.perf_counter() - started, 3),
                "processor_seconds": round(time.process_time() - busy, 3),
                "peak_mb": round(peak_mb, 1),
            }
            self.entries.append(entry)

    def copy(self) -> Stages:
        """Another one that begins with the same entries."""
        copied = Stages()
        copied.entries = list(self.entries)
        return copied

    @property
    def seconds(self) -> float:
        """Sum of all stages in seconds; nested stages count twice."""
        return sum(entry["seconds"] for entry in self.entries)

    @property
    def peak_mb(self) -> float:
        """Largest resident memory seen in any stage, MB (10^6 bytes)."""
        return max((entry["peak_mb"] for entry in self.entries), default=0.0)


class _PeakMemory:
    """Samples the resident set size of this process until told to stop."""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._peak_bytes = 0
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_finished, name="peak memory", daemon=True)

    def start(self) -> None:
        """Take the first sample and go on in the background."""
        self._sample()
        self._thread.start()

    def stop(self) -> float:
        """Take the last sample and return the largest in MB."""
        self._finished.set()
        self._thread.join()
        self._sample()
        return self._peak_bytes / 1e6

    def _sample_until_finished(self) -> None:
        while not self._finished.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        self._peak_bytes = max(self._peak_bytes, self._process.memory_info().rss)
