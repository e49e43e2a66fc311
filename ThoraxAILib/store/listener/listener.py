"""The listener's round: judge studies that are complete, analyze the next series, send the most urgent results."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.child_python import child_environment, python_interpreter
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.store.listener.facts import why_left_out
from ThoraxAILib.store.listener.inbox import ANALYZED, DONE, FAILED, LEFT_OUT, WAITING, Inbox, Series
from ThoraxAILib.store.listener.rules import Rules
from ThoraxAILib.store.results import send_compared
from ThoraxAILib.store.store import Store, StoreUnreachable
from ThoraxAILib.untrusted.plain_json import read_plain_json

Analyze = Callable[[Path, Path], str]  # images, folder of the results -> why it failed, empty when it did not
SECONDS_PER_HOUR = 3600.0
AWAY_SECONDS = 15.0  # between two tries of a store that does not answer
MAX_LEVEL = 16
PACKAGES = ("ThoraxAILib", "LungNoduleAILib")


class Listener:
    """What is done with an inbox; ``step`` is called again and again by one thread."""

    def __init__(self, inbox: Inbox, rules: Rules, store: Store | None, analyze: Analyze) -> None:
        self.inbox, self.rules, self.store, self._analyze = inbox, rules, store, analyze
        self._store_again = 0.0

    def step(self) -> bool:
        """Do the next thing that is due; False when there is none."""
        for series in self.inbox.quiet(self.rules.quiet_seconds):
            reason = why_left_out(self.inbox.folder_of(series.study, series.uid), self.rules)
            self.inbox.set_state(series, LEFT_OUT if reason else WAITING, reason)
        self.inbox.purge(self.rules.keep_hours * SECONDS_PER_HOUR)
        has_sent = self._send_next()
        waiting = self.inbox.next_waiting()
        if waiting is not None:
            self._work(waiting)
            self._send_next()
        return has_sent or waiting is not None

    def _work(self, series: Series) -> None:
        """Analyze a series; a result that is there already is not made again."""
        output = self.inbox.results_of(series)
        reason = ""
        if not (output / RUN_FILE).exists():
            reason = self._analyze(self.inbox.folder_of(series.study, series.uid), output)
        if reason:
            self.inbox.set_state(series, FAILED if series.tries >= self.rules.tries else WAITING, reason)
            return
        self.inbox.set_priority(series, *priority_in(output / RUN_FILE))
        self.inbox.set_state(series, ANALYZED if self.store is not None else DONE)

    def _send_next(self) -> bool:
        """Send the results of the most urgent series; when the store does not answer, it is left alone for a while."""
        if self.store is None or time.monotonic() < self._store_again:
            return False
        series = self.inbox.next_to_send()
        if series is None:
            return False
        try:
            send_compared(self.store, series.study, sorted(self.inbox.results_of(series).glob("*.dcm")))
        except StoreUnreachable:
            self._store_again = time.monotonic() + AWAY_SECONDS
            self.inbox.set_state(series, ANALYZED, "the store does not answer")
            return False
        except ThoraxAIError as error:
            self.inbox.set_state(series, FAILED, str(error))
            return True
        self.inbox.set_state(series, DONE)
        return True


def priority_in(run: Path) -> tuple[float, str]:
    """Return the priority (0 to 1) and its level that a run record states; (0, "") where it states none."""
    try:
        told = read_plain_json(run)["summary"]["priority"]
        return min(max(float(told["priority"]), 0.0), 1.0), str(told["level"])[:MAX_LEVEL]
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0, ""


def analysis_by_command(rules: Rules) -> Analyze:
    """Return the analysis that ``thoraxai lung analyze`` makes in a process of its own."""

    def analyze(images: Path, output: Path) -> str:
        words = [python_interpreter(), "-m", "ThoraxAILib", "lung", "analyze", str(images), "--output", str(output)]
        words += ["--dicom", "--scene", "none", *rules.analyze]
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=child_environment(PACKAGES),
            check=False,
        )
        if done.returncode == 0:
            return ""
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return lines[-1][:500] if lines else f"the analysis ended with status {done.returncode}"

    return analyze
