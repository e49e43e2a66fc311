"""``thoraxai``: one command that mounts the commands of every module, and turns errors into exit statuses.

Each module's Lib offers ``cli.main.add_commands(subparsers)``; every leaf parser sets ``run`` to a function
that takes the parsed arguments and returns the exit status. 0 success, 2 bad input (one sentence on stderr),
130 cancelled. ``arguments.is_cancelled`` tells long work whether to stop.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from ThoraxAILib import __version__
from ThoraxAILib.errors import Cancelled, ThoraxAIError
from ThoraxAILib.jobs.outputs.output_folder import FULL_DISK, output_error
from ThoraxAILib.jobs.outputs.output_guard import refuse_over_inputs
from ThoraxAILib.jobs.signals import cancel_on_signal

# commands of ThoraxAILib.cli, each a file of that name
SHARED = ("models", "upload", "listen", "read_results", "check_dicom", "serve")
MODULES = {"lung": "LungNoduleAILib", "cardiac": "CardiacBiomechLib", "anonymize": "AnonymizerLib"}
BAD_INPUT, CANCELLED = 2, 130
POINT = re.compile(r"-\d[\d.]*(,-?\d[\d.]*)+")  # several numbers, the first below zero


class Parser(argparse.ArgumentParser):
    """Wrong arguments are told in one sentence like every other bad input."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line on stderr."""
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help).\n")


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the whole command line; a module without commands adds nothing.

    With a ``command`` of one module only that module is mounted, so that no other is imported for it.
    """
    parser = Parser(
        prog="thoraxai",
        description="Thoracic imaging in 3D Slicer and Python. Research use only, not a medical device.",
    )
    parser.add_argument("--version", action="version", version=f"thoraxai {__version__}")
    subparsers = parser.add_subparsers(dest="module", required=True, metavar="MODULE")
    for module in [MODULES[command]] if command in MODULES else MODULES.values():
        if importlib.util.find_spec(f"{module}.cli.main") is not None:
            importlib.import_module(f"{module}.cli.main").add_commands(subparsers)
    for name in SHARED:
        importlib.import_module(f"ThoraxAILib.cli.{name}").add_commands(subparsers)
    doctor = subparsers.add_parser("doctor", help="say what is installed and what can run here")
    doctor.set_defaults(run=_doctor)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        words = sys.argv[1:] if arguments is None else list(arguments)
        options = build_parser(words[0] if words else None).parse_args(with_points(words))
    except SystemExit as end:  # argparse ends the process after --help and wrong arguments
        return int(end.code or 0)
    try:
        with _errors_only_on_stderr(), cancel_on_signal() as is_cancelled:
            options.is_cancelled = is_cancelled
            refuse_over_inputs(options)
            status = options.run(options)
            sys.stdout.flush()
            return status
    except Cancelled as cancelled:
        return _end(str(cancelled), CANCELLED)
    except ThoraxAIError as error:
        return _end(str(error), BAD_INPUT)
    except MemoryError:
        return _end(
            "There is not enough memory for this image: close other programs or use a larger machine.", BAD_INPUT
        )
    except BrokenPipeError:  # who read our output (head, less) has left
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # nothing more is to be flushed
        return 0
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        return _end(str(output_error(error)), BAD_INPUT)


def with_points(words: Sequence[str]) -> list[str]:
    """Return the words with a point that begins with a minus joined to its option, which argparse takes for another."""
    joined: list[str] = []
    for word in words:
        if POINT.fullmatch(word) and joined and joined[-1].startswith("--") and "=" not in joined[-1]:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


@contextmanager
def _errors_only_on_stderr() -> Iterator[None]:
    """Keep warnings of libraries off stderr, where a person reads one sentence; notes tell what was repaired."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(message)s")
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)


def _end(sentence: str, status: int) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return status


def _doctor(_arguments: argparse.Namespace) -> int:
    from ThoraxAILib.cli.doctor import examine

    for line in examine():
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
