"""Size bands: a measured size, and the table cells it falls into, in mm or in mm3 with exact boundaries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from LungNoduleAILib.guidelines.terms.answer import Trace


@dataclass(frozen=True)
class Size:
    """A size rounded as its guideline wants it; ``unit`` is mm or mm3, ``name`` says what was measured."""

    value: Decimal
    unit: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} {self.value} {self.unit}"

    def is_below(self, limit_mm: Decimal, limit_mm3: Decimal) -> bool:
        """Whether it is less than the limit of its own unit."""
        return self.value < (limit_mm if self.unit == "mm" else limit_mm3)


@dataclass(frozen=True)
class Band:
    """Sizes below the limits that no earlier band took; without limits all the rest. ``answer`` is the cell."""

    answer: str
    below_mm: Decimal | None = None
    below_mm3: Decimal | None = None

    def limit(self, unit: str) -> Decimal | None:
        """Return the upper limit, itself outside."""
        return self.below_mm if unit == "mm" else self.below_mm3


def bands(*cells: tuple[str, str, int] | str) -> tuple[Band, ...]:
    """Bands from (answer, below mm, below mm3) in rising order; the last is the answer for all the rest."""
    return tuple(
        Band(cell) if isinstance(cell, str) else Band(cell[0], Decimal(cell[1]), Decimal(cell[2])) for cell in cells
    )


def place(size: Size, table: tuple[Band, ...], whole_numbers: bool = False) -> tuple[str, str]:
    """Return the answer of the band that holds ``size`` and the words for its limits, e.g. '6 to below 8 mm'.

    ``whole_numbers`` words them for sizes that are whole: '6 to 8 mm'.
    """
    lower = None
    for band in table:
        upper = band.limit(size.unit)
        if upper is None or size.value < upper:
            return band.answer, _limits(lower, upper, size.unit, whole_numbers)
        lower = upper
    raise ValueError("the last band of a table has no limit")


def _limits(lower: Decimal | None, upper: Decimal | None, unit: str, whole_numbers: bool) -> str:
    if upper is None:
        least = f"more than {lower - 1}" if whole_numbers and lower is not None else f"at least {lower}"
        return f"{least} {unit}" if lower is not None else f"any size in {unit}"
    if lower is None:
        return f"below {upper} {unit}"
    return f"{lower} to {upper - 1} {unit}" if whole_numbers else f"{lower} to below {upper} {unit}"


def decide(
    sizes: tuple[Size, ...], table: tuple[Band, ...], trace: Trace, whole_numbers: bool = False
) -> tuple[str, str]:
    """Return the answer by the first of ``sizes`` and the words why; another answer of a later size is told as
    uncertain.
    """
    answer, limits = place(sizes[0], table, whole_numbers)
    for other in sizes[1:]:
        another, _ = place(other, table, whole_numbers)
        if another != answer:
            trace.unsure(f"The {other} would fall into another cell than the {sizes[0]}, which is used.")
    return answer, f"{sizes[0]} is {limits}"
