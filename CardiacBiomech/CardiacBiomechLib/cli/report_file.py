"""The JSON file that a cardiac command writes beside its result."""

from __future__ import annotations

import json
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.whole_file import whole_file


def check_report(path: Path | None) -> None:
    """Raise InputError early when a report was asked for in a folder that is not there."""
    if path is not None and not path.parent.is_dir():
        raise InputError(f"The folder for '{path}' does not exist: make it or choose another place.")


def write_report(path: Path | None, content: dict) -> None:
    """Write ``content`` where a report was asked for; whole or not at all."""
    if path is not None:
        with whole_file(path) as partial:
            partial.write_text(json.dumps(content, indent=2, allow_nan=False), encoding="utf-8")
