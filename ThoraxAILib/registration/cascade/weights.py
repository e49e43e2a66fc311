"""Trained cascades on disk: one file with settings and weights, whose hash stands on the model's card."""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import asdict
from pathlib import Path

import torch

from ThoraxAILib.errors import InputError
from ThoraxAILib.registration.cascade.network import Cascade
from ThoraxAILib.registration.cascade.settings import CascadeSettings

SCHEMA = "thoraxai.cascade/1"


def save_cascade(cascade: Cascade, path: Path, note: dict | None = None) -> None:
    """Write settings, weights (half precision) and a note about the training; the file appears whole or not at all."""
    state = {name: value.detach().half() for name, value in cascade.state_dict().items()}
    partial = path.with_name(path.name + ".partial")
    torch.save({"schema": SCHEMA, "settings": asdict(cascade.settings), "state": state, "note": note or {}}, partial)
    os.replace(partial, path)


def load_cascade(path: Path) -> Cascade:
    """A cascade ready to predict; raises InputError when the file is no cascade of this program."""
    if not path.is_file():
        raise InputError(f"The weights '{path.name}' do not exist: make some with thoraxai cardiac train-registration.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError):
        content = None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"'{path.name}' holds no registration cascade: give a file that train-registration wrote.")
    cascade = Cascade(CascadeSettings.from_dict(content["settings"]))
    cascade.load_state_dict({name: value.float() for name, value in content["state"].items()})
    return cascade.eval()


def sha256(path: Path) -> str:
    """Hash of a weights file, as its card states it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
