"""Trained cascades on disk: one weights file with settings, whose hash stands on the model's card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from ThoraxAILib.networks.file_cache import cached_by_file
from ThoraxAILib.networks.weights_file import load_weights, save_weights
from ThoraxAILib.registration.cascade.network import Cascade
from ThoraxAILib.registration.cascade.settings import CascadeSettings

SCHEMA = "thoraxai.cascade/1"
MAKER = "thoraxai cardiac train-registration"


def save_cascade(cascade: Cascade, path: Path, note: dict | None = None) -> None:
    """Write settings, weights (half precision) and a note about the training; the file appears whole or not at all."""
    save_weights(path, SCHEMA, asdict(cascade.settings), cascade.state_dict(), note)


@cached_by_file
def load_cascade(path: Path) -> Cascade:
    """Return a cascade ready to predict, kept while the file stays as it is.

    Raises InputError when the file is no cascade of this program.
    """
    weights = load_weights(path, SCHEMA, MAKER)
    cascade = Cascade(CascadeSettings.from_dict(weights.settings))
    cascade.load_state_dict(weights.state)
    return cascade.eval()
