"""The errors a person sees. Each message is one sentence: what was wrong, what was found, what to do."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class ThoraxAIError(Exception):
    """Base of every error raised on purpose by the suite."""


class InputError(ThoraxAIError, ValueError):
    """The input or an option cannot be used; the command line turns it into exit status 2."""


class OutputError(ThoraxAIError, OSError):
    """Results cannot be written (read-only folder, full disk); exit status 2."""


class MissingDependencyError(ThoraxAIError, RuntimeError):
    """An optional package is needed for what was asked; the message says which one to install."""


class Cancelled(ThoraxAIError):
    """The person stopped the work; the command line turns it into exit status 130."""


def known(value: T | None, name: str) -> T:
    """Return the value of something checked before; ValueError naming it when it is None all the same."""
    if value is None:
        raise ValueError(f"{name} is not known")
    return value
