"""One line per case of a guideline test: what is stated, as keys; sizes first, so that a table reads like the page."""

from __future__ import annotations

import json

import pytest


def cases(tables: dict[str, list[tuple[dict, object]]]) -> list:
    """Parameters of (inputs, expected) of all tables, named so that a failure can be read."""
    return [pytest.param(inputs, expected, id=f"{name}: {json.dumps(inputs)} -> {expected}")
            for name, table in tables.items() for inputs, expected in table]


def solid(mm: float, **others: object) -> dict:
    return {"type": "solid", "mean_diameter_mm": mm, **others}


def solid_volume(mm3: float, **others: object) -> dict:
    return {"type": "solid", "volume_mm3": mm3, **others}


def part_solid(mm: float, part_mm: float | None = None, **others: object) -> dict:
    part = {} if part_mm is None else {"solid_mean_diameter_mm": part_mm}
    return {"type": "part-solid", "mean_diameter_mm": mm, **part, **others}


def ground_glass(mm: float, **others: object) -> dict:
    return {"type": "ground-glass", "mean_diameter_mm": mm, **others}
