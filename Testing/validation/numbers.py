"""Numbers a page tells as measured: those with a unit of measurement, and all with a decimal point.

A line quotes its rows in a comment, ``<!-- rows: detection.cpm.all, anatomy.lungs -->``: its numbers must be those of
these rows. A model card's numbers must be those of the rows that ``cards`` of validation.json gives it. Whole numbers
without a unit (counts, seeds, years) are not looked at. Code, addresses and what definitions.json lists (thresholds,
sizes, versions, each with its reason) are left out first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from validation.rows import REPOSITORY, Measured, Row

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
    rf"(?<![\w.,-])(?P<numbers>{NUMBER}(?:(?: to | and | or | x | beside | \+/- | ?- ?|/){NUMBER})*)"
    rf"(?:[ -]?(?P<unit>{'|'.join(map(re.escape, UNITS))}))?(?!\.?\w)"
)
QUOTE = re.compile(r"<!-- rows: (.+?) -->")
CARDS = REPOSITORY / "Resources" / "ModelCards"
LEFT_OUT = (r"`[^`\n]*`", r"\]\([^)]*\)", r"https?://\S+", r"<!--.*?-->")


@dataclass(frozen=True)
class Quantity:
    """A number without its sign, with its unit; scores, ratios, strains and what stands apart from a unit have none."""

    number: Decimal
    unit: str

    def tells(self, other: Quantity) -> bool:
        """Whether this is the other one, or that one rounded to the digits of this one (two at least with a unit)."""
        if self.unit not in (other.unit, SCORE):
            return False
        is_rough = len(self.number.as_tuple().digits) < 2 and self.unit != SCORE
        rounded = other.number if is_rough else other.number.quantize(self.number)
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


def documents() -> tuple[Path, ...]:
    """Every page for people, but those that programs write."""
    written = {REPOSITORY / "docs" / "validation.md"}
    pages = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Anonymizer/README.md")]
    pages += (REPOSITORY / "docs").rglob("*.md")
    pages += CARDS.glob("*.md")
    return tuple(sorted(page for page in pages if page not in written and page.parent.name != "formats"))


def prose(line: str, definitions: Iterable[Definition] = ()) -> str:
    """A line without code, addresses, comments and definitions."""
    for expression in (*LEFT_OUT, *(definition.expression for definition in definitions)):
        line = re.sub(expression, " ~ ", line)
    return line.replace("\N{MINUS SIGN}", "-")


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


def unknown_numbers(text: str, measured: Measured, card: str = "") -> list[str]:
    """Numbers of a page that are neither in the rows it quotes nor definitions, each with its line.

    ``card``: name of the model card that the page is. KeyError for a quoted row that does not exist.
    """
    by_id = {row.id: row for row in measured.rows}
    of_card = [row for row in measured.rows if row.id.startswith(measured.cards.get(card, ()))]
    definitions = read_definitions()
    unknown = []
    for line in re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines():
        quoted = [by_id[name.strip()] for names in QUOTE.findall(line) for name in names.split(",")]
        known = known_quantities(quoted + of_card)
        told = quantities(prose(line, definitions))
        unknown += [f"{number}: {line}" for number in told if not any(number.tells(other) for other in known)]
    return unknown
