"""The servers of one batch: started when they are needed, kept for the next case, renewed before they grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ThoraxAILib.jobs.serving.served_job import ServedJob
from ThoraxAILib.jobs.serving.server import Server

MAX_SERVED = 50
MAX_IDLE_MB = 2500.0  # held between two cases: what a case left behind


class WarmWorkers:
    """Hands out jobs; who got one gives it back with ``release`` when it has finished. ``close`` ends all servers."""

    def __init__(self, environment: Mapping[str, str], max_served: int = MAX_SERVED) -> None:
        self._environment, self._max_served = environment, max_served
        self._servers: list[Server] = []
        self._idle: list[Server] = []

    def job(self, words: Sequence[str]) -> ServedJob:
        """Return a job, not started yet, for the words after ``thoraxai``."""
        while self._idle:
            server = self._idle.pop()
            if server.is_alive:
                return ServedJob(words, server)
            self._end(server)
        try:
            self._servers.append(Server(self._environment))
        except OSError:
            return ServedJob(words, None)
        return ServedJob(words, self._servers[-1])

    def release(self, job: ServedJob) -> None:
        """Keep the server of a finished job for the next one, unless it is gone, grown or has served enough."""
        server = job.server
        if server is None:
            return
        if job.stays and server.is_alive and server.served < self._max_served and server.memory_mb() < MAX_IDLE_MB:
            self._idle.append(server)
        else:
            self._end(server)

    def close(self) -> None:
        """End every server, also one that was never given back."""
        self._idle.clear()
        while self._servers:
            self._end(self._servers[-1])

    def _end(self, server: Server) -> None:
        server.close()
        self._servers.remove(server)
