"""Features of an analyzed study, from its cardiac.json; a file of unknown origin is read bounded and checked."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from CardiacBiomechLib.diagnosis.features.catalog import CATALOG, VERSION
from CardiacBiomechLib.diagnosis.features.measure import DENSITY_G_ML
from CardiacBiomechLib.model.study import SCHEMA
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.plain_json import read_plain_json

MAX_BYTES = 16 << 20


def read_study_features(path: Path) -> dict[str, float]:
    """Return the features in a cardiac.json; raises InputError for another file, version, unit or damage."""
    try:
        content = read_plain_json(path, largest_bytes=MAX_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"'{path}' does not exist: check the path.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"'{path.name}' cannot be read as a cardiac.json: analyze the study again.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"'{path.name}' is no result of thoraxai cardiac analyze ({SCHEMA}): give its cardiac.json.")
    try:
        return study_features(content)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"'{path.name}' is damaged: analyze the study again.") from error


def study_features(content: dict[str, Any]) -> dict[str, float]:
    """Return the features of the content of a cardiac.json; one that is older than features gives volumes only."""
    told = content.get("features")
    if told is None:
        return _volumes(content)
    if told["version"] != VERSION:
        raise InputError(
            f"The study holds features of version '{str(told['version'])[:60]}', this program has '{VERSION}': analyze "
            "it again."
        )
    found = {}
    for name, value in told["values"].items():
        if name in CATALOG and value is not None:
            found[name] = _within(name, float(value))
    return found


def features_section(values: dict[str, float]) -> dict[str, Any]:
    """Return the section of a cardiac.json that holds features."""
    return {
        "version": VERSION,
        "values": {name: float(f"{value:.8g}") for name, value in values.items() if math.isfinite(value)},
    }


def _volumes(content: dict[str, Any]) -> dict[str, float]:
    lv, rv = content["lv"], content["rv"] or {}
    found = {f"lv_{name}": lv[name] for name in ("edv_ml", "esv_ml", "ef_percent", "mass_g")}
    found["wall_edv_ml"] = lv["mass_g"] / DENSITY_G_ML
    found |= {f"rv_{name}": rv[name] for name in ("edv_ml", "esv_ml", "ef_percent") if name in rv}
    found |= {name: value for name, value in content["indices"].items() if name in CATALOG}
    for frame in ("edv", "esv"):
        if rv and rv[f"{frame}_ml"] > 0:
            found[f"lv_rv_{frame}_ratio"] = lv[f"{frame}_ml"] / rv[f"{frame}_ml"]
    if lv["edv_ml"] > 0:
        found["wall_lv_edv_ratio"] = found["wall_edv_ml"] / lv["edv_ml"]
    return {name: _within(name, float(value)) for name, value in found.items()}


def _within(name: str, value: float) -> float:
    feature = CATALOG[name]
    if not feature.low <= value <= feature.high:
        raise InputError(f"The study has a {feature.text} of {value:.4g} {feature.unit}, which no heart has: check it.")
    return value
