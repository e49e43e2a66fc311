"""What a detector said and what is true, over many scans, as plain arrays.

Positions are RAS mm here; LUNA16's tables are LPS mm and are turned when read (``luna_tables``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import InputError

UNKNOWN_DIAMETER_MM = 10.0  # what LUNA16's script takes for a diameter below zero


@dataclass(frozen=True, eq=False)
class Marks:
    """Places a detector marked: scan of each (n,), center RAS mm (n, 3), score (n,), higher is more suspicious."""

    series: np.ndarray
    centers_ras_mm: np.ndarray
    score: np.ndarray

    def __post_init__(self) -> None:
        _settle(self, "score", "mark")

    @staticmethod
    def none() -> Marks:
        """No marks at all."""
        return Marks(np.empty(0, dtype=str), np.empty((0, 3)), np.empty(0))


@dataclass(frozen=True, eq=False)
class Places:
    """True places: scan of each (n,), center RAS mm (n, 3), diameter mm (n,) where below zero means unknown.

    ``type`` holds one word per place when it is known (solid, part-solid, ground-glass, calcified), else nothing.
    """

    series: np.ndarray
    centers_ras_mm: np.ndarray
    diameter_mm: np.ndarray
    type: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _settle(self, "diameter_mm", "nodule")
        if self.type and len(self.type) != len(self.series):
            raise InputError(f"{len(self.type)} types were given for {len(self.series)} nodules: give one for each.")

    @staticmethod
    def none() -> Places:
        """No places at all."""
        return Places(np.empty(0, dtype=str), np.empty((0, 3)), np.empty(0))

    @property
    def squared_radius_mm2(self) -> np.ndarray:
        """(d/2)^2 of each place, with 10 mm where the diameter is unknown."""
        half = np.where(self.diameter_mm < 0, UNKNOWN_DIAMETER_MM, self.diameter_mm) / 2.0
        return half * half


def rows_by_series(series: Sequence[str] | np.ndarray) -> dict[str, np.ndarray]:
    """Return the row numbers of every series, in the order of the rows."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(series):
        rows.setdefault(str(name), []).append(row)
    return {name: np.array(found) for name, found in rows.items()}


def _settle(rows: Marks | Places, values: str, word: str) -> None:
    """Arrays of one length and of finite numbers; raises InputError otherwise."""
    series = np.asarray(rows.series, dtype=str)
    centers = np.asarray(rows.centers_ras_mm, dtype=float).reshape(-1, 3)
    numbers = np.asarray(getattr(rows, values), dtype=float)
    if not len(series) == len(centers) == len(numbers):
        raise InputError(
            f"Every {word} needs a scan, a position and a number: {len(series)}, {len(centers)} and "
            f"{len(numbers)} were given."
        )
    bad = ~(np.isfinite(centers).all(axis=1) & np.isfinite(numbers))
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} of {len(bad)} {word}s have a position or {values} that is not a finite "
            "number: correct or remove them."
        )
    for name, value in (("series", series), ("centers_ras_mm", centers), (values, numbers)):
        object.__setattr__(rows, name, value)
