"""Engine: what is known of one implementation before it is made; nothing is loaded to say it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

SUITE_LICENCE = "Apache-2.0"
WEIGHTS_LICENCE = "Apache-2.0; weights for research use only, not a medical device"
FINGERPRINT_DIGITS = 16
INSTALL_TORCH = 'pip install "thoraxai[learning]"'


def _nothing_is_missing() -> str:
    return ""


class Implementation(Protocol):
    """What an Engine makes; every seam's protocol adds what it does."""

    @property
    def name(self) -> str:
        """Name of its engine."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever its answers may change: a hash of weights or of the parameters."""

    @property
    def device(self) -> str:
        """Where it runs; after work, where it really ran."""


@dataclass(frozen=True)
class Engine:
    """One implementation at a seam; ``kind`` is the word of the seam as an error sentence uses it.

    ``make(device)`` builds it for one of "cpu", "cuda" and "openvino"; some kinds take settings by name beside it.
    ``missing()`` says why it cannot run here, empty when it can. ``weights`` is the file of a learned one; without
    such a file ``version`` stands for what its answers depend on. ``uses_device``: whether the device matters to it.
    ``settings`` are the names of what ``make`` takes beside the device; where its answers depend on them,
    ``fingerprint_with`` gives the fingerprint for such settings before it is made.
    """

    kind: str
    name: str
    description: str
    licence: str
    make: Callable[..., Any]
    version: str | Callable[[], str] = ""
    missing: Callable[[], str] = _nothing_is_missing
    weights: Path | None = None
    uses_device: bool = False
    settings: tuple[str, ...] = ()
    fingerprint_with: Callable[..., str] | None = None

    @property
    def fingerprint(self) -> str:
        """What changes whenever its answers may; of weights the start of their SHA-256, read once while unchanged."""
        if self.weights is not None:
            return weights_fingerprint(self.weights)
        return self.version() if callable(self.version) else self.version


def learned_engine(kind: str, name: str, description: str, weights: Path, make: Callable[..., Any]) -> Engine:
    """Return engine of a network shipped with the suite: it needs PyTorch and its weights, and runs on the device."""
    return Engine(
        kind,
        name,
        description,
        WEIGHTS_LICENCE,
        make,
        missing=lambda: missing_for_network(weights),
        weights=weights,
        uses_device=True,
    )


def missing_for_network(weights: Path) -> str:
    """Why a network with these weights cannot run here; empty when it can."""
    if importlib.util.find_spec("torch") is None:
        return f"PyTorch is not installed ({INSTALL_TORCH})"
    return "" if weights.is_file() else f"its weights '{weights.name}' are not there"


def weights_fingerprint(weights: Path) -> str:
    """Return the fingerprint of a weights file; "none" where there is no such file."""
    from ThoraxAILib.networks.weights_file import sha256

    return sha256(weights)[:FINGERPRINT_DIGITS] if weights.is_file() else "none"
