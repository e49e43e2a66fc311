"""Run commands one after another in this process, as a worker of a batch: libraries and models are loaded once.

Every line of standard input is a JSON list of the words after ``thoraxai``. After each command a line with the event
"ended", its exit status and whether this process stays goes to both outputs. The process ends with its input, after a
cancelled command and after a fault that the command did not foresee.
"""

from __future__ import annotations

import json
import sys

from ThoraxAILib.cli.main import CANCELLED, main
from ThoraxAILib.jobs.events import ENDED


def serve() -> int:
    """Run what is asked until nothing more is; returns the status of the last command."""
    status = 0
    for line in sys.stdin:
        status = main(json.loads(line))
        stays = status != CANCELLED
        ended = json.dumps({"event": ENDED, "status": status, "stays": stays})
        for stream in (sys.stderr, sys.stdout):
            print(f"\n{ended}", file=stream, flush=True)  # on a line of its own, whatever a library wrote
        if not stays:
            break
    return status


if __name__ == "__main__":
    sys.exit(serve())
