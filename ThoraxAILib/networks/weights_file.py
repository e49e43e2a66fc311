"""Trained networks on disk: one file with settings, half-precision weights and a note, known by schema and hash."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import logging
import os
import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.networks.file_cache import cached_by_file

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Weights:
    """What a weights file holds: ``settings`` (plain values), ``state`` (float32 tensors by name), ``note``, its hash.

    ``note`` says how the weights were made (recipe, steps, seconds, scores) in plain values.
    """

    settings: dict[str, Any]
    state: dict[str, Tensor]
    note: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""


def save_weights(
    path: Path, schema: str, settings: dict[str, Any], state: dict[str, Tensor], note: dict[str, Any] | None = None
) -> None:
    """Write one weights file, floating point in half precision; it appears whole or not at all.

    ``schema`` names the kind of network and its version, such as "thoraxai.detector/1".
    """
    import torch

    half = {
        name: value.detach().cpu().half() if value.is_floating_point() else value.detach().cpu()
        for name, value in state.items()
    }
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save({"schema": schema, "settings": settings, "state": half, "note": note or {}}, partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_weights(path: Path, schema: str, maker: str) -> Weights:
    """Return the content of a weights file of this ``schema``; ``maker`` is the command that writes such files.

    Raises InputError when the file is missing or is no such file, MissingDependencyError without PyTorch.
    """
    require_torch()
    import torch

    if not path.is_file():
        raise InputError(f"The weights '{path.name}' do not exist: make some with {maker}.")
    content = None
    data = io.BytesIO(_opened(path).taken())
    if zipfile.is_zipfile(data):  # as everything that torch.save writes
        data.seek(0)
        try:
            content = torch.load(data, map_location="cpu", weights_only=True)
        except (RuntimeError, pickle.UnpicklingError, EOFError, LookupError, ValueError) as error:
            logger.warning("'%s' cannot be read as weights (%s)", path.name, type(error).__name__)
    if not isinstance(content, dict) or content.get("schema") != schema or not isinstance(content.get("state"), dict):
        found = content.get("schema") if isinstance(content, dict) else None
        raise InputError(
            f"'{path.name}' holds no weights of the kind {schema} (found: {found or 'something else'}): "
            f"give a file that {maker} wrote."
        )
    state = {name: value.float() if value.is_floating_point() else value for name, value in content["state"].items()}
    return Weights(content["settings"], state, content.get("note", {}), sha256(path))


def sha256(path: Path) -> str:
    """Hash of a weights file, as its card states it, read once while the file stays as it is; needs no PyTorch."""
    return _opened(path).sha256


class _Opened:
    """A file that was read: its hash, and its bytes until they are made into weights."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content: bytes | None = path.read_bytes()
        self.sha256 = hashlib.sha256(self._content).hexdigest()

    def taken(self) -> bytes:
        """Return the bytes, which are not held any longer; read again when they were taken before."""
        content, self._content = self._content, None
        return self._path.read_bytes() if content is None else content


_opened = cached_by_file(_Opened)


def require_torch(what: str = "Learned models", instead: str = "") -> None:
    """Raise MissingDependencyError unless PyTorch can be imported; ``instead`` says what works without it."""
    if importlib.util.find_spec("torch") is None:
        alternative = f", or {instead}" if instead else ""
        raise MissingDependencyError(
            f'{what} need PyTorch, which is not installed: pip install "thoraxai[learning]"{alternative}.'
        )
