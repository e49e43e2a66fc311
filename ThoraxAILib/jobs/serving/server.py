"""One process that runs commands one after another; see ThoraxAILib.cli.worker for what it is told and says."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence

from ThoraxAILib.errors import known
from ThoraxAILib.jobs.child_python import python_interpreter
from ThoraxAILib.jobs.output_lines import OutputLines
from ThoraxAILib.jobs.process_tree import ProcessTree, new_tree_options

SERVE = ("-m", "ThoraxAILib.cli.worker")
GRACE_SECONDS = 3.0


class Server:
    """A running process; raises OSError where it cannot be started. ``served`` counts what it was asked."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            (python_interpreter(), *SERVE),
            env=None if environment is None else dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            **new_tree_options(),
        )
        self.tree = ProcessTree(self.process)
        self.lines = OutputLines(known(self.process.stdout, "its output"), known(self.process.stderr, "its errors"))
        self.served = 0

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked for more."""
        return self.process.poll() is None

    def ask(self, words: Sequence[str]) -> None:
        """Hand over the words after ``thoraxai``; raises OSError when the process is gone."""
        self.served += 1
        stream = known(self.process.stdin, "its input")
        stream.write(json.dumps(list(words)) + "\n")
        stream.flush()

    def memory_mb(self) -> float:
        """Return how much memory it holds, MB; 0 when it is gone."""
        import psutil

        try:
            return psutil.Process(self.process.pid).memory_info().rss / 1e6
        except psutil.Error:
            return 0.0

    def close(self) -> None:
        """Let it end, which it does with its input, and make an end of it where it does not."""
        try:
            known(self.process.stdin, "its input").close()
        except OSError:
            pass  # it is gone
        deadline = time.monotonic() + GRACE_SECONDS
        while self.is_alive and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.is_alive:
            self.tree.end()
        self.process.wait()
