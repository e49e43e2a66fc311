"""No output file may take the place of an input: checked once, for every command, before anything is opened.

An option that names a file to write (``--output``, ``--report``, ``--field``, ``--events``) must not be one of the
paths that are read, by whatever name or link, nor an existing file inside a folder that is read.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from ThoraxAILib.errors import InputError

WRITTEN = ("output", "report", "field", "events")
STANDARD_OUTPUT = "-"


def refuse_over_inputs(options: argparse.Namespace) -> None:
    """Raise InputError when a parsed option would write over what another one reads.

    Inputs are all values of type Path that are not in ``WRITTEN``, and the text options that the parser lists in
    ``input_words``. What it lists in ``output_words`` is typed without a name of an option.
    """
    words = getattr(options, "input_words", ())
    positional = getattr(options, "output_words", ())
    inputs = [
        path
        for name, value in vars(options).items()
        if name not in WRITTEN
        for path in _paths(value, name in words)
        if path.exists()
    ]
    for name in WRITTEN:
        for target in _paths(getattr(options, name, None), name == "events"):
            if target.is_dir() or not target.exists():
                continue
            if any(_is_over(target, path) for path in inputs):
                place = "The output" if name in positional else f"--{name}"
                raise InputError(f"{place} names a file of the input, and inputs are never changed: choose another.")


def _paths(value: object, is_word: bool) -> Iterator[Path]:
    for one in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(one, Path):
            yield one
        elif is_word and isinstance(one, str) and one != STANDARD_OUTPUT:
            yield Path(one)


def _is_over(target: Path, source: Path) -> bool:
    """Whether the existing file ``target`` is ``source`` or lies in the folder ``source``."""
    if os.path.samefile(target, source):
        return True
    return source.is_dir() and source.resolve() in (*target.resolve().parents, *target.absolute().parents)
