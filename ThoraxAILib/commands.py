"""``thoraxai``: one command that mounts the commands of every module, and turns errors into exit statuses.

Each module's Lib offers ``commands.add_commands(subparsers)``; every leaf parser sets ``run`` to a function
that takes the parsed arguments and returns the exit status. 0 success, 2 bad input (one sentence on stderr),
130 cancelled.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import logging
import signal
import sys
from collections.abc import Sequence

from ThoraxAILib import __version__
from ThoraxAILib.errors import Cancelled, ThoraxAIError

MODULES = ("LungNoduleAILib", "CardiacBiomechLib", "AnonymizerLib")
BAD_INPUT, CANCELLED = 2, 130


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; a module without commands adds nothing."""
    parser = argparse.ArgumentParser(
        prog="thoraxai",
        description="Thoracic imaging in 3D Slicer and Python. Research use only, not a medical device.",
    )
    parser.add_argument("--version", action="version", version=f"thoraxai {__version__}")
    subparsers = parser.add_subparsers(dest="module", required=True)
    for module in MODULES:
        if importlib.util.find_spec(f"{module}.commands") is not None:
            importlib.import_module(f"{module}.commands").add_commands(subparsers)
    return parser


def _stop(_signal: int, _frame: object) -> None:
    raise Cancelled("Cancelled.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options)
    except (Cancelled, KeyboardInterrupt):
        print("Cancelled; nothing was written.", file=sys.stderr)
        return CANCELLED
    except ThoraxAIError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
