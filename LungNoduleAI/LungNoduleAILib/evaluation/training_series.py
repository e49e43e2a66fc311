"""Leaks: scans that a detector was trained on say nothing of how well it does, so no clean score is made of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from LungNoduleAILib.datasets.luna_tables import read_series
from LungNoduleAILib.evaluation.findings_marks import findings_files
from LungNoduleAILib.model.files import RUN_FILE
from LungNoduleAILib.published.monai_detector import ENGINE as MONAI_DETECTOR
from LungNoduleAILib.published.monai_detector import MODEL as MONAI_MODEL
from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.published.catalog import MODELS, PublishedModel
from ThoraxAILib.networks.published.files import folder_of
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

MODEL_OF_DETECTOR = {MONAI_DETECTOR.name: MONAI_MODEL}
DETECTOR_ROLE = "detector"
MAX_RUN_BYTES = 64 << 20


def training_series(trained_on: Sequence[str], findings: Sequence[Path]) -> frozenset[str]:
    """Return the series that trained the detector whose marks are scored, as far as they are known.

    ``trained_on`` are files with one series UID per line, or names of published models; ``findings`` are folders of
    analyses, whose run records name their detector. Raises InputError for a model whose list is not there.
    """
    known: set[str] = set()
    for source in trained_on:
        model = next((one for one in MODELS if one.name == source), None)
        if model is None:
            known.update(read_series(Path(source)))
        else:
            known.update(_series_of(model, is_needed=True))
    for name in _detectors(findings):
        if name in MODEL_OF_DETECTOR:
            known.update(_series_of(MODEL_OF_DETECTOR[name], is_needed=False))
    return frozenset(known)


def refuse_leaks(series: Iterable[str], training: frozenset[str], is_allowed: bool) -> tuple[str, ...]:
    """Return the series that trained the detector; raises InputError when there are some and that is not allowed."""
    leaked = tuple(sorted(set(series) & training))
    if leaked and not is_allowed:
        raise InputError(
            f"{len(leaked)} of the scans trained this detector ({leaked[0]}{', ...' if len(leaked) > 1 else ''}), so "
            "the score would not be clean: leave them out with --series, or add --with-training-scans for one that "
            "says so."
        )
    return leaked


def _series_of(model: PublishedModel, is_needed: bool) -> tuple[str, ...]:
    path = folder_of(model) / model.training_series
    if path.is_file():
        return read_series(path)
    if is_needed:
        raise InputError(
            f"The training series of '{model.name}' are not on this computer: put one UID per line into "
            f"'{model.training_series}' of its bundle and use thoraxai models add, or name such a file."
        )
    return ()


def _detectors(folders: Sequence[Path]) -> set[str]:
    """Return the detectors that the run records beside findings name; one that cannot be read names none."""
    names: set[str] = set()
    for folder in folders:
        for file in findings_files(folder):
            try:
                record = json.loads(read_bounded(file.with_name(RUN_FILE), MAX_RUN_BYTES))
                names.update(model["name"] for model in record["models"] if model["role"] == DETECTOR_ROLE)
            except (OSError, TooLarge, ValueError, KeyError, TypeError, RecursionError):
                continue
    return names
