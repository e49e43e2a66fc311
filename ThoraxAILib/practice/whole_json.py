"""A small JSON file that is whole at every moment, also when the program is killed while it is written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_whole_json(path: Path, content: Any) -> None:
    """Write the file and put it in the place of the older one at once; raises OSError."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(partial, path)
