"""The findings of finished analyses as marks of a detector: findings.json of one or many cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from LungNoduleAILib.model.files import FINDINGS_FILE
from LungNoduleAILib.model.findings import Findings
from ThoraxAILib.errors import InputError
from ThoraxAILib.statistics.marks import Marks
from ThoraxAILib.untrusted.plain_json import read_plain_json


def read_findings_marks(folders: Sequence[Path]) -> tuple[Marks, tuple[str, ...]]:
    """Return (marks, series) of every findings.json in these folders or one level below, whatever a reader decided
    on them.

    Positions stay RAS mm, the confidence is the score. Raises InputError for none, damaged ones, or a series twice.
    """
    files = [file for folder in folders for file in findings_files(folder)]
    everything = [read_findings(file) for file in files]
    series = [found.series_uid for found in everything]
    if len(set(series)) < len(series):
        twice = next(name for name in series if series.count(name) > 1)
        raise InputError(f"Two of the findings.json files describe the same series ({twice}): give each series once.")
    rows = [
        (found.series_uid, *finding.center_ras_mm, finding.confidence)
        for found in everything
        for finding in found.findings
    ]
    if not rows:
        return Marks.none(), tuple(series)
    numbers = np.array([row[1:] for row in rows], dtype=float)
    return Marks(np.array([row[0] for row in rows]), numbers[:, :3], numbers[:, 3]), tuple(series)


def findings_files(folder: Path) -> list[Path]:
    """Return the findings.json of a folder or those one level below; raises InputError when there is none."""
    own = folder / FINDINGS_FILE
    found = [own] if own.is_file() else sorted(folder.glob(f"*/{FINDINGS_FILE}"))
    if not found:
        raise InputError(
            f"'{folder.resolve().name}' holds no {FINDINGS_FILE}: give the output folder of thoraxai lung analyze."
        )
    return found


def read_findings(file: Path) -> Findings:
    """Return a findings.json; raises InputError in one sentence when it is none."""
    folder = file.resolve().parent.name
    if not file.is_file():
        raise InputError(f"There is no file '{file.name}' in '{folder}': give the {FINDINGS_FILE} of an analysis.")
    try:
        return Findings.from_dict(read_plain_json(file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{file.name} in '{folder}' is damaged or of another version: analyze the case again."
        ) from None
