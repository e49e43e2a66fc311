"""The one guard of button handlers: errors made for people are shown, bugs go to Slicer's error log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import slicer

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.panels.parts import waiting


@contextmanager
def shown_errors(title: str) -> Iterator[None]:
    """Show a ThoraxAIError raised in the block in a message box under ``title``, with the wait cursor meanwhile."""
    failure = None
    with waiting():
        try:
            yield
        except ThoraxAIError as error:
            failure = error
    if failure is not None:
        slicer.util.errorDisplay(f"{title}\n\n{failure}")


def agreed(question: str) -> bool:
    """Ask the person, and return whether they agree."""
    return bool(slicer.util.confirmOkCancelDisplay(question))
