"""JSON of unknown origin: bounded in size and nesting; what is wrong is a ValueError, as for any damaged file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ThoraxAILib.untrusted.bounded_bytes import read_bounded

MIB = 1 << 20
MAX_BYTES = 256 * MIB  # findings.json of a case with outlines takes a few MiB


def read_plain_json(path: Path, encoding: str = "utf-8", largest_bytes: int = MAX_BYTES) -> Any:
    """Return the content of a JSON file; raises OSError, or ValueError when it is damaged, too large or nested too
    deeply.
    """
    text = read_bounded(path, largest_bytes).decode(encoding)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
