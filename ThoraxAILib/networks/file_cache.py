"""What is made of a file is made once, and again only when the file has changed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")


def cached_by_file(make: Callable[..., Made]) -> Callable[..., Made]:
    """Decorate ``make(path, *rest)`` so that its answer is kept while path, time of change and size stay the same.

    Further arguments must be hashable; an answer for an older state of the file is dropped.
    """
    kept: dict[tuple, tuple[tuple[int, int], Made]] = {}

    @functools.wraps(make)
    def of_file(path: Path, *rest: object) -> Made:
        state = file_state(path)
        if state is None:  # ``make`` says what is wrong with it
            return make(path, *rest)
        key = (str(path), *rest)
        if key not in kept or kept[key][0] != state:
            kept[key] = state, make(path, *rest)
        return kept[key][1]

    return of_file


def file_state(path: Path) -> tuple[int, int] | None:
    """Time of change in ns and size in bytes; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
