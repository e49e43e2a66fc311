"""A trained diagnosis on disk: model.json (plain numbers, nothing that runs) and CARD.md, which names its hash."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from CardiacBiomechLib.diagnosis.features.catalog import VERSION, feature_of
from CardiacBiomechLib.diagnosis.models.model import DiagnosisModel
from CardiacBiomechLib.diagnosis.models.scores import MAX_FEATURES, MAX_GROUPS, MAX_ROWS, check_arrays
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

SCHEMA = "thoraxai.cardiac-diagnosis-model/1"
SHIPPED = Path(__file__).resolve().parents[1] / "synthetic_model"
MODEL, CARD, TABLE = "model.json", "CARD.md", "features.csv"
MAX_BYTES, MAX_CARD_BYTES, MAX_WORDS = 64 << 20, 1 << 20, 120
WHOLE = ("split", "left", "right", "roots", "groups", "group_count")
_HASH = re.compile(r"\| sha256 \| `([0-9a-f]{64})` \|")


def to_dict(model: DiagnosisModel) -> dict[str, Any]:
    """Return the model as plain values; floating point keeps every digit."""
    return {
        "schema": SCHEMA,
        "research_use": "Research use only, not a medical device.",
        "feature_version": VERSION,
        "kind": model.kind,
        "groups": list(model.groups),
        "features": [
            {
                "name": feature.name,
                "unit": feature.unit,
                "mean": float(model.means[at]),
                "scale": float(model.scales[at]),
                "low": float(model.low[at]),
                "high": float(model.high[at]),
            }
            for at, feature in enumerate(model.features)
        ],
        "temperature": model.temperature,
        "alpha": model.alpha,
        "reach": model.reach,
        "arrays": {name: np.asarray(value).tolist() for name, value in model.arrays.items()},
        "training_rows": model.rows.tolist(),
        "training_groups": model.groups_of_rows.tolist(),
        "held_out_nonconformity": model.own_scores.tolist(),
        "note": model.note,
    }


def save_model(model: DiagnosisModel, folder: Path, card: str) -> str:
    """Write model.json and CARD.md (``card`` with ``{sha256}`` where the hash belongs); returns the hash."""
    data = (json.dumps(to_dict(model), allow_nan=False) + "\n").encode("utf-8")
    digest = hashlib.sha256(data).hexdigest()
    (folder / MODEL).write_bytes(data)
    (folder / CARD).write_text(card.replace("{sha256}", digest), encoding="utf-8")
    return digest


def load_model(folder: Path) -> DiagnosisModel:
    """Read a model folder, whoever it is from: bounded, checked against its card, never run. Raises InputError."""
    if not folder.is_dir() or not (folder / MODEL).is_file():
        raise InputError(f"'{folder.name}' holds no {MODEL}: make a model with thoraxai cardiac train.")
    try:
        data = read_bounded(folder / MODEL, MAX_BYTES)
        card = read_bounded(folder / CARD, MAX_CARD_BYTES).decode("utf-8", "replace")
    except TooLarge as error:
        raise InputError(f"The files of model '{folder.name}' are larger than those of a diagnosis are.") from error
    except OSError as error:
        raise InputError(
            f"Model '{folder.name}' lacks {CARD}, which says what it is: copy the whole folder."
        ) from error
    told = _HASH.search(card)
    digest = hashlib.sha256(data).hexdigest()
    if told is None or told.group(1) != digest:
        raise InputError(f"{MODEL} of '{folder.name}' is not the file that its card describes: copy the whole folder.")
    try:
        found = _model(json.loads(data))
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{MODEL} of '{folder.name}' is damaged: train the model again.") from error
    return found


def model_hash(folder: Path) -> str:
    """Return the hash of a model's file."""
    return hashlib.sha256(read_bounded(folder / MODEL, MAX_BYTES)).hexdigest()


def _model(content: Any) -> DiagnosisModel:
    _check_head(content)
    features = tuple(feature_of(_word(item["name"])) for item in content["features"])
    for feature, item in zip(features, content["features"], strict=True):
        if item["unit"] != feature.unit:
            raise InputError(
                f"The model has {feature.name} in {_word(item['unit'])}, this program in {feature.unit}: train it "
                "again."
            )
    numbers = {name: _vector([item[name] for item in content["features"]]) for name in ("mean", "scale", "low", "high")}
    groups = tuple(_word(group) for group in content["groups"])
    arrays = {_word(name): _array(name, value) for name, value in content["arrays"].items()}
    check_arrays(str(content["kind"]), arrays, len(features), len(groups))
    rows = np.array(content["training_rows"], dtype=float)
    of_rows = np.array(content["training_groups"], dtype=int)
    own = _vector(content["held_out_nonconformity"])
    temperature, alpha, reach = (float(content[name]) for name in ("temperature", "alpha", "reach"))
    fits = (
        rows.ndim == 2
        and 0 < len(rows) <= MAX_ROWS
        and rows.shape[1] == len(features)
        and np.isfinite(rows).all()
        and of_rows.shape == own.shape == (len(rows),)
        and set(np.unique(of_rows)) == set(range(len(groups)))
        and (numbers["scale"] > 0).all()
        and (numbers["low"] <= numbers["high"]).all()
        and np.isfinite([temperature, alpha, reach]).all()
        and min(temperature, reach) > 0
        and 0 < alpha < 1
        and isinstance(content["note"], dict)
    )
    if not fits:
        raise InputError("The arrays of the model do not fit together: train it again.")
    return DiagnosisModel(
        features, groups, str(content["kind"]), arrays, numbers["mean"], numbers["scale"], numbers["low"],
        numbers["high"], temperature, rows, of_rows, own, reach, alpha, content["note"],
    )  # fmt: skip


def _check_head(content: Any) -> None:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else None
        raise InputError(f"The model is of another kind than {SCHEMA} (found: {str(found)[:60]}): train it again.")
    if content["feature_version"] != VERSION:
        raise InputError(
            f"The model was trained on features of version '{str(content['feature_version'])[:60]}', this program has "
            f"'{VERSION}': train it again."
        )
    if not 0 < len(content["features"]) <= MAX_FEATURES or not 1 < len(content["groups"]) <= MAX_GROUPS:
        raise InputError("The model has no features or groups, or more than a diagnosis has: train it again.")


def _word(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_WORDS:
        raise ValueError("a name is no short text")
    return value


def _vector(values: object) -> np.ndarray:
    found = np.array(values, dtype=float)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError("a list of numbers is not one")
    return found


def _array(name: str, values: object) -> np.ndarray:
    return np.array(values, dtype=int if name in WHOLE else float)
