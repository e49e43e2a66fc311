"""Options, written once: a frozen dataclass is command line, child process, JSON record and parameter node in one.

A class derives from Options and declares its fields with ``option``; see ``ThoraxAILib.options.options_class``.
"""

from __future__ import annotations

from ThoraxAILib.options.declare import option
from ThoraxAILib.options.options_class import Options

__all__ = ["Options", "option"]
