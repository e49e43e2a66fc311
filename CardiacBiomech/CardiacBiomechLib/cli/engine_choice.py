"""What the cardiac commands share: the choice of an engine and its preset, and progress on the terminal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import DEVICES

if TYPE_CHECKING:
    from CardiacBiomechLib.motion.protocol import MotionEngine
    from ThoraxAILib.engines.chosen import ChosenEngine

ENGINE_NAMES = ("instance", "cascade", "cascade+instance", "demons")
PRESET_NAMES = ("balanced", "labels", "strain")  # the first is the default; test_cardiac_track compares


def add_engine_choice(parser: argparse.ArgumentParser) -> None:
    """Options that choose the engine."""
    parser.add_argument("--engine", default="instance", metavar="|".join(ENGINE_NAMES), help="default: instance")
    parser.add_argument(
        "--preset",
        default=PRESET_NAMES[0],
        metavar="|".join(PRESET_NAMES),
        help=f"what to be best at ({PRESET_NAMES[0]})",
    )
    parser.add_argument("--weights", type=Path, metavar="FILE", help="weights of your own for the cascade")
    parser.add_argument("--device", default="auto", metavar="|".join(DEVICES), help="where networks run (auto)")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="processor threads (default: all cores but one, at most 4)"
    )


def chosen_engine(arguments: argparse.Namespace) -> ChosenEngine[MotionEngine]:
    """The engine of ``add_engine_choice``, chosen once; raises InputError for unknown names."""
    from CardiacBiomechLib.motion.engines import choose_motion_engine

    if arguments.threads is not None and arguments.threads < 1:
        raise InputError(f"The number of threads must be at least 1, {arguments.threads} was given.")
    chosen = choose_motion_engine(
        arguments.engine, arguments.preset, arguments.weights, arguments.threads, arguments.device
    )
    arguments.engine = chosen.name  # what "auto" took, for what is printed afterwards
    return chosen


def engine_report(engine: ChosenEngine[MotionEngine], arguments: argparse.Namespace) -> dict:
    """What a report says of the engine that ran: name, preset, and as in run.json fingerprint and device."""
    from CardiacBiomechLib.motion.engines import ROLE

    return {"engine": engine.name, "preset": arguments.preset, "models": [vars(engine.model(ROLE))]}


def preset_line(arguments: argparse.Namespace) -> str:
    """Which preset was used and why, in one line."""
    from CardiacBiomechLib.motion.presets import preset

    if "instance" not in arguments.engine:
        return f"engine {arguments.engine} (has no presets)"
    return f"engine {arguments.engine}, preset {arguments.preset}: {preset(arguments.preset).reason}"


def progress_on_terminal(arguments: argparse.Namespace) -> Progress:
    """Percent on standard error when a person looks at it; stops when the command is told to."""
    cancelled = getattr(arguments, "is_cancelled", None)
    if not sys.stderr.isatty():
        return Progress(None, cancelled)
    return Progress(
        lambda fraction, text: print(f"\r{text} {100 * fraction:3.0f} %", end="", file=sys.stderr), cancelled
    )
