"""Options: the class every options dataclass derives from.

    @dataclass(frozen=True)
    class Smoothing(Options):
        width_mm: float = option(2.0, "how far to smooth", unit="mm", at_least=0)

    Smoothing.parse(["--width-mm", "3"]) == Smoothing(3.0)
    Smoothing(3.0).to_argv() == ["--width-mm", "3"]

A new field reaches the command line, child processes, the run record and the panel's parameter node by itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from typing import Any, NoReturn, TypeVar

from ThoraxAILib.errors import InputError
from ThoraxAILib.options import command_line, parameter_node
from ThoraxAILib.options.declare import check_all, dump_all, load_all

T = TypeVar("T", bound="Options")


class Options:
    """Base of frozen dataclasses whose fields are declared with ``option``; impossible values raise InputError.

    A class with checks of its own calls ``super().__post_init__()`` first.
    """

    def __post_init__(self) -> None:
        check_all(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, as it is written to records."""
        return dump_all(self)

    @classmethod
    def from_dict(cls: type[T], plain: Any) -> T:
        """Options from their JSON form; raises InputError for an unknown key, a missing or an impossible value."""
        return load_all(cls, plain)

    def to_argv(self, every: bool = False) -> list[str]:
        """Return the words of a command line that ask for these options: what differs from the defaults, or
        ``every`` one.
        """
        return command_line.to_argv(self, every)

    @classmethod
    def add_arguments(cls, parser: argparse._ActionsContainer, without: Collection[str] = ()) -> None:
        """Add every option to a parser, except the fields named ``without``."""
        command_line.add_arguments(parser, cls, without)

    @classmethod
    def from_arguments(cls: type[T], arguments: argparse.Namespace) -> T:
        """Return what the parsed arguments of ``add_arguments`` ask for; raises InputError."""
        return command_line.from_arguments(cls, arguments)

    @classmethod
    def parse(cls: type[T], words: Sequence[str]) -> T:
        """Options from the words of a command line; raises InputError."""
        parser = _Parser(add_help=False, allow_abbrev=False)
        cls.add_arguments(parser)
        return cls.from_arguments(parser.parse_args(list(words)))

    def to_node(self, node: parameter_node.ParameterNode, prefix: str = "") -> None:
        """Keep the options in a parameter node."""
        parameter_node.to_node(self, node, prefix)

    @classmethod
    def from_node(cls: type[T], node: parameter_node.ParameterNode, prefix: str = "") -> T:
        """Return the options a parameter node keeps; what is absent or unreadable there has its default."""
        return parameter_node.from_node(cls, node, prefix)


class _Parser(argparse.ArgumentParser):
    """Wrong words are an InputError instead of the end of the process."""

    def error(self, message: str) -> NoReturn:
        """Raise the sentence."""
        raise InputError(f"The options cannot be read: {message}.")
