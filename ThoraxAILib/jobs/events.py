"""Events a run tells the program that started it: one JSON object per line.

``{"event": "progress", "value": 0..1, "text": ...}``, ``{"event": "result", "output": folder}``,
``{"event": "error", "message": sentence}``, and from a worker ``{"event": "ended", "status": n, "stays": bool}``.
Other lines may come between them (VTK and pip write to stdout too).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ThoraxAILib.errors import InputError, OutputError, ThoraxAIError

STANDARD_OUTPUT = "-"
ENDED = "ended"  # of a command among several in one process
MAX_FIRST_LINE = 1 << 16


class Events:
    """Writes events to standard output (``-``), to a file, or nowhere (None); use it in a ``with`` block."""

    def __init__(self, target: str | None) -> None:
        self.target = target
        self._stream: TextIO | None = None

    def __enter__(self) -> Events:
        if self.target == STANDARD_OUTPUT:
            self._stream = sys.stdout
        elif self.target is not None:
            _refuse_other_files(Path(self.target))
            try:
                self._stream = Path(self.target).open("w", encoding="utf-8")
            except OSError as error:
                raise OutputError(
                    f"The events file cannot be written ({error.strerror}): choose another --events."
                ) from error
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._stream is not None and self._stream is not sys.stdout:
            self._stream.close()
        self._stream = None

    @property
    def own_stdout(self) -> bool:
        """Whether standard output belongs to the events, so that nothing for people may be printed there."""
        return self.target == STANDARD_OUTPUT

    def progress(self, value: float, text: str) -> None:
        """Tell that the run is at ``value`` (0..1) and does what ``text`` says."""
        self._write({"event": "progress", "value": round(value, 4), "text": text})

    def result(self, output: Path) -> None:
        """Tell that the results lie in ``output``."""
        self._write({"event": "result", "output": str(output)})

    def error(self, message: str) -> None:
        """Tell that the run failed for the reason in ``message``."""
        self._write({"event": "error", "message": message})

    def _write(self, event: dict) -> None:
        if self._stream is not None:
            try:
                self._stream.write(json.dumps(event) + "\n")
                self._stream.flush()
            except OSError as error:
                if self.own_stdout:  # who reads it has left, or redirected it: as with any other command
                    raise
                raise OutputError(
                    f"The events file cannot be written ({error.strerror}): choose another --events."
                ) from error


def _refuse_other_files(path: Path) -> None:
    """Raise InputError when a file is there that no run wrote events to: it may be somebody's data."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    try:
        with path.open("rb") as file:
            first = file.readline(MAX_FIRST_LINE).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        first = ""
    if parse_event(first) is None:
        raise InputError(f"'{path.name}' is no events file and is not written over: choose another --events.")


def parse_event(line: str) -> dict | None:
    """Return the event in one line of output, or None when the line is something else."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def add_events_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--events``: where a program that started this one hears of it."""
    parser.add_argument("--events", metavar="FILE|-", help="progress as JSON lines, to a file or standard output")


@contextmanager
def reporting_errors(target: str | None) -> Iterator[Events]:
    """Events to ``target``, which also hears of the error that ends the run."""
    with Events(target) as events:
        try:
            yield events
        except ThoraxAIError as error:
            events.error(str(error))
            raise
