"""Options, written once: a frozen dataclass is command line, child process, JSON record and parameter node in one.

A class derives from Options and declares its fields with ``option``; see ``ThoraxAILib.options.base``.
"""

from __future__ import annotations

from ThoraxAILib.options.base import Options
from ThoraxAILib.options.declare import option

__all__ = ["Options", "option"]
