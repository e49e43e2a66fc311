"""The case a trainee has before them: kept beside the scores, so that a program that was killed goes on with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ThoraxAILib.practice.whole_json import write_whole_json
from ThoraxAILib.untrusted.plain_json import read_plain_json


def open_case_file(progress: Path) -> Path:
    """Return where the open case of a file of scores is kept."""
    return progress.with_name(f"{progress.stem}.open.json")


def keep_open_case(progress: Path, case: dict[str, Any]) -> None:
    """Keep the case with what was guessed so far, instead of an older one; raises OSError."""
    write_whole_json(open_case_file(progress), case)


def read_open_case(progress: Path) -> dict[str, Any] | None:
    """Return the case that was kept, None without one; a damaged file is as good as none."""
    try:
        found = read_plain_json(open_case_file(progress))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def close_case(progress: Path) -> None:
    """Forget the case that was kept."""
    open_case_file(progress).unlink(missing_ok=True)
