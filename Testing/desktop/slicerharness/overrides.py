"""Guards for Python overrides of Qt's virtual functions.

An exception raised by C code that leaves such an override ends the process (PySide6 6.12 on Python 3.11), so they are
caught, printed and kept for the test session to fail on.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

errors: list[BaseException] = []


def guarded(override: Callable) -> Callable:
    """Decorate paintEvent, resizeEvent and the like with this."""

    @functools.wraps(override)
    def guard(self: Any, *arguments: Any) -> Any:
        try:
            return override(self, *arguments)
        except Exception as error:  # everything: the process would end otherwise
            traceback.print_exc()
            errors.append(error)
            return None

    return guard
