"""Numbers a text tells as measured: those with a unit of measurement, and all with a decimal point.

Whole numbers without a unit (counts, seeds, years) are not looked at. Code, addresses and what definitions.json lists
(thresholds, sizes, versions, each with its reason) are left out first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from validation.rows import REPOSITORY, Row

DEFINITIONS_FILE = Path(__file__).with_name("definitions.json")
SECONDS, SCORE = "s", ""
UNITS = {
    "CPU-seconds": SECONDS,
    "processor seconds": SECONDS,
    "seconds": SECONDS,
    "s": SECONDS,
    "minutes": "minutes",
    "hours": "hours",
    "instances/s": "instances/s",
    "points": "points",
    "times": "times",
    "mm3": "mm3",
    "mm": "mm",
    "mL": "mL",
    "GB": "GB",
    "MB": "MB",
    "%": "%",
}
NUMBER = r"[-+]?\d(?:[\d,]*\d)?(?:\.\d+)?"
QUANTITY = re.compile(
    rf"(?<![\w.,-])(?P<numbers>{NUMBER}(?:(?: to | and | or | x |, | ?- ?|/){NUMBER})*)"
    rf"(?:[ -]?(?P<unit>{'|'.join(map(re.escape, UNITS))}))?(?!\.?\w)"
)
LEFT_OUT = (r"```.*?```", r"`[^`\n]*`", r"\]\([^)]*\)", r"https?://\S+", r"<!--.*?-->")


@dataclass(frozen=True)
class Quantity:
    """A number without its sign, with its unit; scores, ratios and strains have none."""

    number: Decimal
    unit: str

    def tells(self, other: Quantity) -> bool:
        """Whether this is the other one, or that one rounded to the digits of this one (two at least)."""
        if self.unit != other.unit:
            return False
        exponent = self.number.as_tuple().exponent
        is_rough = len(self.number.as_tuple().digits) < 2 and self.unit != SCORE
        rounded = other.number if is_rough else other.number.quantize(Decimal((0, (1,), exponent)))
        return self.number in (other.number, rounded)

    def __str__(self) -> str:
        return f"{self.number} {self.unit}".rstrip()


@dataclass(frozen=True)
class Definition:
    """A text, or a pattern, whose numbers were set and not measured, and why it is one."""

    reason: str
    text: str = ""
    pattern: str = ""

    @property
    def expression(self) -> str:
        return self.pattern or re.escape(self.text)


def read_definitions(path: Path = DEFINITIONS_FILE) -> tuple[Definition, ...]:
    """Numbers that are no measurements."""
    return tuple(Definition(**fields) for fields in json.loads(path.read_text(encoding="utf-8")))


def documents(repository: Path = REPOSITORY) -> tuple[Path, ...]:
    """Every page for people, but those that programs write."""
    written = {repository / "docs" / "validation.md"}
    pages = [repository / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Anonymizer/README.md")]
    pages += (repository / "docs").rglob("*.md")
    pages += (repository / "Resources" / "ModelCards").glob("*.md")
    return tuple(sorted(page for page in pages if page not in written and page.parent.name != "formats"))


def prose(text: str, definitions: Iterable[Definition] = ()) -> str:
    """The text on one line without code, addresses and definitions."""
    for expression in LEFT_OUT:
        text = re.sub(expression, " ~ ", text, flags=re.DOTALL)
    text = " ".join(text.replace("\N{MINUS SIGN}", "-").split())
    for definition in definitions:
        text = re.sub(definition.expression, " ~ ", text)
    return text


def quantities(text: str) -> list[Quantity]:
    """The quantities of a text: with a unit, or with a decimal point; ``3 to 30 mm`` gives two."""
    found = []
    for match in QUANTITY.finditer(text):
        numbers = re.findall(r"\d(?:[\d,]*\d)?(?:\.\d+)?", match["numbers"])
        unit = UNITS.get(match["unit"] or "", SCORE)
        found += [Quantity(Decimal(number.replace(",", "")), unit) for number in numbers if unit or "." in number]
    return found


def known_quantities(rows: Iterable[Row]) -> set[Quantity]:
    """All quantities of the rows, those in their words too."""
    known: set[Quantity] = set()
    for row in rows:
        unit = row.unit if row.unit in UNITS.values() else SCORE
        numbers = (row.value, *(row.interval or ()), *(() if row.plus_minus is None else (row.plus_minus,)))
        known |= {Quantity(abs(Decimal(number)), unit) for number in numbers}
        known |= set(quantities(f"{row.claim}; {row.data}; {row.n}"))
    return known


def unknown_quantities(text: str, known: Iterable[Quantity], definitions: Iterable[Definition]) -> list[Quantity]:
    """What a text tells that no row and no definition holds."""
    known = tuple(known)
    told = quantities(prose(text, definitions))
    return [quantity for quantity in told if not any(quantity.tells(other) for other in known)]
