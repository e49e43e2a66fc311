"""Keyword arguments of a public function are the fields of its options classes; wrong ones get one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from ThoraxAILib.errors import InputError

OptionsClass = TypeVar("OptionsClass")


def check_keywords(function: str, keywords: Mapping[str, object], known: Collection[str]) -> None:
    """Raise InputError, naming the nearest and all known ones, when a keyword is not one of ``known``."""
    for name in keywords:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"perhaps {near[0]} is meant, known are" if near else "known are"
            raise InputError(f"{function} has no option '{name}': {hint} {', '.join(known)}.")


def with_keywords(function: str, options: OptionsClass, keywords: Mapping[str, object]) -> OptionsClass:
    """``options`` (a frozen dataclass) with the fields in ``keywords`` changed.

    Raises InputError for an unknown field, and for a value that the class refuses.
    """
    check_keywords(function, keywords, option_names(type(options)))
    changed: Any = options
    try:
        return replace(changed, **keywords)
    except TypeError as error:
        given = ", ".join(f"{name} as {type(value).__name__}" for name, value in keywords.items())
        raise InputError(f"{function} cannot use {given}: give values of the types in its documentation.") from error


def option_names(options_class: type) -> tuple[str, ...]:
    """Return the fields of an options class that can be given."""
    return tuple(field.name for field in fields(options_class) if field.init)
