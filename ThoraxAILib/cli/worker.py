"""Run commands one after another in this process, as a worker of a batch: libraries and models are loaded once.

Every line of standard input is a JSON list of the words after ``thoraxai``. After each command a line with the event
"ended", its exit status and whether this process stays goes to both outputs. The process ends with its input, after a
cancelled command and after a fault that the command did not foresee.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence

from ThoraxAILib.cli.main import CANCELLED, main
from ThoraxAILib.jobs.events import ENDED

UNFORESEEN = 1


def serve() -> int:
    """Run what is asked until nothing more is; returns the status of the last command."""
    status = 0
    for line in sys.stdin:
        status = _run(json.loads(line))
        stays = status not in (CANCELLED, UNFORESEEN)
        ended = json.dumps({"event": ENDED, "status": status, "stays": stays})
        for stream in (sys.stderr, sys.stdout):
            print(f"\n{ended}", file=stream, flush=True)  # on a line of its own, whatever a library wrote
        if not stays:
            break
    return status


def _run(words: Sequence[str]) -> int:
    try:
        return main(words)
    except Exception:
        traceback.print_exc()
        return UNFORESEEN


if __name__ == "__main__":
    sys.exit(serve())
