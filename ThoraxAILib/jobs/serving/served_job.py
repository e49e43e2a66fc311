"""A ChildJob whose command is one of several that the same process runs."""

from __future__ import annotations

from collections.abc import Sequence

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.child_job import CANCELLING, IDLE, RUNNING, ChildJob
from ThoraxAILib.jobs.events import ENDED, parse_event
from ThoraxAILib.jobs.serving.server import Server

LOST = "The worker process ended without an answer."
NOT_STARTED = "A worker process cannot be started: close other programs or use fewer --jobs."


class ServedJob(ChildJob):
    """One command for a server, None where none could be started; ``words`` are those after ``thoraxai``.

    Cancelling it ends the server. ``stays``: after the end, whether the server takes another one.
    """

    def __init__(self, words: Sequence[str], server: Server | None) -> None:
        super().__init__(words)
        self.server = server
        self.stays = False
        self._statuses: list[int] = []  # one from each output

    def start(self) -> None:
        """Hand over the command; a server that is gone becomes a failure, not an exception."""
        if self.state != IDLE:
            raise ThoraxAIError("This run was started before: make a new one.")
        if self.server is None:
            self._fail(NOT_STARTED, None)
            return
        self._process, self._tree, self._lines = self.server.process, self.server.tree, self.server.lines
        try:
            self.server.ask(self.command)
        except OSError:
            self._fail(LOST, self.server.process.poll())
            return
        self.state = RUNNING

    def _digest(self, is_error: bool, line: str) -> None:
        event = parse_event(line)
        if event is not None and event["event"] == ENDED:
            self._statuses.append(int(event["status"]))
            self.stays = bool(event["stays"])
        else:
            super()._digest(is_error, line)

    def _take_lines(self) -> bool:
        """Digest what came; what follows the end of this command is not for it."""
        return len(self._statuses) > 1 or super()._take_lines()

    def _advance(self, drained: bool) -> None:
        if len(self._statuses) > 1 and self.state != CANCELLING:
            self._finish(self._statuses[0])
        else:
            super()._advance(drained)

    def _finish(self, exit_status: int) -> None:
        if not self._statuses and exit_status == 0 and self.state == RUNNING:
            self._fail(LOST, exit_status)
        else:
            super()._finish(exit_status)
