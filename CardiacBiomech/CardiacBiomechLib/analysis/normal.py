"""Measured values beside published normal ranges of the stated sex."""

from __future__ import annotations

import json
from pathlib import Path

from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.model.study import Chamber

TABLE = Path(__file__).parents[1] / "model" / "normal_values.json"
WIDTH = 1.96  # standard deviations on either side


def normal_ranges(
    lv: Chamber, rv: Chamber | None, mass_g: float, indices: dict[str, float], person: Person
) -> dict[str, dict]:
    """Return value, low, high and verdict (low, normal, high) of every measure of the table; empty without a sex."""
    if person.sex is None:
        return {}
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    values = {
        "lv_edv_ml": lv.edv_ml,
        "lv_ef_percent": lv.ef_percent,
        "lv_mass_g": mass_g,
        **({} if rv is None else {"rv_edv_ml": rv.edv_ml, "rv_esv_ml": rv.esv_ml}),
        **indices,
    }
    found = {}
    for name, by_sex in table["values"].items():
        if name not in values:
            continue
        mean, deviation = by_sex[person.sex]
        low, high = mean - WIDTH * deviation, mean + WIDTH * deviation
        value = values[name]
        verdict = "low" if value < low else "high" if value > high else "normal"
        found[name] = {"value": round(value, 1), "low": round(low, 1), "high": round(high, 1), "verdict": verdict}
    return {**found, "source": {"text": table["source"], "convention": table["convention"]}}
