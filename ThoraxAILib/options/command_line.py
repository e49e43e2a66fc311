"""An options class as arguments of a command, and its instances as the words a person would type."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ThoraxAILib.options.declare import OptionField, option_fields
from ThoraxAILib.options.kinds import PATH

_METAVARS = {"a whole number": "N", "a number": "X", "a path": "PATH", "a date as YYYY-MM-DD": "DATE"}


def add_arguments(parser: argparse._ActionsContainer, cls: type, without: Collection[str] = (), path: str = "") -> None:
    """Add every option of a class to a parser or group; those of nested classes join them.

    Texts other than paths stay as they were typed: ``from_arguments`` reads and checks them. ``without`` names fields
    to leave out.
    """
    for field in option_fields(cls):
        if field.name in without:
            continue
        if field.nested is not None:
            title = field.declared.group
            group = parser.add_argument_group(title) if title else parser
            add_arguments(group, field.nested, (), f"{path}{field.name}.")
        else:
            _add_argument(parser, field, path + field.name)


def _add_argument(parser: argparse._ActionsContainer, field: OptionField, dest: str) -> None:
    settings: dict[str, Any] = {"help": _help(field), "default": None}
    if field.is_switch:
        parser.add_argument(field.flag, dest=dest, action="store_const", const=field.default is not True, **settings)
        return
    settings["metavar"] = _metavar(field)
    if field.kind is PATH:
        settings["type"] = Path  # so that whoever looks at the parsed arguments knows the paths among them
    if field.declared.positional:
        parser.add_argument(dest, nargs="+" if field.many else None, **settings)
    elif field.many:
        parser.add_argument(field.flag, dest=dest, action="extend", nargs="*", **settings)
    else:
        parser.add_argument(field.flag, dest=dest, required=field.required, **settings)


def _metavar(field: OptionField) -> str:
    declared = field.declared
    return (
        declared.metavar or "|".join(field.choices) or declared.unit.upper() or _METAVARS.get(field.kind.what, "TEXT")
    )


def _help(field: OptionField) -> str:
    """Return the help text with the default, where it says nothing about one itself."""
    text = field.declared.help
    default = None if field.required or field.is_switch else field.default
    if default not in (None, (), "") and "default" not in text:
        values = default if field.many else (default,)
        words = [*(field.kind.write(value) for value in values), field.declared.unit]
        text = f"{text} (default {' '.join(words).strip()})".strip()
    return text.replace("%", "%%")


def from_arguments(cls: type, arguments: argparse.Namespace, path: str = "") -> Any:
    """Return the instance that parsed arguments ask for; raises InputError for an impossible value."""
    values = {}
    for field in option_fields(cls):
        if field.nested is not None:
            values[field.name] = from_arguments(field.nested, arguments, f"{path}{field.name}.")
            continue
        given = getattr(arguments, path + field.name, None)
        if given is None:
            continue
        if field.is_switch:
            values[field.name] = given
        else:
            values[field.name] = tuple(_read(field, one) for one in given) if field.many else _read(field, given)
    return cls(**values)


def _read(field: OptionField, given: Any) -> Any:
    return field.read(given) if isinstance(given, str) else given


def to_argv(options: Any, every: bool = False) -> list[str]:
    """Return the words that ask for these options: what differs from the defaults, or with ``every`` all that words
    can say.

    Positional arguments come first.
    """
    positional: list[str] = []
    flags: list[str] = []
    for field in option_fields(type(options)):
        value = getattr(options, field.name)
        if field.nested is not None:
            flags += to_argv(value, every)
        elif field.declared.positional:
            positional += [_not_a_flag(text) for text in _texts(field, value)]
        elif value is not None and (every or field.required or value != field.default):
            flags += _flag_words(field, value)
    return positional + flags


def _flag_words(field: OptionField, value: Any) -> list[str]:
    if field.is_switch:
        return [field.flag] if value is not field.default else []
    texts = _texts(field, value)
    if any(text.startswith("-") for text in texts):  # else it would look like another flag
        return [f"{field.flag}={text}" for text in texts]
    return [field.flag, *texts]


def _texts(field: OptionField, value: Any) -> list[str]:
    return [field.kind.write(item) for item in value] if field.many else [field.kind.write(value)]


def _not_a_flag(path: str) -> str:
    return os.path.join(os.curdir, path) if path.startswith("-") else path
