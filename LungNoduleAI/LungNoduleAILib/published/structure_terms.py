"""Coded terms and colors of the structures that published segmenters name.

``structure_terms.csv`` is data: SNOMED CT codes and colors as TotalSegmentator 2.18 publishes them for its structures
(wasserth/TotalSegmentator, resources/totalsegmentator_snomed_mapping.csv, Apache-2.0). Its four lung_ rows at the end
are codes of the same table for the airways and vessels of the task lung_vessels, which that table does not hold.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("structure_terms.csv")


@dataclass(frozen=True)
class StructureTerm:
    """SNOMED CT code and meaning of category, type, side, region and side of the region; empty where none is said."""

    name: str
    category: tuple[str, str]
    type: tuple[str, str]
    modifier: tuple[str, str]
    region: tuple[str, str]
    region_modifier: tuple[str, str]
    color: tuple[float, float, float]

    @property
    def words(self) -> str:
        """The name as a person reads it."""
        return self.name.replace("_", " ")


@cache
def structure_terms() -> dict[str, StructureTerm]:
    """Return every term by the name of its structure."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: _term(row) for row in csv.DictReader(file)}


def _term(row: dict[str, str]) -> StructureTerm:
    def pair(column: str) -> tuple[str, str]:
        return row[column], row[f"{column}_meaning"]

    red, green, blue = (int(row[channel]) / 255 for channel in ("red", "green", "blue"))
    return StructureTerm(
        row["name"],
        pair("category"),
        pair("type"),
        pair("modifier"),
        pair("region"),
        pair("region_modifier"),
        (red, green, blue),
    )
