"""Which part of a cohort a machine takes: ``--shard I/N`` is every Nth case, from the Ith on."""

from __future__ import annotations

from ThoraxAILib.errors import InputError


def shard_numbers(shard: str | None) -> tuple[int, int]:
    """Return which part of how many parts is asked for, (1, 1) for all; raises InputError."""
    if shard is None:
        return 1, 1
    part, _, parts = shard.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise InputError(f"The shard '{shard}' is none: write I/N with I from 1 to N, such as 2/8.")
    return int(part), int(parts)


def shard_suffix(shard: str | None) -> str:
    """Return what stands in the names of the files that every shard writes for itself; empty for all cases."""
    part, parts = shard_numbers(shard)
    return "" if shard is None else f"-{part}-of-{parts}"
