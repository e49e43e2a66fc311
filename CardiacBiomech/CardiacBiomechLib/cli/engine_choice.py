"""What the cardiac commands say and show: which preset was used and why, and progress on the terminal."""

from __future__ import annotations

import argparse
import sys

from CardiacBiomechLib.motion.engines import EngineOptions
from CardiacBiomechLib.motion.presets import preset
from ThoraxAILib.jobs.progress import Progress


def preset_line(chosen: EngineOptions, ran: str | None = None) -> str:
    """Which engine (``ran``: what "auto" took) and preset were used and why, in one line."""
    name = ran or chosen.engine
    if "instance" not in name:
        return f"engine {name} (has no presets)"
    return f"engine {name}, preset {chosen.preset}: {preset(chosen.preset).reason}"


def progress_on_terminal(arguments: argparse.Namespace) -> Progress:
    """Percent on standard error when a person looks at it; stops when the command is told to."""
    cancelled = getattr(arguments, "is_cancelled", None)
    if not sys.stderr.isatty():
        return Progress(None, cancelled)
    return Progress(
        lambda fraction, text: print(f"\r{text} {100 * fraction:3.0f} %", end="", file=sys.stderr), cancelled
    )
