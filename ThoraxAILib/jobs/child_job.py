"""ChildJob: long work as a child process that reports events, polled from a timer and cancelled with its whole tree.

No Qt, no thread of the caller is blocked: start(), then poll() about ten times a second until it is finished.
The work never runs inside Slicer, so it cannot freeze or crash it and gives its memory back when it ends.
"""

from __future__ import annotations

import logging
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ThoraxAILib.errors import ThoraxAIError, known
from ThoraxAILib.jobs.events import parse_event
from ThoraxAILib.jobs.output_lines import OutputLines
from ThoraxAILib.jobs.process_tree import ProcessTree, new_tree_options
from ThoraxAILib.jobs.remedies import remedy_for
from ThoraxAILib.jobs.work_folder import WorkFolder

IDLE, RUNNING, CANCELLING = "idle", "running", "cancelling"
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
FINISHED_STATES = (SUCCEEDED, FAILED, CANCELLED)
LAST_LINES = 40
_LINES_PER_POLL = 500
_GRACE_SECONDS = 3.0
_DRAIN_SECONDS = 1.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Why a run failed: one sentence, advice (may be empty), its last lines of output and its exit status."""

    message: str
    remedy: str
    last_lines: tuple[str, ...]
    exit_status: int | None


class ChildJob:
    """One child process. ``state`` goes idle, running, (cancelling,) and ends as succeeded, failed or cancelled.

    ``progress`` is 0..1, ``text`` what the run says it does, ``output`` the folder of its result event.
    ``folder`` is removed as soon as the run fails or is cancelled; after a success by release().
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, folder: WorkFolder | None = None
    ) -> None:
        self.command = tuple(command)
        self.state = IDLE
        self.progress = 0.0
        self.text = ""
        self.output: Path | None = None
        self.failure: Failure | None = None
        self._environment = environment
        self._folder = folder
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._new_lines: list[str] = []
        self._error_message = self._last_error_line = ""
        self._lines: OutputLines | None = None
        self._process: subprocess.Popen | None = None
        self._tree: ProcessTree | None = None
        self._cancel_time = self._exit_time = 0.0

    @property
    def is_finished(self) -> bool:
        """Whether it ended, one way or another."""
        return self.state in FINISHED_STATES

    def start(self) -> None:
        """Start the process; a program that cannot be started becomes a failure, not an exception."""
        if self.state != IDLE:
            raise ThoraxAIError("This run was started before: make a new one.")
        try:
            self._process = subprocess.Popen(
                self.command,
                env=None if self._environment is None else dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                **new_tree_options(),
            )
        except OSError as error:
            self._fail(f"The program {Path(self.command[0]).name} cannot be started ({error.strerror}).", None)
            return
        self._tree = ProcessTree(self._process)
        self._lines = OutputLines(known(self._process.stdout, "its output"), known(self._process.stderr, "its errors"))
        self.state = RUNNING

    def poll(self) -> list[str]:
        """Take in what the run said since the last call and return its new log lines; never waits."""
        if self.state in (RUNNING, CANCELLING):
            drained = self._take_lines()
            self._advance(drained)
        lines, self._new_lines = self._new_lines, []
        return lines

    def cancel(self) -> None:
        """Ask the run to stop; poll() makes an end of what has not stopped after three seconds."""
        if self.state == RUNNING and self._tree is not None:
            self.state = CANCELLING
            self._cancel_time = time.monotonic()
            self._tree.ask_to_stop()

    def close(self) -> None:
        """End the run now if it still goes, and remove its folder: for a panel that is closed or a scene that ends."""
        if self.state in (RUNNING, CANCELLING) and self._process is not None and self._tree is not None:
            self._tree.end()
            self._process.wait()
            self.state = CANCELLED
        self.release()

    def release(self) -> None:
        """Remove the temporary folder; to be called when the results of a success have been read."""
        if self._folder is not None:
            self._folder.remove()

    def _take_lines(self) -> bool:
        """Digest a bounded number of lines; True when none was left."""
        for _count in range(_LINES_PER_POLL):
            line = None if self._lines is None else self._lines.take()
            if line is None:
                return True
            self._digest(*line)
        return False

    def _digest(self, is_error: bool, line: str) -> None:
        event = None if is_error else parse_event(line)
        if event is None:
            if line.strip():
                self._last_error_line = line.strip() if is_error else self._last_error_line
                self._last_lines.append(line)
                self._new_lines.append(line)
        elif event["event"] == "progress":
            value = event.get("value")
            if isinstance(value, (int, float)):
                self.progress = min(max(float(value), 0.0), 1.0)
            self.text = str(event.get("text", self.text))
        elif event["event"] == "result" and event.get("output"):
            self.output = Path(event["output"])
        elif event["event"] == "error":
            self._error_message = str(event.get("message", ""))

    def _advance(self, drained: bool) -> None:
        """Notice the end of the process, and finish once all it said has been taken in."""
        process, tree, lines = self._process, self._tree, self._lines
        if process is None or tree is None or lines is None:
            return
        now = time.monotonic()
        if process.poll() is None:
            if self.state == CANCELLING and now - self._cancel_time > _GRACE_SECONDS:
                tree.end()
            return
        self._exit_time = self._exit_time or now
        if self.state == CANCELLING:
            tree.end()  # what ignored the request
        if lines.is_open:
            if now - self._exit_time > _DRAIN_SECONDS:
                tree.end()  # a descendant keeps the pipe open though the run itself has ended
            return
        if drained and not lines:
            self._finish(process.returncode)

    def _finish(self, exit_status: int) -> None:
        if self.state == CANCELLING:
            self.state = CANCELLED
            self.release()
        elif exit_status == 0:
            self.state, self.progress = SUCCEEDED, 1.0
        else:
            last = self._last_error_line or (self._last_lines[-1].strip() if self._last_lines else "")
            message = self._error_message or last or f"The run ended with exit status {exit_status} and said nothing."
            self._fail(message, exit_status)

    def _fail(self, message: str, exit_status: int | None) -> None:
        lines = tuple(self._last_lines)
        if self._last_error_line and self._last_error_line not in lines:
            lines = (*lines, self._last_error_line)  # read before a flood on stdout that pushed it out
        remedy = remedy_for("\n".join((message, *lines)), exit_status)
        self.failure = Failure(message, remedy, lines, exit_status)
        self.state = FAILED
        logger.warning("A run failed with exit status %s", exit_status)
        self.release()
