"""Which series are analyzed, when a study is complete, and when the disk is too full: a YAML file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Rules:
    """The rules; each field is a key of the file.

    ``body_parts`` are values of Body Part Examined (an empty one is taken too, since many scanners leave it out);
    ``callers`` are application entity titles that may send, none for all with a certificate; images that were dealt
    with are kept for ``keep_hours``, in case more of their series come; ``analyze`` are further options of
    ``thoraxai lung analyze``.
    """

    quiet_seconds: float = 60.0
    min_slices: int = 20
    min_extent_mm: float = 100.0
    body_parts: tuple[str, ...] = ("CHEST", "THORAX", "LUNG", "CHESTABDPELVIS", "CHESTABDOMEN")
    callers: tuple[str, ...] = ()
    min_free_gb: float = 5.0
    keep_hours: float = 24.0
    tries: int = 3
    analyze: tuple[str, ...] = ()


def read_rules(path: Path | None) -> Rules:
    """Return the rules of a file, those of the program without one; raises InputError for a key or value it cannot
    use.
    """
    if path is None:
        return Rules()
    import yaml

    try:
        told = yaml.safe_load(read_bounded(path, MAX_BYTES).decode("utf-8")) or {}
    except (OSError, TooLarge, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise InputError(
            f"The rules '{path.name}' cannot be read: give a YAML file with lines like min_slices: 20."
        ) from (error)
    if not isinstance(told, dict):
        raise InputError(f"The rules '{path.name}' are no list of keys: write lines like min_slices: 20.")
    known = {field.name: getattr(Rules(), field.name) for field in fields(Rules)}
    for name in told:
        if name not in known:
            raise InputError(f"The rules know no '{name}': use {', '.join(known)}.")
    return Rules(**{name: _value(name, value, known[name]) for name, value in told.items()})


def _value(name: str, value: Any, example: Any) -> Any:
    if isinstance(example, tuple):
        if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
            return tuple(str(item) for item in value)
        raise InputError(f"{name} in the rules is a list: write {name}: [A, B].")
    whole = isinstance(example, int)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or value < 0 or (whole and value != int(value)):
        raise InputError(f"{name} in the rules is a number from 0 on: write {name}: {example}.")
    return int(value) if whole else float(value)
