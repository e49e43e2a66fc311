"""Reads weights of others into a network: tensors only, never code. PyTorch at file scope."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import torch
from torch import nn

from ThoraxAILib.errors import InputError

MAX_BYTES = 2 << 30
UNREADABLE = (
    OSError,
    RuntimeError,
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    ValueError,
    zipfile.BadZipFile,
)
WRAPPERS = ("model", "state_dict", "network_weights")


def read_checkpoint(path: Path, network: nn.Module) -> None:
    """Load a file of weights into a network; every tensor must find its place.

    Raises InputError when the file is none, holds more than tensors, or belongs to another network.
    """
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise InputError(f"'{path.name}' is larger than {MAX_BYTES >> 30} GiB: no published network is.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise InputError(
            f"'{path.name}' cannot be read as weights ({type(error).__name__}): fetch or add the published file again."
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    try:
        network.load_state_dict(content)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise InputError(
            f"'{path.name}' holds the weights of another network than this engine runs: give those of its bundle."
        ) from error
