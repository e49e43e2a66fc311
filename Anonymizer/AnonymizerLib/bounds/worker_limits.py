"""How much one file may take: memory and time of its worker. A file that needs more waits for a person by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from AnonymizerLib.bounds.maxima import (
    MAX_SECONDS_PER_FILE,
    MAX_SHARE_OF_FREE_MEMORY,
    MIN_BYTES_PER_SECOND,
    MIN_WORKER_BYTES,
)

CONTAINER_LIMIT, CONTAINER_USE = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")


@dataclass(frozen=True)
class FileLimits:
    """Seconds for a small file, and bytes of memory of a worker (None: a share of what is free)."""

    seconds: float = MAX_SECONDS_PER_FILE
    memory_bytes: int | None = None

    def seconds_for(self, size_bytes: int) -> float:
        """Grant a file of this size its time: large ones may lie on a slow network disk."""
        return self.seconds + size_bytes / MIN_BYTES_PER_SECOND

    def memory_of_each(self, jobs: int) -> int:
        """Bytes that each of ``jobs`` workers may take."""
        if self.memory_bytes is not None:
            return self.memory_bytes
        return max(MIN_WORKER_BYTES, int(MAX_SHARE_OF_FREE_MEMORY * _free_bytes() / jobs))


def _free_bytes() -> int:
    """Free memory of the machine, or of the container when that is less."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        return min(free, int(CONTAINER_LIMIT.read_text()) - int(CONTAINER_USE.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free


def limit_memory(size_bytes: int) -> None:
    """Make this process fail with MemoryError beyond so many bytes of its own data, where the system can do that.

    RLIMIT_DATA counts memory that is written, not files that are only mapped (Linux 4.7 and later).
    """
    try:
        import resource
    except ImportError:  # Windows: the bounds in the readers have to do
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = size_bytes if hard == resource.RLIM_INFINITY else min(size_bytes, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    except (OSError, ValueError):
        return
