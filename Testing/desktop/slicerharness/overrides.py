"""Guards for Python overrides of Qt's virtual functions.

An exception raised by C code that leaves such an override ends the process (PySide6 6.12 on Python 3.11), so they are
caught, printed and kept for the test session to fail on.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

errors: list[Exception] = []


def guarded(override: Callable) -> Callable:
    """Decorate paintEvent, resizeEvent and the like with this."""

    @functools.wraps(override)
    def guard(self: Any, *arguments: Any) -> Any:
        with _KeptErrors():
            return override(self, *arguments)

    return guard


class _KeptErrors:
    """Keeps every error of the block, prints it, and goes on."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: type | None, error: BaseException | None, _traceback: Any) -> bool:
        if not isinstance(error, Exception):
            return False
        traceback.print_exception(error)
        errors.append(error)
        return True
