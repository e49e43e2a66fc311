"""The folder of a trained nnU-Net (version 2): what is in it, whether it is whole, and its fingerprint.

Source of the layout: MIC-DKFZ/nnUNet, documentation/how_to_use_nnunet.md: dataset.json, plans.json and
fold_X/checkpoint_final.pth.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ThoraxAILib.engines.engine import FINGERPRINT_DIGITS
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.plain_json import read_plain_json

DATASET, PLANS = "dataset.json", "plans.json"
FOLDS = "fold_*"
CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
BACKGROUND = "background"
MAX_JSON_BYTES = 4_000_000
MAX_CHECKPOINT_BYTES = 8 << 30
INSTALL = "pip install nnunetv2"
REORIENTING_READER = "NibabelIOWithReorient"


@dataclass(frozen=True)
class TrainedFolder:
    """A trained nnU-Net as far as it is known without PyTorch.

    ``labels`` are the names of its classes, without the background, with the value or values of each in its answers;
    ``checkpoint`` is the name of the weights file in each of ``folds``; ``reader`` is the class that read its
    training images ("" in a folder that does not say).
    """

    folder: Path
    labels: dict[str, tuple[int, ...]]
    channels: int
    folds: tuple[str, ...]
    checkpoint: str
    reader: str
    has_regions: bool

    @property
    def wants_ras(self) -> bool:
        """Whether its images were turned towards right, anterior, superior before training."""
        return self.reader == REORIENTING_READER

    def value_of(self, name: str) -> int:
        """Return the one value of a class; raises InputError for a class that is a region of several values."""
        values = self.labels[name]
        if len(values) != 1:
            raise InputError(f"'{name}' of the nnU-Net is a region of several labels: train it with plain labels.")
        return values[0]

    def channel_of(self, name: str) -> int:
        """Return the place of a class among the probabilities the model gives."""
        return list(self.labels).index(name) if self.has_regions else self.value_of(name)

    def fingerprint(self) -> str:
        """Return a hash of the model's description and of every fold's weights."""
        return hash_of(self.folder, self.checkpoints())[:FINGERPRINT_DIGITS]

    def checkpoints(self) -> tuple[Path, ...]:
        """Return the weights of every fold."""
        return tuple(self.folder / fold / self.checkpoint for fold in self.folds)


def read_trained_folder(folder: Path) -> TrainedFolder:
    """Read the descriptions in a trained model's folder; raises InputError when it is no such folder or not whole."""
    if not (folder / DATASET).is_file():
        raise InputError(
            f"'{folder.name}' is not the folder of a trained nnU-Net (no {DATASET} in it): give the folder that holds "
            f"{DATASET}, {PLANS} and fold_0."
        )
    content = _described(folder / DATASET)
    try:
        labels = {str(name): _values(value) for name, value in content["labels"].items() if name != BACKGROUND}
        channels = len(content["channel_names"])
    except (ValueError, KeyError, AttributeError, TypeError):
        raise InputError(f"'{DATASET}' of the nnU-Net cannot be read: export the model again.") from None
    plans = _described(folder / PLANS) if (folder / PLANS).is_file() else {}
    folds, checkpoint = _folds(folder)
    has_regions = any(isinstance(value, list) for value in content["labels"].values())
    reader = str(plans.get("image_reader_writer", ""))
    return TrainedFolder(folder, labels, channels, folds, checkpoint, reader, has_regions)


def hash_of(folder: Path, checkpoints: Iterable[Path]) -> str:
    """Return the SHA-256 of a model's description and weights."""
    digest = hashlib.sha256()
    for path in (folder / DATASET, folder / PLANS, *checkpoints):
        if path.is_file():
            with path.open("rb") as file:
                for chunk in iter(lambda: file.read(1 << 20), b""):
                    digest.update(chunk)
    return digest.hexdigest()


def missing_nnunet() -> str:
    """Why nnU-Net cannot run here; empty when it can."""
    return "" if importlib.util.find_spec("nnunetv2") else f"nnU-Net is not installed ({INSTALL})"


def _described(path: Path) -> dict[str, Any]:
    try:
        content = read_plain_json(path, largest_bytes=MAX_JSON_BYTES)
    except (OSError, ValueError, InputError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"'{path.name}' of the nnU-Net cannot be read: export the model again.")
    return content


def _values(value: object) -> tuple[int, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, int) for one in values):
        raise ValueError("a label that is no number")
    return tuple(values)


def _folds(folder: Path) -> tuple[tuple[str, ...], str]:
    """Return the folds that were trained to the end, and the name of their weights; those of the best epoch else."""
    for name in CHECKPOINTS:
        found = tuple(fold.name for fold in sorted(folder.glob(FOLDS)) if (fold / name).is_file())
        if found:
            numbered = tuple(fold for fold in found if fold != "fold_all")
            return numbered or found, name
    raise InputError(f"'{folder.name}' holds no trained fold ({CHECKPOINTS[0]} in fold_0): finish the training first.")
