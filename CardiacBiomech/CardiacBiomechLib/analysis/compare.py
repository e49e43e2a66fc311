"""Two dates of one person: every measure at both, how far it moved, and how far two readings of one heart differ.

A difference d of two readings with a standard deviation s each is larger than chance at 95 % when |d| > 1.96 sqrt(2) s.
The published spread between readers has a smallest and a largest value: below the bound of the smallest a change is
"within what readers differ", beyond that of the largest "more than readers differ", in between "open". That is the
spread of readers on the same images; a second scan on another day adds to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parents[1] / "model" / "reader_spread.json"
SCHEMA = "thoraxai.cardiac-comparison/1"
BOUND = 1.96 * 2.0**0.5
WITHIN, OPEN, BEYOND, UNKNOWN = (
    "within what readers differ", "open", "more than readers differ", "no published spread",
)  # fmt: skip
MEASURES = (
    # name, unit, path in cardiac.json
    ("lv_edv_ml", "mL", ("lv", "edv_ml")),
    ("lv_esv_ml", "mL", ("lv", "esv_ml")),
    ("lv_ef_percent", "%", ("lv", "ef_percent")),
    ("lv_mass_g", "g", ("lv", "mass_g")),
    ("rv_edv_ml", "mL", ("rv", "edv_ml")),
    ("rv_esv_ml", "mL", ("rv", "esv_ml")),
    ("rv_ef_percent", "%", ("rv", "ef_percent")),
    ("global_circumferential_strain", "1", ("strain", "circumferential", "peak")),
    ("global_radial_strain", "1", ("strain", "radial", "peak")),
    ("global_longitudinal_strain", "1", ("long_axis", "global_longitudinal_strain")),
    ("mitral_excursion_mm", "mm", ("long_axis", "mitral_excursion_mm")),
)
METHODS = ("labels", "base", "septum")


@dataclass(frozen=True)
class Change:
    """One measure at both dates; ``bounds`` are what two readings of one heart may differ by, at least and at most."""

    name: str
    unit: str
    before: float
    after: float
    bounds: tuple[float, float] | None

    @property
    def difference(self) -> float:
        """Second date minus first date."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """What the spread of readers says about the difference."""
        if self.bounds is None:
            return UNKNOWN
        away = abs(self.difference)
        return WITHIN if away <= self.bounds[0] else BEYOND if away > self.bounds[1] else OPEN

    def to_dict(self) -> dict:
        """Plain values."""
        digits = 3 if self.unit == "1" else 1
        return {
            "measure": self.name,
            "unit": self.unit,
            "before": round(self.before, digits),
            "after": round(self.after, digits),
            "difference": round(self.difference, digits),
            "readers_differ_by": None if self.bounds is None else [round(bound, 1) for bound in self.bounds],
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Comparison:
    """Changes of the whole heart and of segments (name, peak circumferential strain), and what forbids a comparison."""

    changes: tuple[Change, ...]
    segments: tuple[Change, ...]
    cautions: tuple[str, ...]

    def to_dict(self) -> dict:
        """Return the content of comparison.json."""
        return {
            "schema": SCHEMA,
            "research_use": "Research use only, not a medical device.",
            "changes": [change.to_dict() for change in self.changes],
            "segments": [change.to_dict() for change in self.segments],
            "cautions": list(self.cautions),
            "repeatability": _table()["source"],
        }


def compare_studies(before: dict, after: dict) -> Comparison:
    """Return how the second study (content of its cardiac.json) differs from the first."""
    spread = _table()["values"]
    changes = []
    for name, unit, path in MEASURES:
        one, other = _value(before, path), _value(after, path)
        if one is None or other is None:
            continue
        bounds = spread.get(name)
        changes.append(
            Change(name, unit, one, other, None if bounds is None else (BOUND * bounds[0], BOUND * bounds[1]))
        )
    return Comparison(tuple(changes), _segments(before, after), tuple(_cautions(before, after)))


def _segments(before: dict, after: dict) -> tuple[Change, ...]:
    key = "peak_circumferential"
    return tuple(
        Change(f"{one['name']} peak circumferential strain", "1", one[key], other[key], None)
        for one, other in zip(before["segments"], after["segments"], strict=False)
        if one[key] is not None and other[key] is not None
    )


def _cautions(before: dict, after: dict) -> list[str]:
    """Return what was done differently, and the grave verdicts of either date."""
    found = []
    for name in METHODS:
        one, other = before["methods"].get(name), after["methods"].get(name)
        if one != other:
            found.append(f"The {name} differ in kind ({one}; {other}): analyze both dates in the same way.")
    for number, study in enumerate((before, after), start=1):
        found += [f"Date {number}: {verdict['text']}" for verdict in study["quality"] if verdict["severity"] in _GRAVE]
    return found


_GRAVE = ("error", "warning")


def _value(found: dict, path: tuple[str, ...]) -> float | None:
    part = found
    for name in path:
        part = (part or {}).get(name)  # type: ignore[assignment]
    return None if part is None else float(part)  # type: ignore[arg-type]


def _table() -> dict:
    return json.loads(TABLE.read_text(encoding="utf-8"))
