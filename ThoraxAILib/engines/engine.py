"""Engine: what is known of one implementation before it is made; nothing is loaded to say it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ThoraxAILib.engines.rules import rules_of

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
        """Changes with its weights, its settings or the version of its rules; the source is ``Engine.rules``."""

    @property
    def device(self) -> str:
        """Where it runs; after work, where it really ran."""


@dataclass(frozen=True)
class Engine:
    """One implementation at a seam; ``kind`` is the word of the seam as an error sentence uses it.

    ``make(device)`` builds it for one of "cpu", "cuda" and "openvino"; some kinds take settings by name beside it.
    ``missing()`` says why it cannot run here, empty when it can. ``weights`` is the file of a learned one; without
    such a file ``version`` stands for what its answers depend on. ``uses_device``: whether the device matters to it.
    A calibration holds for one fingerprint, whatever is rewritten in the source without a change of the answers.
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
        """Of weights the start of their SHA-256, read once while unchanged; else the version."""
        if self.weights is not None and not self.version:
            return weights_fingerprint(self.weights)
        return self.version() if callable(self.version) else self.version

    @property
    def rules(self) -> str:
        """Fingerprint of the source that makes its answers, see ``rules.py``; a run of others is not resumed."""
        return rules_of(self.make)


def learned_engine(
    kind: str,
    name: str,
    description: str,
    weights: Path,
    make: Callable[..., Any],
    own_weights: bool = False,
    rules_version: int = 1,
) -> Engine:
    """Return engine of a network shipped with the suite: it needs PyTorch and its weights, and runs on the device.

    ``own_weights``: ``make`` takes the setting "weights", None for those that are shipped. ``rules_version`` is part of
    the fingerprint, see ``versioned``.
    """

    def of_weights(weights: Path | None = None, **_settings: object) -> str:
        return versioned(weights_fingerprint(shipped if weights is None else weights), rules_version)

    shipped = weights
    return Engine(
        kind,
        name,
        description,
        WEIGHTS_LICENCE,
        make,
        missing=lambda: missing_for_network(weights),
        weights=weights,
        uses_device=True,
        version=of_weights,
        fingerprint_with=of_weights if own_weights else None,
    )


def missing_for_network(weights: Path) -> str:
    """Why a network with these weights cannot run here; empty when it can."""
    if importlib.util.find_spec("torch") is None:
        return f"PyTorch is not installed ({INSTALL_TORCH})"
    return "" if weights.is_file() else f"its weights '{weights.name}' are not there"


def versioned(fingerprint: str, rules_version: int) -> str:
    """Return a fingerprint of weights together with the version of the rules around them; the first goes unsaid.

    Raise it when answers change with the same weights: calibrations of the older rules are then refused.
    """
    return fingerprint if rules_version == 1 else f"{fingerprint}-{rules_version}"


def weights_fingerprint(weights: Path) -> str:
    """Return the fingerprint of a weights file; "none" where there is no such file."""
    from ThoraxAILib.networks.weights_file import sha256

    return sha256(weights)[:FINGERPRINT_DIGITS] if weights.is_file() else "none"
