"""The listener's round: judge studies that are complete, analyze the next series, send its results."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.jobs.child_python import child_environment, python_interpreter
from ThoraxAILib.jobs.run_record import RUN_FILE
from ThoraxAILib.store.listener.facts import why_left_out
from ThoraxAILib.store.listener.inbox import DONE, FAILED, LEFT_OUT, WAITING, Inbox, Series
from ThoraxAILib.store.listener.rules import Rules
from ThoraxAILib.store.results import send_compared
from ThoraxAILib.store.store import Store, StoreUnreachable

Analyze = Callable[[Path, Path], str]  # images, folder of the results -> why it failed, empty when it did not
SECONDS_PER_HOUR = 3600.0
PACKAGES = ("ThoraxAILib", "LungNoduleAILib")


class Listener:
    """What is done with an inbox; ``step`` is called again and again by one thread."""

    def __init__(self, inbox: Inbox, rules: Rules, store: Store | None, analyze: Analyze) -> None:
        self.inbox, self.rules, self.store, self._analyze = inbox, rules, store, analyze

    def step(self) -> bool:
        """Do the next thing that is due; False when there is none."""
        for series in self.inbox.quiet(self.rules.quiet_seconds):
            reason = why_left_out(self.inbox.folder_of(series.study, series.uid), self.rules)
            self.inbox.set_state(series, LEFT_OUT if reason else WAITING, reason)
        self.inbox.purge(self.rules.keep_hours * SECONDS_PER_HOUR)
        waiting = self.inbox.next_waiting()
        if waiting is None:
            return False
        self._work(waiting)
        return True

    def _work(self, series: Series) -> None:
        """Analyze a series and send the results; a result that is there already is not made again."""
        output = self.inbox.results_of(series)
        reason = ""
        if not (output / RUN_FILE).exists():
            reason = self._analyze(self.inbox.folder_of(series.study, series.uid), output)
        if not reason and self.store is not None:
            try:
                send_compared(self.store, series.study, sorted(output.glob("*.dcm")))
            except StoreUnreachable:
                reason = "the store does not answer"
            except ThoraxAIError as error:
                reason = str(error)
        if not reason:
            self.inbox.set_state(series, DONE)
        else:
            self.inbox.set_state(series, FAILED if series.tries >= self.rules.tries else WAITING, reason)


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
